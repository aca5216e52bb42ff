import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

export type ProgramName = "nginx" | "longhaul";
export type Runtime = "node" | "bun";

/** How long a program may take until it accepts connections, in milliseconds. */
const START_MS = 20_000;
/** How long it may take to go after SIGTERM before it is killed. */
const STOP_MS = 3000;

const ROOT = new URL("../../", import.meta.url).pathname;
const NGINX_PATHS = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"];

export function nginxPath(): string | null {
  return NGINX_PATHS.find((path) => existsSync(path)) ?? null;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A running server program. */
export interface RunningProgram {
  /** What it wrote to its standard streams. */
  output(): string;
  /** True once it has gone by itself. */
  gone(): boolean;
  stop(): Promise<void>;
}

/** Starts the program on `nginx.conf` in a directory; resolves when all endpoints accept. */
export async function startProgram(
  program: ProgramName,
  runtime: Runtime,
  directory: string,
  endpoints: readonly string[],
): Promise<RunningProgram> {
  const [command, args] = commandLine(program, runtime);
  const child = spawn(command, [...args, "-c", join(directory, "nginx.conf"), "-p", `${directory}/`], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: directory,
  });
  running.add(child);
  let output = "";
  let gone = false;
  const note = (chunk: Buffer): void => {
    output += chunk.toString("latin1");
  };
  child.stdout.on("data", note);
  child.stderr.on("data", note);
  const exited = new Promise<void>((resolve) => {
    const leave = (why: string): void => {
      output += why;
      gone = true;
      running.delete(child);
      resolve();
    };
    child.on("error", (error) => leave(error.message));
    child.on("exit", (code, signal) => leave(code === 0 ? "" : `\nexit: ${code ?? signal}`));
  });
  const stop = async (): Promise<void> => {
    if (gone) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  const started: RunningProgram = { output: () => output, gone: () => gone, stop };
  const deadline = Date.now() + START_MS;
  for (const endpoint of endpoints) {
    while (!(await accepts(endpoint))) {
      if (gone || Date.now() > deadline) {
        await stop();
        throw new Error(`${program} did not start:\n${withoutNotices(output)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  return started;
}

function commandLine(program: ProgramName, runtime: Runtime): [command: string, args: string[]] {
  if (program === "nginx") return [nginxPath() ?? "nginx", []];
  const own = process.versions.bun === undefined ? "node" : "bun";
  const command = own === runtime ? process.execPath : runtime;
  return [command, [join(ROOT, "src/cli/main.ts")]];
}

/** Notices about directives without effect would drown the reason. */
function withoutNotices(output: string): string {
  const lines = output.split("\n").filter((line) => !line.includes("[notice]"));
  return lines.join("\n").trim();
}

function accepts(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const unix = /^unix:(.*)$/.exec(endpoint);
    const [, host = "127.0.0.1", port = ""] = /^(?:\[?([0-9a-f.:]+?)\]?:)?(\d+)$/.exec(endpoint) ?? [];
    const socket = unix === null ? connect({ host, port: Number(port) }) : connect({ path: unix[1] ?? "" });
    socket.on("connect", () => resolve(true));
    socket.on("connect", () => socket.end());
    socket.on("error", () => resolve(false));
    socket.resume();
  });
}

/** The endpoints to knock at, by the `listen` directives of a configuration. */
export function listenEndpoints(config: string): string[] {
  const found = new Set<string>();
  for (const [, address = ""] of config.matchAll(/^\s*(?:server *\{ *)?listen\s+([^\s;]+)/gm)) {
    found.add(address.replace(/^(?:\*|0\.0\.0\.0):/, "").replace(/^\[::\]:/, "[::1]:"));
  }
  return [...found];
}
