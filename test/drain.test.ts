import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { startEchoBackend } from "./support/backend.ts";
import type { EchoBackend } from "./support/backend.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { WebSocket } from "./support/ws.ts";

const clientCount = 200;

interface Closing {
  readonly code: number;
  readonly atMs: number;
}

function config(port: number, upstreamPort: number, more = ""): string {
  return `
    events { worker_connections 2048; }
    http {
      access_log off;
      websocket_drain 1s jitter=0;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${upstreamPort};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
        }
      }
      ${more}
    }`;
}

interface Scene {
  readonly gateway: Gateway;
  readonly backend: EchoBackend;
  readonly port: number;
  readonly clients: readonly WebSocket[];
  /** How each client's connection was closed, as its close event says. */
  readonly closings: Promise<readonly Closing[]>;
  /** Codes that the backend's connections were closed with. */
  readonly backendCodes: number[];
}

/** Clients that echo all the time, so that frames are under way whenever something happens. */
async function open(): Promise<Scene> {
  const backend = await startEchoBackend("echo");
  const port = await freePort();
  const gateway = await startGateway(longhaul, { config: config(port, backend.port), port });
  const clients: WebSocket[] = [];
  const backendCodes: number[] = [];
  for (let index = 0; index < clientCount; index++) {
    const client = new WebSocket(`ws://127.0.0.1:${port}/`);
    const [socket] = await Promise.all([backend.nextConnection(), once(client, "open")]);
    socket.on("close", (code) => backendCodes.push(code));
    clients.push(client);
  }
  const closings = Promise.all(clients.map((client) => closing(client)));
  for (const [index, client] of clients.entries()) echoOn(client, Buffer.alloc(index * 100, index));
  return { gateway, backend, port, clients, closings, backendCodes };
}

function echoOn(client: WebSocket, message: Buffer): void {
  client.on("message", (data: Buffer) => {
    assert.ok(data.equals(message));
    if (client.readyState === WebSocket.OPEN) client.send(message);
  });
  client.send(message);
}

function closing(client: WebSocket): Promise<Closing> {
  return new Promise((resolve, reject) => {
    client.on("error", reject);
    client.on("close", (code) => resolve({ code, atMs: performance.now() }));
  });
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function assertSpread(closings: readonly Closing[], code: number): void {
  assert.deepEqual(new Set(closings.map((one) => one.code)), new Set([code]));
  const times = closings.map(({ atMs }) => atMs);
  assert.ok(Math.max(...times) - Math.min(...times) > 500, "they all came at once");
}

describe("200 WebSockets under load", () => {
  test("are all closed with 1001 on SIGQUIT, spread over the window, and the process exits", async (t) => {
    const scene = await open();
    t.after(() => stop(scene));
    process.kill(scene.gateway.pid, "SIGQUIT");
    assertSpread(await scene.closings, 1001);
    await gone(scene.gateway.pid);
    assert.deepEqual(new Set(scene.backendCodes), new Set([1001]));
    assert.equal(scene.backendCodes.length, clientCount);
    assert.match(
      scene.gateway.log(),
      /the process is stopping, WebSocket closed with code 1001: client answered/,
    );
  });

  test("are all closed with 1012 when a reload removes their server, and the others stay", async (t) => {
    const scene = await open();
    t.after(() => stop(scene));
    const { gateway, port } = scene;
    const other = await startEchoBackend("other");
    t.after(() => other.stop());
    await writeFile(`${gateway.directory}/nginx.conf`, config(port, other.port));
    process.kill(gateway.pid, "SIGHUP");
    await gateway.logged(/WebSocket closed with code 1012/);
    const fresh = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(fresh, "open");
    assertSpread(await scene.closings, 1012);
    const echoed = once(fresh, "message");
    fresh.send("still here");
    assert.equal(String((await echoed)[0]), "still here");
    fresh.terminate();
  });
});

async function stop({ gateway, backend, clients }: Scene): Promise<void> {
  for (const client of clients) client.terminate();
  await gateway.stop();
  await backend.stop();
}
