/**
 * Floods over HTTP/2 beside well-behaved tunnels and requests: none of these is dropped or held up, the log tells of the flood,
 * and memory comes back. Short by default; `LONGHAUL_TEST_FLOODS=long`: 10 s each, beside 100 tunnels.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import http2 from "node:http2";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startEchoBackend, type EchoBackend } from "../support/backend.ts";
import { longhaul, startGateway, type Gateway } from "../support/gateway.ts";
import { residentMemory } from "../support/memory.ts";
import { freePort } from "../support/ports.ts";
import { WebSocket } from "../support/ws.ts";
import type { Outcome } from "./attacker.ts";
import { floods } from "./floods.ts";

const run = promisify(execFile);
const attacker = new URL("attacker.ts", import.meta.url).pathname;
const long = process.env["LONGHAUL_TEST_FLOODS"] === "long";
const floodMs = long ? 10_000 : 700;
const tunnelsCount = long ? 100 : 10;
const MiB = 1024 * 1024;
/** What the runtime may not have given back yet; a flood that is kept is hundreds of MiB. */
const memoryLimitBytes = 96 * MiB;
/** A machine that the attacker, the server and the test share lets everyone wait at times. */
const delayMaxMs = long ? 3000 : 1500;
const messageMs = 50;

/** A tunnel on which a message goes there and back again and again. */
class Tunnel {
  private readonly socket: WebSocket;
  private sentAtMs = 0;
  private open = true;
  worstMs = 0;
  echoes = 0;

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/tunnel`);
    this.socket.on("message", () => {
      this.worstMs = Math.max(this.worstMs, performance.now() - this.sentAtMs);
      this.echoes++;
      if (this.open) setTimeout(() => this.send(), messageMs);
    });
    this.socket.on("close", () => (this.open = false));
    this.socket.on("error", () => (this.open = false));
  }

  get isOpen(): boolean {
    return this.open;
  }

  async begin(): Promise<this> {
    await once(this.socket, "open");
    this.send();
    return this;
  }

  private send(): void {
    this.sentAtMs = performance.now();
    if (this.open) this.socket.send("hello");
  }

  end(): void {
    this.open = false;
    this.socket.terminate();
  }
}

/** Requests one after the other on a connection of their own. */
class Requests {
  private readonly session: http2.ClientHttp2Session;
  private goesOn = true;
  private readonly done: Promise<void>;
  worstMs = 0;
  answered = 0;
  failure: string | null = null;

  constructor(port: number) {
    this.session = http2.connect(`http://127.0.0.1:${port}`);
    this.session.on("error", (error) => (this.failure ??= String(error)));
    this.session.on("goaway", (code) => (this.failure ??= `GOAWAY ${code}`));
    this.done = this.askOn();
  }

  private async askOn(): Promise<void> {
    while (this.goesOn && this.failure === null) {
      const startMs = performance.now();
      const stream = this.session.request({ ":path": "/", ":authority": "localhost" });
      stream.on("error", (error) => (this.failure ??= String(error)));
      stream.resume();
      const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
      if (String(head[":status"]) !== "200") this.failure ??= `status ${String(head[":status"])}`;
      if (!stream.readableEnded) await once(stream, "end");
      this.worstMs = Math.max(this.worstMs, performance.now() - startMs);
      this.answered++;
      await sleep(20);
    }
  }

  async end(): Promise<void> {
    this.goesOn = false;
    await this.done;
    this.session.destroy();
  }
}

function configuration(port: number, backend: number): string {
  const to = `proxy_pass http://127.0.0.1:${backend};`;
  return `events { worker_connections 4096; }
    http {
      access_log off;
      proxy_http_version 1.1;
      server {
        listen 127.0.0.1:${port};
        http2 on;
        location / { return 200 "here"; }
        location /large { ${to} }
        location /upload { ${to} }
        location /tunnel { proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade; ${to} }
      }
    }`;
}

