/** Child processes of the benchmark: pinned to a core, spoken to by lines, ended by process id. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { processTree } from "./measure.ts";

/** The proxy has a core of its own; load and backend share the next. One core: nothing to separate. */
export const proxyCpu = 0;
export const loadCpu = 1;
/** Two workers need both, and everyone shares them then. */
export const bothCpus = "0,1";

/** Asked before this process is itself pinned. */
const isPinning = availableParallelism() > 1;

const stopPatienceMs = 3000;

export interface StartOptions {
  /** A core or several, as taskset takes them. */
  readonly cpu: number | string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard error goes there, and standard output too unless its lines are wanted. */
  readonly logFile: string;
  /** True: standard input and output are the conversation of `say` and `hear`. */
  readonly talks: boolean;
}

function pinned(command: readonly string[], cpu: number | string): string[] {
  return isPinning ? ["taskset", "-c", String(cpu), ...command] : [...command];
}

/** Moves all threads of a running process; its children stay where they are. */
export function pinProcess(pid: number, cpu: number | string): void {
  if (isPinning) execFileSync("taskset", ["-a", "-c", "-p", String(cpu), String(pid)], { stdio: "ignore" });
}

/** Nobody may outlive the benchmark, however it ends. */
const living = new Set<ChildProcess>();
process.on("exit", stopAll);

/** Tells every child to end and does not wait. */
export function stopAll(): void {
  for (const child of living) child.kill("SIGTERM");
}

/** A running child. */
export class Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #logFile: string;
  readonly #lines: string[] = [];
  #wake: () => void = () => {};
  #isOver = false;

  constructor(command: readonly string[], options: StartOptions) {
    const [program, ...args] = pinned(command, options.cpu);
    const log = openSync(options.logFile, "a");
    this.#logFile = options.logFile;
    this.#process = spawn(program!, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      // Out of reach of the terminal's Ctrl-C: the benchmark hears it, and ends its children in order.
      detached: true,
      stdio: options.talks ? ["pipe", "pipe", log] : ["ignore", log, log],
    });
    closeSync(log);
    this.pid = this.#process.pid ?? -1;
    living.add(this.#process);
    this.#exited = new Promise((resolve) => {
      const over = (): void => {
        this.#isOver = true;
        living.delete(this.#process);
        this.#wake();
        resolve();
      };
      this.#process.on("exit", over);
      this.#process.on("error", over);
    });
    if (options.talks) this.#listen();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #listen(): void {
    let text = "";
    this.#process.stdout?.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      this.#lines.push(...lines);
      this.#wake();
    });
    // The child may end while it is being told something.
    this.#process.stdin?.on("error", () => {});
  }

  say(word: string): void {
    this.#process.stdin?.write(`${word}\n`);
  }

  /** The next line. @throws Error when the child ends first or says nothing for `patienceMs`. */
  async hear(patienceMs: number): Promise<string> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`ended: ${this.lastWords()}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`silent for ${patienceMs} ms: ${this.lastWords()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The end of the log. */
  lastWords(): string {
    return readFileSync(this.#logFile, "utf8").trim().slice(-300);
  }

  /** SIGTERM, and SIGKILL when that is not enough. */
  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), stopPatienceMs);
    await this.#exited;
    clearTimeout(timer);
  }
}

/**
 * Lets a process and its children go before everything else on their core, or puts them back among the others.
 * Needs root; without it nothing changes, and latencies then contain what else the machine does.
 */
export function setRealtime(child: Child, enabled: boolean): void {
  const policy = enabled ? ["-f", "-p", "1"] : ["-o", "-p", "0"];
  for (const pid of processTree(child.pid)) {
    try {
      execFileSync("chrt", ["-a", ...policy, String(pid)], { stdio: "ignore" });
    } catch {
      // Not permitted here, or no such program.
    }
  }
}

/** A busy loop beside the proxy. */
export function startBallast(): Child {
  return new Child(["sh", "-c", "while :; do :; done"], {
    cpu: proxyCpu,
    logFile: "/dev/null",
    talks: false,
  });
}
