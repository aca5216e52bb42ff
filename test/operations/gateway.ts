/** The gateway under test, operated as its operator would: files, signals, the pid file, the log. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { figuresOf, isAlive, processesOf } from "./processes.ts";
import type { ProcessFigures } from "./processes.ts";
import { pause, until } from "./until.ts";
import { asWhoeverTests } from "../support/user.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const startLimitMs = 20_000;

/** A program that runs an nginx.conf. */
export interface Product {
  readonly name: string;
  /** The program by absolute path (nginx starts its successor by it), and what stands before the flags. */
  readonly command: readonly string[];
  /** In the background, as a service: an nginx in the foreground ignores USR2. */
  readonly isDaemon: boolean;
  /** The variable by which a response tells its worker. */
  readonly workerVariable: string;
}

export const nginx: Product = {
  name: "nginx",
  command: ["/usr/sbin/nginx"],
  isDaemon: true,
  workerVariable: "$pid",
};

/** `program`: a Node or a Bun. */
export function longhaulOn(runtime: "node" | "bun", program: string): Product {
  const command = [program, join(repository, "src/cli/main.ts")];
  return { name: `longhaul on ${runtime}`, command, isDaemon: false, workerVariable: "$pid" };
}

/** In the background, where it takes the signals of an upgrade. */
export function asService(product: Product): Product {
  return { ...product, isDaemon: true };
}

/** Longhaul with a module that tells its workers apart, and can end one; null where there is none. */
export function longhaulWithWorkers(runtime: "node" | "bun", program: string): Product | null {
  const script = join(repository, "test/workers/program.ts");
  if (!existsSync(script)) return null;
  return { ...longhaulOn(runtime, program), command: [program, script], workerVariable: "$worker_thread" };
}

/** Null without an nginx on this machine. */
export function installedNginx(): Product | null {
  return existsSync(nginx.command[0]!) ? nginx : null;
}

/** A gateway in a directory of its own. */
export class Gateway {
  readonly product: Product;
  readonly directory: string;
  #child: ChildProcess | null = null;
  /** The process group of all that it starts. */
  #group = -1;
  /** How the first process ended; resolves with "exit 0" and the like. */
  #ended: Promise<string> = Promise.resolve("never started");

  constructor(product: Product) {
    this.product = product;
    this.directory = mkdtempSync(join(tmpdir(), "longhaul-operations-"));
    mkdirSync(join(this.directory, "logs"));
  }

  /** Writes a file of the gateway's directory. */
  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text, "latin1");
  }

  /** What `-t` says against the configuration that is there; null when it is fine. */
  complaint(): string | null {
    const [program, ...before] = this.product.command;
    const result = spawnSync(program!, [...before, "-t", ...this.#flags()], { encoding: "latin1" });
    if (result.status === 0) return null;
    return /\[emerg\] (.*)/.exec(result.stderr)?.[1] ?? result.stderr;
  }

  /** Starts it with the `nginx.conf` that was written; ready when `port` accepts. */
  async start(port: number): Promise<void> {
    const [program, ...before] = this.product.command;
    const child = spawn(program!, [...before, ...this.#flags()], {
      cwd: this.directory,
      // A process group of its own, by which all that it starts is found.
      detached: true,
      stdio: ["ignore", "ignore", "ignore"],
    });
    this.#child = child;
    process.once("exit", this.#kill);
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(String(error)));
      child.once("exit", (code, signal) => resolve(code === null ? String(signal) : `exit ${code}`));
    });
    let ending: string | null = null;
    void this.#ended.then((how) => (ending = how));
    await until(`port ${port} of ${this.product.name}`, startLimitMs, async () => {
      if (ending !== null && !(this.product.isDaemon && ending === "exit 0"))
        throw new Error(`${this.product.name} did not start, ${ending}: ${this.log().slice(-2000)}`);
      return (await accepts(port)) ? true : null;
    });
    // A daemon listens before it has written the file.
    const pid = await until("the pid file", startLimitMs, () => this.readPid("gateway.pid"));
    this.#group = this.product.isDaemon ? pid : (child.pid ?? -1);
  }

  /** The process that takes signals, by the pid file. */
  get pid(): number {
    return this.readPid("gateway.pid") ?? this.#child?.pid ?? -1;
  }

  readPid(name: string): number | null {
    try {
      return Number(readFileSync(join(this.directory, name), "latin1")) || null;
    } catch {
      return null;
    }
  }

  signal(name: NodeJS.Signals, pid = this.pid): void {
    process.kill(pid, name);
  }

  /** The error log. */
  log(): string {
    try {
      return readFileSync(join(this.directory, "error.log"), "latin1");
    } catch {
      return "";
    }
  }

  /** The first line after the first `from` characters of the log that matches. */
  logged(pattern: RegExp, from: number, limitMs: number): Promise<string> {
    return until(`${pattern} in the error log of ${this.product.name}`, limitMs, () => {
      const lines = this.log().slice(from).split("\n");
      return lines.find((line) => pattern.test(line)) ?? null;
    });
  }

  /** Everything that it consists of now. */
  processes(): number[] {
    if (this.#child === null) return [];
    const group = this.#group > 0 ? this.#group : this.pid;
    const members = new Set(processesOf(group));
    for (const name of ["gateway.pid", "gateway.pid.oldbin"]) {
      const pid = this.readPid(name);
      if (pid !== null && isAlive(pid)) members.add(pid);
    }
    return [...members];
  }

  /** The smallest of a few looks: what is only on its way to be freed does not count. */
  async figures(): Promise<ProcessFigures> {
    let least: ProcessFigures | null = null;
    for (let look = 0; look < 5; look += 1) {
      const figures = figuresOf(this.processes());
      if (least === null || figures.memoryKib < least.memoryKib) least = figures;
      await pause(100);
    }
    return least!;
  }

  /** Ends all of it, and takes the directory away. */
  async stop(): Promise<void> {
    if (this.#child !== null) {
      for (const name of ["gateway.pid", "gateway.pid.oldbin"]) {
        const pid = this.readPid(name);
        if (pid !== null && isAlive(pid)) process.kill(pid, "SIGTERM");
      }
      const isGone = (): true | null => (this.processes().length === 0 ? true : null);
      await until("the end of the gateway", 5_000, isGone).catch(() => this.#kill());
      await this.#ended;
      process.off("exit", this.#kill);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  readonly #kill = (): void => {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
  };

  #flags(): string[] {
    const { directory } = this;
    const { isDaemon } = this.product;
    const globals = [
      `pid ${directory}/gateway.pid;`,
      `error_log ${directory}/error.log notice;`,
      `daemon ${isDaemon ? "on" : "off"};`,
      asWhoeverTests,
    ];
    const flags = ["-p", `${directory}/`, "-c", `${directory}/nginx.conf`, "-e", `${directory}/error.log`];
    return [...flags, "-g", globals.join(" ")];
  }
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
