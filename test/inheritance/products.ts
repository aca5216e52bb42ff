/** Starts nginx, or longhaul inside this process, with a configuration whose logs can be read by path. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { LogFiles } from "../../src/gateway/log/log-files.ts";
import { startGateway } from "../../src/runtime/embed.ts";

export interface Running {
  /** The lines of a log file so far. */
  lines(file: string): string[];
  stop(): Promise<void>;
}

export type Product = "nginx" | "longhaul";

/** @param address the last of those where it listens: ready when that accepts */
export function start(product: Product, http: string, directory: string, address: string): Promise<Running> {
  return product === "nginx" ? startNginx(http, directory, address) : startLonghaul(http, directory);
}

const events = "events { worker_connections 4096; }";

async function startLonghaul(http: string, directory: string): Promise<Running> {
  const files = new Map<string, string[]>();
  const open: LogFiles["open"] = (file) => {
    const lines = files.get(file) ?? [];
    files.set(file, lines);
    return { write: (line) => void lines.push(line.trimEnd()) };
  };
  const logs: LogFiles = {
    open,
    syslog: () => ({ write: () => undefined }),
    stderr: { write: () => undefined },
    reopen() {},
    flush() {},
  };
  const config = `error_log logs/error.log info; ${events} http { ${http} }`;
  const gateway = await startGateway({ config, prefix: directory, logs });
  return { lines: (file) => files.get(file) ?? [], stop: () => gateway.stop() };
}

let starts = 0;

async function startNginx(http: string, directory: string, address: string): Promise<Running> {
  const file = path.join(directory, `nginx-${++starts}.conf`);
  mkdirSync(path.join(directory, "logs"), { recursive: true });
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const globals = `daemon off; master_process off; ${user} pid ${file}.pid; error_log logs/error.log info;`;
  writeFileSync(file, `${globals} ${events} http { ${http} }`, "latin1");
  const child = spawn("nginx", ["-e", "stderr", "-p", directory, "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
  });
  let said = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => (said += text));
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "exit");
  while (!(await accepts(address))) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
    await pause(5);
  }
  return {
    lines: (name) => readLines(name),
    async stop() {
      kill();
      await ended;
      process.off("exit", kill);
    },
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "latin1").trimEnd().split("\n");
  } catch {
    return [];
  }
}

function accepts(address: string): Promise<boolean> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: Number(port) });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
