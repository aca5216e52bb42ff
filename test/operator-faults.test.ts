/** What goes wrong around a gateway on which tunnels are open: none of them notices. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { pause, until } from "./operations/until.ts";
import { startEchoBackend } from "./support/backend.ts";
import type { EchoBackend } from "./support/backend.ts";
import { certificateFiles } from "./support/certificate.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePorts } from "./support/ports.ts";
import { WebSocket } from "./support/ws.ts";

const tunnelCount = 300;
const limitMs = 20_000;
const limit = { timeout: 60_000 };

/** A client that sends again what comes back, for as long as it lives. */
class EchoingTunnel {
  echoes = 0;
  readonly opened: Promise<void>;
  private readonly socket: WebSocket;
  private failure: string | null = null;

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    this.socket.on("error", (error) => (this.failure ??= error.message));
    this.socket.on("close", (code) => (this.failure ??= `closed with ${code}`));
    this.socket.on("message", (data) => {
      const text = (data as Buffer).toString();
      if (text !== String(this.echoes)) this.failure ??= `${text} instead of ${this.echoes}`;
      this.echoes += 1;
      // Not faster than the machine can do other things beside it.
      setTimeout(() => this.send(), 20);
    });
    this.opened = new Promise((resolve) => this.socket.once("open", resolve));
    void this.opened.then(() => this.send());
  }

  /** Null as long as nothing is wrong. */
  get complaint(): string | null {
    return this.failure;
  }

  end(): void {
    this.failure ??= "ended by the test";
    this.socket.terminate();
  }

  private send(): void {
    if (this.failure === null) this.socket.send(String(this.echoes));
  }
}

describe("a gateway with two workers and 300 tunnels", limit, () => {
  let backend: EchoBackend;
  let gateway: Gateway;
  let port: number;
  let tlsPort: number;
  let generation = 0;
  let tunnels: EchoingTunnel[];

  /** `http` stands in the http block, `main` before it. */
  const configOf = (http: string, main = ""): string => `worker_processes 2; ${main}
    events { worker_connections 4096; }
    http {
      ${http.includes("access_log") ? "" : "access_log off;"} ${http}
      server {
        listen 127.0.0.1:${port};
        listen 127.0.0.1:${tlsPort} ssl;
        ssl_certificate PREFIX/certificate.pem;
        ssl_certificate_key PREFIX/certificate.key;
        location /generation { return 200 ${generation}; }
        location / {
          proxy_pass http://127.0.0.1:${backend.port};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
        }
      }
    }`;

  const signalWith = (http: string, main?: string): void => {
    const text = configOf(http, main).replaceAll("PREFIX", gateway.directory);
    writeFileSync(join(gateway.directory, "nginx.conf"), text);
    process.kill(gateway.pid, "SIGHUP");
  };

  const generationInUse = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${port}/generation`, { headers: { Connection: "close" } });
    return Number(await response.text());
  };

  const reload = async (http: string, main?: string): Promise<void> => {
    generation += 1;
    signalWith(http, main);
    await until("the new configuration", limitMs, async () =>
      (await generationInUse()) === generation ? true : null,
    );
  };

  /** The lines of the log of what follows. */
  const loggedSince = (): ((pattern: RegExp) => Promise<true>) => {
    const from = gateway.log().length;
    return (pattern) =>
      until(String(pattern), limitMs, () => (pattern.test(gateway.log().slice(from)) ? true : null));
  };

  before(async () => {
    backend = await startEchoBackend("b");
    [port, tlsPort] = (await freePorts(2)) as [number, number];
    gateway = await startGateway(longhaul, { config: configOf(""), port, files: await certificateFiles() });
    tunnels = Array.from({ length: tunnelCount }, () => new EchoingTunnel(port));
    await Promise.all(tunnels.map(({ opened }) => opened));
  });

  after(async () => {
    for (const tunnel of tunnels) tunnel.end();
    await gateway.stop();
    await backend.stop();
  });

  afterEach(async () => {
    const counts = tunnels.map(({ echoes }) => echoes);
    await until("an echo in each tunnel", limitMs, () => {
      assert.deepEqual(
        tunnels.flatMap(({ complaint }) => complaint ?? []),
        [],
      );
      return tunnels.every(({ echoes }, at) => echoes > counts[at]! + 1) ? true : null;
    });
    // A log that cannot be written is told of; nothing else is amiss.
    assert.doesNotMatch(gateway.log(), /\[alert\](?! [\d#]+: write\(\) to)|uncaught/);
  });

  test("whose disk is full for its logs", async () => {
    await reload("access_log /dev/full; error_log /dev/full info;", "error_log /dev/full info;");
    for (let at = 0; at < 20; at++) assert.equal(await generationInUse(), generation);
    await reload("");
  });

  test("whose folder of logs vanishes", async () => {
    const file = join(gateway.directory, "logs/access.log");
    await reload(`access_log ${file};`);
    rmSync(join(gateway.directory, "logs"), { recursive: true });
    const logged = loggedSince();
    process.kill(gateway.pid, "SIGUSR1");
    await logged(/\[emerg\] .*open\(\) ".*access\.log" failed \(2: No such file or directory\)/);
    assert.equal(await generationInUse(), generation);
    generation += 1;
    signalWith(`access_log ${gateway.directory}/gone/access.log;`);
    await logged(/\[emerg\] .*open\(\) ".*gone\/access\.log" failed \(2: No such file or directory\)/);
    assert.equal(await generationInUse(), generation - 1);
    await reload("");
  });

  test("whose certificate cannot be read any more", async () => {
    const file = join(gateway.directory, "certificate.pem");
    const certificate = readFileSync(file);
    for (const spoil of [() => rmSync(file), () => writeFileSync(file, "nonsense")]) {
      const logged = loggedSince();
      generation += 1;
      spoil();
      signalWith("");
      await logged(/\[emerg\] .*cannot load certificate ".*certificate\.pem"/);
      generation -= 1;
      assert.equal(await generationInUse(), generation);
      writeFileSync(file, certificate);
    }
    await reload("");
  });

  test("whose log is a FIFO that nobody reads, or stops reading", async () => {
    const fifo = join(gateway.directory, "fifo");
    execFileSync("mkfifo", [fifo]);
    const logged = loggedSince();
    generation += 1;
    signalWith(`access_log ${fifo};`, `error_log ${fifo};`);
    await logged(/\[emerg\] .*open\(\) ".*fifo" failed \(6: No such device or address\)/);
    generation -= 1;
    assert.equal(await generationInUse(), generation);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    await reload(`access_log ${fifo};`);
    const bytes = Buffer.alloc(4096);
    await generationInUse();
    await until("a line in the FIFO", limitMs, () => {
      return bytes.toString("latin1", 0, readIfAny(reader, bytes)).includes("GET /generation") ? true : null;
    });
    // More than its 64 KiB, so that it is full.
    const answers = Array.from({ length: 10 }, async () => {
      for (let at = 0; at < 100; at++) assert.equal(await generationInUse(), generation);
    });
    await Promise.all(answers);
    closeSync(reader);
    for (let at = 0; at < 20; at++) assert.equal(await generationInUse(), generation);
    await reload("");
  });

  test("that is stopped for two seconds", async () => {
    process.kill(gateway.pid, "SIGSTOP");
    const waiting = generationInUse();
    await pause(2000);
    process.kill(gateway.pid, "SIGCONT");
    assert.equal(await waiting, generation);
  });
});

function readIfAny(descriptor: number, bytes: Buffer): number {
  try {
    return readSync(descriptor, bytes);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}
