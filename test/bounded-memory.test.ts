/**
 * The promise that memory does not grow with what passes through: bodies of 1 GiB whose receiver stops
 * taking them. The gateway may keep a few pieces per connection, never what has come meanwhile.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { open } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { close, listen, portOf } from "./support/backend.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { heldPerWave } from "./support/memory.ts";
import { freePort } from "./support/ports.ts";

const bodyBytes = 1024 ** 3;
/** So much of a body passes through before its receiver stops. */
const readBytes = 64 * 1024 ** 2;
/** Bodies that are put into files. */
const storedBytes = 2 * readBytes;
const clients = 4;
/** For all clients together; what one of them could make grow without bounds is 1 GiB. */
const heldMax = 32 * 1024 ** 2;
const piece = Buffer.alloc(65_536, "longhaul ");

/** A server whose connections end with the test. */
class StubServer {
  readonly open = new Set<net.Socket>();
  private readonly server: net.Server;

  constructor(serve: (socket: net.Socket) => void) {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.open.delete(socket));
      serve(socket);
    });
  }

  get port(): number {
    return portOf(this.server);
  }

  async start(): Promise<this> {
    await listen(this.server, 0);
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await close(this.server);
  }
}

/** Sends pieces for as long as the other side takes them. */
function pour(socket: net.Socket, bytesLeft: number): void {
  let left = bytesLeft;
  const go = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on("drain", go);
  go();
}

/** Takes `bytes`, then nothing more. Resolves when it stops. */
function takeUpTo(socket: net.Socket, bytes: number): Promise<void> {
  let taken = 0;
  return new Promise((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      taken += chunk.length;
      if (taken < bytes) return;
      socket.pause();
      resolve();
    });
  });
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Waits until no more bytes move between the gateway and these sockets. */
async function settle(sockets: readonly net.Socket[]): Promise<void> {
  const moved = (): number =>
    sockets.reduce((sum, { bytesRead, bytesWritten, writableLength }) => {
      return sum + bytesRead + bytesWritten - writableLength;
    }, 0);
  let before = -1;
  for (let quiet = 0; quiet < 5;) {
    await sleep(50);
    const now = moved();
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}

/**
 * Starts the transfers and holds what the gateway keeps for them, once they stand still, against the bound.
 * What the runtime takes for the first bytes that pass through is none of it.
 */
async function measure(gateway: Gateway, transfer: () => Promise<net.Socket[]>): Promise<void> {
  for (const socket of await transfer()) socket.destroy();
  const held = await heldPerWave(gateway, heldMax, async () => settle(await transfer()));
  if (held === null) return;
  assert.ok(held < heldMax, `holds ${(held / 1024 ** 2).toFixed(1)} MiB`);
}

async function withGateway(locations: string, run: (gateway: Gateway, port: number) => Promise<void>) {
  const port = await freePort();
  const gateway = await startGateway(longhaul, {
    port,
    config: `events {}
      http {
        access_log off;
        client_max_body_size 0;
        root PREFIX/html;
        server { listen 127.0.0.1:${port}; ${locations} }
      }`,
    files: { "html/small.txt": "small" },
  });
  try {
    await run(gateway, port);
  } finally {
    await gateway.stop();
  }
}

/** Clients that ask, take a part of the answer and stop. */
async function download(port: number, target: string): Promise<net.Socket[]> {
  const sockets = await Promise.all(Array.from({ length: clients }, () => connect(port)));
  await Promise.all(
    sockets.map((socket) => {
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return takeUpTo(socket, readBytes);
    }),
  );
  return sockets;
}

async function downloads(settings: string): Promise<void> {
  const backend = await new StubServer((socket) => {
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\n\r\n`);
      pour(socket, bodyBytes);
    });
  }).start();
  const location = `location / { ${settings} proxy_pass http://127.0.0.1:${backend.port}; }`;
  await withGateway(location, async (gateway, port) => {
    await measure(gateway, async () => [...(await download(port, "/")), ...backend.open]);
  });
  await backend.stop();
}

interface Upload {
  readonly bytes: number;
  readonly framing: "length" | "chunks";
}

async function uploads(settings: string, body: Upload): Promise<void> {
  let stalled: Promise<void>[] = [];
  const backend = await new StubServer((socket) => void stalled.push(takeUpTo(socket, readBytes))).start();
  const location = `location / { ${settings} proxy_pass http://127.0.0.1:${backend.port}; }`;
  await withGateway(location, async (gateway, port) => {
    await measure(gateway, async () => {
      stalled = [];
      const sockets = await Promise.all(Array.from({ length: clients }, () => upload(port, body)));
      while (stalled.length < clients) await sleep(20);
      await Promise.all(stalled);
      return [...sockets, ...backend.open];
    });
  });
  await backend.stop();
}

async function upload(port: number, { bytes, framing }: Upload): Promise<net.Socket> {
  const socket = await connect(port);
  const field = framing === "length" ? `Content-Length: ${bytes}` : "Transfer-Encoding: chunked";
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\n${field}\r\n\r\n`);
  if (framing === "chunks") socket.write(`${bytes.toString(16)}\r\n`);
  pour(socket, bytes);
  return socket;
}

describe("bodies of 1 GiB whose receiver stops take no memory", () => {
  test("of a proxied answer", () => downloads(""));

  test("of one that is not buffered", () => downloads("proxy_buffering off;"));

  test("of one that is slowed down behind the first bytes", () =>
    downloads(`limit_rate 1; limit_rate_after ${readBytes};`));

  test("of one that is read slowly", () => downloads("proxy_limit_rate 60m;"));

  test("of a request", () =>
    uploads("proxy_request_buffering off;", { bytes: bodyBytes, framing: "length" }));

  test("of a request in chunks", () =>
    uploads("proxy_request_buffering off;", { bytes: bodyBytes, framing: "chunks" }));

  test("of a request that is put into a file first", () =>
    uploads("client_body_temp_path bodies;", { bytes: storedBytes, framing: "length" }));

  test("of a file", () =>
    withGateway("", async (gateway, port) => {
      const file = await open(path.join(gateway.directory, "html/large"), "w");
      await file.truncate(bodyBytes);
      await file.close();
      await measure(gateway, () => download(port, "/large"));
    }));
});
