import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { startEchoBackend } from "./support/backend.ts";
import { browserInstalled, startBrowser } from "./support/browser.ts";
import { certificateFiles } from "./support/certificate.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const socketCount = 200;

function config(port: number, upstreamPort: number, more = ""): string {
  return `
    events { worker_connections 4096; }
    http {
      access_log PREFIX/access.log combined;
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate PREFIX/certificate.pem;
        ssl_certificate_key PREFIX/certificate.key;
        http2 on;
        http2_max_concurrent_streams 256;
        location / { default_type text/html; return 200 "<!doctype html><title>page</title>"; }
        location /chat { websocket on; proxy_pass http://127.0.0.1:${upstreamPort}; }
        ${more}
      }
    }`;
}

describe("a page in Chromium", { skip: browserInstalled ? false : "chromium is not installed" }, () => {
  test(`has ${socketCount} WebSockets over one HTTP/2 connection, which live through a reload`, async (t) => {
    const directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-net-log-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const netLog = path.join(directory, "net-log.json");
    const backend = await startEchoBackend("echo");
    t.after(() => backend.stop());
    const port = await freePort();
    const files = await certificateFiles();
    const gateway = await startGateway(longhaul, { config: config(port, backend.port), port, files });
    t.after(() => gateway.stop());
    const browser = await startBrowser([`--log-net-log=${netLog}`]);
    try {
      const page = await browser.context.newPage();
      await page.goto(`https://localhost:${port}/`);
      // The page's own connection is what they go over.
      assert.equal(
        await page.evaluate(openSockets, [`wss://localhost:${port}/chat/`, socketCount] as const),
        socketCount,
      );
      assert.equal(await page.evaluate(echoOnAll, "before"), socketCount);
      const text = config(port, backend.port, "location /new { return 204; }");
      await writeFile(`${gateway.directory}/nginx.conf`, text.replaceAll("PREFIX", gateway.directory));
      process.kill(gateway.pid, "SIGHUP");
      // In use once it answers so, on the very connection of the WebSockets.
      await page.evaluate(untilFound, "/new");
      assert.equal(await page.evaluate(echoOnAll, "after"), socketCount);
      assert.equal(await page.evaluate(closeAll, "bye"), `${socketCount} closed with 4003 bye`);
    } finally {
      await browser.stop();
    }
    const handshakes = extendedConnects(await readFile(netLog, "utf8"));
    assert.equal(
      handshakes.reduce((sum, [, count]) => sum + count, 0),
      socketCount,
    );
    assert.equal(handshakes.length, 1, "they were on several connections");
    const access = await readFile(`${gateway.directory}/access.log`, "utf8");
    assert.equal(access.match(/"CONNECT \/chat\/\d+ HTTP\/2\.0" 200 /g)?.length, socketCount);
  });
});

/** In a net log of Chromium's: by session, how many requests with `:protocol: websocket` were sent. */
function extendedConnects(text: string): [session: number, count: number][] {
  const counts = new Map<number, number>();
  for (const line of text.split("\n")) {
    if (!line.includes('":protocol: websocket"')) continue;
    const event = JSON.parse(line.replace(/,$/, "").replace(/\]\}$/, "")) as {
      params: { headers: string[]; stream_id?: number };
      source: { id: number };
    };
    if (event.params.stream_id === undefined) continue;
    assert.ok(event.params.headers.includes(":method: CONNECT"));
    counts.set(event.source.id, (counts.get(event.source.id) ?? 0) + 1);
  }
  return [...counts];
}

declare const window: { sockets: WebSocket[] };

/** Runs in the page: how many were opened. */
async function openSockets([url, count]: readonly [string, number]): Promise<number> {
  window.sockets = Array.from({ length: count }, (_, index) => new WebSocket(url + index));
  const opened = window.sockets.map(
    (socket) =>
      new Promise<number>((resolve) => {
        socket.addEventListener("open", () => resolve(1));
        socket.addEventListener("error", () => resolve(0));
      }),
  );
  return (await Promise.all(opened)).reduce((sum, one) => sum + one, 0);
}

/** Runs in the page. */
async function untilFound(path: string): Promise<void> {
  while ((await fetch(path)).status !== 204) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Runs in the page: how many echoed. */
async function echoOnAll(word: string): Promise<number> {
  const echoed = window.sockets.map(
    (socket, index) =>
      new Promise<number>((resolve) => {
        const message = `${word} ${index} ${"x".repeat(index * 50)}`;
        socket.addEventListener("message", ({ data }) => resolve(data === message ? 1 : 0), { once: true });
        socket.addEventListener("close", () => resolve(0));
        socket.send(message);
      }),
  );
  return (await Promise.all(echoed)).reduce((sum, one) => sum + one, 0);
}

/** Runs in the page: what the close events said. */
async function closeAll(reason: string): Promise<string> {
  const closed = window.sockets.map(
    (socket) =>
      new Promise<string>((resolve) => {
        socket.addEventListener("close", ({ code, reason: why }) => resolve(`${code} ${why}`));
        socket.close(4003, reason);
      }),
  );
  const seen = await Promise.all(closed);
  return `${seen.length} closed with ${[...new Set(seen)].join(", ")}`;
}
