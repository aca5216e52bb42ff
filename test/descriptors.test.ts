import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { startEchoBackend } from "./support/backend.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const openFiles = 100;
const clientCount = 200;
/** How long the exhausted gateway is watched. */
const watchedMs = 1_500;
/** CPU that it may use meanwhile; one that spins uses all it can get. */
const cpuMsMax = 500;

/** The gateway under test in a process with few descriptors. */
const limited = {
  name: "longhaul",
  command: ["sh", "-c", `ulimit -n ${openFiles}; exec "$0" "$@"`, ...longhaul.command],
} as const;

function config(port: number, upstreamPort: number): string {
  return `
    events { worker_connections 4096; }
    http {
      access_log off;
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://127.0.0.1:${upstreamPort}; }
      }
    }`;
}

/** CPU time that a process has used, all its threads together. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A client that has begun a request, and whether the gateway has closed it. */
async function begin(port: number): Promise<{ socket: net.Socket; closed: boolean }> {
  const socket = net.connect(port, "127.0.0.1");
  const client = { socket, closed: false };
  socket.on("error", () => {});
  socket.on("close", () => (client.closed = true));
  await once(socket, "connect");
  socket.write("GET / HTTP/1.1\r\n");
  socket.resume();
  return client;
}

/** The answer's body; rejects when there is none. */
async function answer(port: number): Promise<string> {
  const request = http.get({ port, host: "127.0.0.1", agent: false });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  return await text(response);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe("a process with few descriptors", { skip: process.platform !== "linux" }, () => {
  test("turns away what it cannot hold without spinning, and serves again afterwards", async (t) => {
    const backend = await startEchoBackend("b");
    const port = await freePort();
    const gateway = await startGateway(limited, { config: config(port, backend.port), port });
    t.after(async () => {
      await gateway.stop();
      await backend.stop();
    });
    assert.equal(await answer(port), "GET / from b");
    const clients = await Promise.all(Array.from({ length: clientCount }, () => begin(port)));
    await gateway.logged(/100 open files are not enough, (new connections are closed|reusing connections)/);
    const before = cpuMs(gateway.pid);
    await pause(watchedMs);
    const used = cpuMs(gateway.pid) - before;
    t.diagnostic(`${used} ms of CPU in ${watchedMs} ms without descriptors to spare`);
    assert.ok(used < cpuMsMax, `${used} ms of CPU`);
    const kept = clients.filter(({ closed }) => !closed);
    t.diagnostic(`${kept.length} of ${clientCount} connections were kept`);
    assert.ok(kept.length >= 20 && kept.length < openFiles);
    // Who was accepted is served, too.
    const [data] = await Promise.all([once(kept[0]!.socket, "data"), finishHead(kept[0]!.socket)]);
    assert.match(String(data[0]), /^HTTP\/1.1 200 /);
    for (const { socket } of clients) socket.destroy();
    while ((await answer(port).catch(() => "refused")) === "refused") await pause(20);
    for (let index = 0; index < 50; index++) assert.equal(await answer(port), "GET / from b");
  });
});

async function finishHead(socket: net.Socket): Promise<void> {
  socket.write("Host: a\r\n\r\n");
}
