import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { asWhoeverTests } from "./user.ts";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** A program that runs an nginx.conf: the one under test, or the one that tells what is right. */
export interface Product {
  readonly name: "longhaul" | "nginx";
  readonly command: readonly string[];
}

/** Longhaul runs on the runtime that runs the test. */
export const longhaul: Product = {
  name: "longhaul",
  command: [process.execPath, path.join(repository, "src/cli/main.ts")],
};

const nginx: Product = { name: "nginx", command: ["nginx"] };

/**
 * Longhaul, and nginx where it is installed, so that a test's expectations are held against both.
 * `LONGHAUL_TEST_PRODUCTS=nginx` (or `longhaul`) runs only one of them.
 */
export function products(): Product[] {
  const wanted = process.env["LONGHAUL_TEST_PRODUCTS"]?.split(",");
  const installed = isOnPath("nginx") ? [longhaul, nginx] : [longhaul];
  return wanted === undefined ? installed : installed.filter(({ name }) => wanted.includes(name));
}

export function isOnPath(program: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin"];
  return directories.some((directory) => existsSync(path.join(directory, program)));
}

export interface GatewayOptions {
  /** The text of nginx.conf. `PREFIX` in it stands for the gateway's own directory, without the last "/". */
  readonly config: string;
  /** The gateway is ready when this port on 127.0.0.1 accepts, and so do those of `listen` in the configuration. */
  readonly port: number;
  /** More files, by path below the gateway's directory. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A running gateway. */
export interface Gateway {
  /** The prefix (`-p`), without the last "/". Removed by `stop`. */
  readonly directory: string;
  /** The process; with nginx the master, whose workers are its children. */
  readonly pid: number;
  /** What it wrote to standard error so far: the error log. */
  log(): string;
  /** Resolves with the first line of the error log, present or future, that matches. */
  logged(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a gateway in a directory of its own. @throws Error with its log when it does not come up. */
export async function startGateway(product: Product, options: GatewayOptions): Promise<Gateway> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-test-"));
  // Where the default access log goes.
  await mkdir(path.join(directory, "logs"));
  const files = { ...options.files, "nginx.conf": configurationFor(product, options.config) };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text.replaceAll("PREFIX", directory), "latin1");
  }
  const child = spawnGateway(product, directory);
  // Should the test itself end early, the gateway must not outlive it.
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  child.once("exit", () => process.off("exit", killAtExit));
  const log = new Log(child);
  try {
    // A socket accepts as soon as it is bound, and others may be bound after it.
    for (const port of new Set([options.port, ...listenedPorts(options.config)])) await accepts(port, child);
  } catch (error) {
    await end(child);
    await rm(directory, { recursive: true, force: true });
    throw new Error(`${product.name} did not start: ${String(error)}\n${log.text}`);
  }
  return {
    directory,
    pid: child.pid as number,
    log: () => log.text,
    logged: (pattern) => log.line(pattern),
    async stop() {
      await end(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `LONGHAUL_TEST_HTTP2=on`: whatever longhaul is given to run serves HTTP/2 besides. */
function configurationFor({ name }: Product, config: string): string {
  if (name !== "longhaul" || process.env["LONGHAUL_TEST_HTTP2"] !== "on") return config;
  return config.replace(/^(\s*)http\s*\{/m, "$&\n$1  http2 on;");
}

function spawnGateway(product: Product, directory: string): ChildProcess {
  const globals = [`pid ${directory}/gateway.pid;`, "error_log stderr info;", "daemon off;", asWhoeverTests];
  const [program, ...before] = product.command;
  const flags = [
    "-p",
    `${directory}/`,
    "-c",
    `${directory}/nginx.conf`,
    "-e",
    "stderr",
    "-g",
    globals.join(" "),
  ];
  return spawn(program as string, [...before, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
  });
}

/** Ports that a configuration has listened on, on all addresses or on 127.0.0.1, where that is told by a number. */
function listenedPorts(config: string): number[] {
  return [...config.matchAll(/\blisten\s+(?:(?:\*|127\.0\.0\.1):)?(\d{4,5})\b(?!-)(?![^;]*\budp\b)/g)].map(
    (found) => Number(found[1]),
  );
}

/** Resolves when the port accepts; rejects when the process has ended instead. */
async function accepts(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 20_000;
  let failure: unknown = null;
  child.once("error", (error) => (failure = error));
  while (Date.now() < deadline) {
    if (failure !== null) throw failure;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended with ${child.exitCode}`);
    if (await connects(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`port ${port} does not accept`);
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(killer);
}

/** Standard error of a process, kept and searched as it grows. */
class Log {
  text = "";
  private readonly waiting = new Set<() => void>();

  constructor(child: ChildProcess) {
    child.stderr?.setEncoding("latin1");
    child.stderr?.on("data", (chunk: string) => {
      this.text += chunk;
      for (const look of this.waiting) look();
    });
  }

  line(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.text.split("\n").find((line) => pattern.test(line));
        if (found === undefined) return;
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }
}