/** Waits until memory does not change any more and has come back, or is not going to; bytes. */
async function settled(gateway: Gateway, enoughBytes: number): Promise<number> {
  let last = Infinity;
  for (let quiet = 0, rounds = 0; quiet < 3 && rounds < 60; rounds++) {
    await sleep(100);
    const now = (await residentMemory(gateway)) ?? 0;
    if (now < enoughBytes) return now;
    // What was let go of is given back at the runtime's leisure.
    if (enoughBytes > 0 && rounds < 40) continue;
    quiet = Math.abs(now - last) < 256 * 1024 ? quiet + 1 : 0;
    last = now;
  }
  return last;
}

describe(`floods beside ${tunnelsCount} tunnels`, () => {
  let gateway: Gateway;
  let backend: EchoBackend;
  let port = 0;
  let restBytes = 0;
  let tunnels: Tunnel[] = [];
  const large = Buffer.alloc(MiB, "0123456789abcdef");

  before(async () => {
    backend = await startEchoBackend("B1", 0, {
      answer(request, response) {
        // An upload is never ended, so neither is its answer.
        if (request.url === "/large") response.end(large);
        return request.url !== "/";
      },
    });
    port = await freePort();
    gateway = await startGateway(longhaul, { port, config: configuration(port, backend.port) });
    tunnels = await Promise.all(Array.from({ length: tunnelsCount }, () => new Tunnel(port).begin()));
    // What a runtime takes for its first floods is no growth.
    for (const { name } of floods.slice(0, 3))
      await run(process.execPath, [attacker, String(port), "200", name]);
    restBytes = await settled(gateway, 0);
  });
  after(async () => {
    for (const tunnel of tunnels) tunnel.end();
    await gateway?.stop();
    await backend?.stop();
  });

  for (const flood of floods) {
    test(flood.name, { timeout: 60_000 }, async (t) => {
      for (const tunnel of tunnels) tunnel.worstMs = 0;
      const before = tunnels.map(({ echoes }) => echoes);
      const logStart = gateway.log().length;
      const requests = new Requests(port);
      const { stdout } = await run(process.execPath, [attacker, String(port), String(floodMs), flood.name]);
      const outcome = JSON.parse(stdout) as Outcome;
      await sleep(2 * messageMs);
      await requests.end();
      const log = gateway.log().slice(logStart);
      const worst = Math.max(...tunnels.map(({ worstMs }) => worstMs));
      const memory = (await settled(gateway, restBytes + memoryLimitBytes / 4)) - restBytes;
      t.diagnostic(
        `${outcome.connections} connections, ${(outcome.bytes / MiB).toFixed(1)} MiB, ` +
          `${JSON.stringify(outcome.goaways)}; slowest echo ${worst.toFixed(0)} ms, ` +
          `${requests.answered} requests, slowest ${requests.worstMs.toFixed(0)} ms; ` +
          `memory ${(memory / MiB).toFixed(1)} MiB`,
      );
      assert.ok(
        tunnels.every(({ isOpen }) => isOpen),
        "a tunnel was dropped",
      );
      assert.ok(
        tunnels.every(({ echoes }, index) => echoes > before[index]!),
        "a tunnel is silent",
      );
      assert.ok(worst < delayMaxMs, `an echo took ${worst.toFixed(0)} ms`);
      assert.equal(requests.failure, null);
      assert.ok(requests.worstMs < delayMaxMs, `a request took ${requests.worstMs.toFixed(0)} ms`);
      if (flood.code !== null && flood.reads !== false)
        assert.ok((outcome.goaways[flood.code] ?? 0) > 0, JSON.stringify(outcome.goaways));
      if (flood.log !== null) assert.ok(flood.log.test(log), `not logged: ${flood.log}; ${log.slice(-300)}`);
      assert.ok(memory < memoryLimitBytes, `${(memory / MiB).toFixed(1)} MiB are held`);
    });
  }
});
