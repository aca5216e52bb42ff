import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import type { TestContext } from "node:test";
import { repository, startGateway } from "../support/gateway.ts";
import type { Gateway, Product } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";

export const program: Product = {
  name: "longhaul",
  command: [process.execPath, path.join(repository, "test/workers/program.ts")],
};

/** The same, with a watchdog that waits for less than a second. */
export const impatientProgram: Product = {
  name: "longhaul",
  command: ["env", `PATIENCE=${JSON.stringify({ beatMs: 50, tellMs: 250, endMs: 750 })}`, ...program.command],
};

/** A gateway with worker threads. */
export interface Scene {
  readonly gateway: Gateway;
  readonly port: number;
  /** Has it read this configuration instead; resolves when it is said to be in use. */
  readonly reload: (workers: number, servers?: string) => Promise<void>;
  /** Only has it read any text. */
  readonly signalWith: (config: string) => void;
}

/** `servers` is the content of the http block; PORT in it stands for the port. */
export async function startScene(
  t: TestContext,
  workers: number,
  servers?: string,
  product = program,
): Promise<Scene> {
  const port = await freePort();
  let generation = 0;
  const config = (count: number, text: string = answering): string => {
    generation += 1;
    const http = text.replaceAll("PORT", String(port)).replaceAll("GENERATION", String(generation));
    return `worker_processes ${count}; events { worker_connections 4096; } http { ${http.includes("access_log") ? "" : "access_log off;"} ${http} }`;
  };
  const gateway = await startGateway(product, { config: config(workers, servers), port });
  t.after(() => gateway.stop());
  const signalWith = (text: string): void => {
    const file = path.join(gateway.directory, "nginx.conf");
    writeFileSync(file, text.replaceAll("PREFIX", gateway.directory), "latin1");
    process.kill(gateway.pid, "SIGHUP");
  };
  return {
    gateway,
    port,
    signalWith,
    async reload(count, text = servers) {
      signalWith(config(count, text));
      await until(async () => (await get(port, "/generation")).body === String(generation));
    },
  };
}

/** Tells the thread and the configuration that answers. */
export const answering = `server {
  listen 127.0.0.1:PORT backlog=4096;
  location / { return 200 "$worker_thread"; }
  location /generation { return 200 "GENERATION"; }
}`;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own. Rejects with the error's code. */
export function get(port: number, target = "/"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect({ port, host: "127.0.0.1" }, () => {
      socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    });
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("error", (error) => reject(error));
    socket.on("close", () => {
      const [, status = "0"] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? [];
      if (status === "0") reject(new Error(`no answer: ${JSON.stringify(text)}`));
      else resolve({ status: Number(status), body: text.slice(text.indexOf("\r\n\r\n") + 4) });
    });
  });
}

/** A client that asks again and again. */
export class Stream {
  answered = 0;
  readonly failures: string[] = [];
  private readonly clients: Promise<void>[];
  private readonly port: number;
  private stopped = false;

  /** Each of the clients makes a new connection for each request. */
  constructor(port: number, clients: number) {
    this.port = port;
    this.clients = Array.from({ length: clients }, () => this.work());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.clients);
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      try {
        const { status } = await get(this.port);
        if (status === 200) this.answered += 1;
        else this.failures.push(String(status));
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }
}

/** Worker threads that have not ended, as the log tells. */
export function livingThreads(log: string): number {
  const count = (pattern: RegExp): number => log.match(pattern)?.length ?? 0;
  return count(/start worker thread/g) - count(/worker thread \d+ exited/g);
}

/** Asks until it is so. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A connection on which requests follow each other. */
export class KeptConnection {
  private readonly socket: net.Socket;
  private text = "";
  private wake: () => void = () => undefined;
  ended = false;
  /** The last answer was said to be the last one here. */
  closing = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.text += chunk;
      this.wake();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.ended = true;
      this.wake();
    });
  }

  static open(port: number): Promise<KeptConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: "127.0.0.1" });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new KeptConnection(socket));
      });
    });
  }

  async get(target = "/"): Promise<string> {
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (;;) {
      const [head = "", length = ""] = /^[^]*?content-length: (\d+)[^]*?\r\n\r\n/i.exec(this.text) ?? [];
      if (head !== "" && this.text.length >= head.length + Number(length)) {
        this.closing = /\r\nconnection: close\r\n/i.test(head);
        const body = this.text.slice(head.length, head.length + Number(length));
        this.text = this.text.slice(head.length + Number(length));
        return body;
      }
      if (this.ended) throw new Error("the connection has ended");
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
