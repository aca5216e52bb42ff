/**
 * What many clients can make a gateway hold by stopping half-way: requests, heads, headers, handshakes, answers that
 * nobody takes. A client costs what its kind says at most.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  endHeaders,
  endStream,
  fieldBlock,
  frame,
  frameType,
  preface,
  settingsPayload,
} from "./case-runner/http2-frames.ts";
import { close, listen, portOf } from "./support/backend.ts";
import { certificateFiles } from "./support/certificate.ts";
import { longhaul, products, startGateway } from "./support/gateway.ts";
import type { Gateway, Product } from "./support/gateway.ts";
import { heldPerWave, residentMemory } from "./support/memory.ts";
import { freePort } from "./support/ports.ts";

const clients = 50;
const KiB = 1024;
const MiB = 1024 * KiB;

/** Clients of one kind, and what a gateway may hold for all of them together, in MiB. */
interface Kind {
  readonly name: string;
  readonly port: "plain" | "tls" | "proxied" | "http2";
  readonly mibMax: number;
  /** What each sends, in pieces that follow one another. */
  readonly sends: readonly Buffer[];
}

function request(line: string, fields = "", body: Buffer | string = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`),
    typeof body === "string" ? Buffer.from(body) : body,
  ]);
}

const almostMiB = Buffer.alloc(MiB - 1000, "x");
const longLine = (name: string): string => `${name}: ${"x".repeat(8 * KiB - name.length - 5)}\r\n`;
const upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
/** The beginning of a ClientHello that says it has 4,000 bytes more. */
const halfHello = Buffer.concat([Buffer.from("16030110000100", "hex"), Buffer.alloc(3900, 1)]);
/** A header of version 2 of the PROXY protocol that says it has 4,000 bytes, and lacks the last. */
const halfHeader = Buffer.concat([
  Buffer.from("0d0a0d0a000d0a515549540a21110fa0", "hex"),
  Buffer.alloc(3999, 1),
]);

/** The opening of a client of HTTP/2 that lets each stream bring `window` bytes, then a head on each of `count` streams. */
function streams(count: number, window: number, method: string, path: string, body = ""): Buffer {
  const head = fieldBlock([
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", "a"],
  ]);
  const [dataType, headersType, settingsType] = ["DATA", "HEADERS", "SETTINGS"].map(frameType) as [
    number,
    number,
    number,
  ];
  const ends = method === "GET" ? endStream : 0;
  let bytes = preface + frame(settingsType, 0, 0, settingsPayload([`INITIAL_WINDOW_SIZE=${window}`]));
  for (let id = 1; id < 2 * count; id += 2) {
    bytes += frame(headersType, ends | endHeaders, id, head);
    if (body !== "") bytes += frame(dataType, 0, id, body);
  }
  return Buffer.from(bytes, "latin1");
}

const kinds: readonly Kind[] = [
  {
    name: "uploads that stop",
    port: "plain",
    mibMax: 32,
    sends: [request("POST /", "Content-Length: 1048576\r\n", almostMiB)],
  },
  {
    name: "uploads in chunks that stop",
    port: "plain",
    mibMax: 32,
    sends: [request("POST /", "Transfer-Encoding: chunked\r\n", "100000\r\n"), almostMiB],
  },
  {
    name: "uploads of single bytes in chunks",
    port: "plain",
    mibMax: 16,
    sends: [request("POST /", "Transfer-Encoding: chunked\r\n"), Buffer.from("1\r\nx\r\n".repeat(40_000))],
  },
  {
    name: "unbuffered uploads to a server that takes nothing",
    port: "plain",
    mibMax: 16,
    sends: [request("POST /streamed", "Content-Length: 10485760\r\n", almostMiB)],
  },
  {
    name: "uploads that wait for permission",
    port: "plain",
    mibMax: 24,
    sends: [request("POST /asked", "Content-Length: 1048576\r\n", almostMiB)],
  },
  {
    name: "uploads that are mirrored to a silent server",
    port: "plain",
    mibMax: 48,
    sends: [request("POST /mirrored", "Content-Length: 100000\r\n", Buffer.alloc(100_000))],
  },
  {
    name: "heads that stop",
    port: "plain",
    mibMax: 16,
    sends: [
      Buffer.from(`GET / HTTP/1.1\r\n${longLine("A")}${longLine("B")}${longLine("C")}D: ${"x".repeat(7000)}`),
    ],
  },
  { name: "PROXY headers that stop", port: "proxied", mibMax: 8, sends: [halfHeader] },
  { name: "handshakes that stop", port: "tls", mibMax: 16, sends: [halfHello] },
  {
    name: "requests behind one that waits",
    port: "plain",
    mibMax: 24,
    sends: [request("GET /silent"), Buffer.from("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000))],
  },
  { name: "answers that nobody takes", port: "plain", mibMax: 40, sends: [request("GET /large")] },
  {
    name: "unbuffered answers that nobody takes",
    port: "plain",
    mibMax: 40,
    sends: [request("GET /unbuffered")],
  },
  {
    name: "tunnels whose clients take nothing",
    port: "plain",
    mibMax: 40,
    sends: [request("GET /tunnel", upgrade)],
  },
  {
    name: "tunnels whose servers take nothing",
    port: "plain",
    mibMax: 16,
    sends: [request("GET /deaf", upgrade), almostMiB, almostMiB],
  },
  {
    // On Bun the threads of its zlib keep what they have let go of.
    name: "compressed answers that nobody takes",
    port: "plain",
    mibMax: 200,
    sends: [request("GET /gzip", "Accept-Encoding: gzip\r\n")],
  },
  {
    name: "answers with another one before them",
    port: "plain",
    mibMax: 48,
    sends: [request("GET /before")],
  },
  { name: "rewritten answers that nobody takes", port: "plain", mibMax: 80, sends: [request("GET /sub")] },
  { name: "recoded answers that nobody takes", port: "plain", mibMax: 48, sends: [request("GET /charset")] },
  {
    name: "streams without a body's first byte",
    port: "http2",
    mibMax: 40,
    sends: [streams(100, 65_535, "POST", "/")],
  },
  {
    name: "streams that wait for a server",
    port: "http2",
    mibMax: 40,
    sends: [streams(20, 65_535, "GET", "/silent")],
  },
  {
    name: "answers that the windows of streams hold back",
    port: "http2",
    mibMax: 96,
    sends: [streams(10, 0, "GET", "/large")],
  },
  {
    name: "uploads on streams to a server that takes nothing",
    port: "http2",
    mibMax: 40,
    sends: [streams(10, 65_535, "POST", "/streamed", "x".repeat(16_000))],
  },
  {
    name: "connections of HTTP/2 without a request",
    port: "http2",
    mibMax: 8,
    sends: [streams(0, 65_535, "GET", "/")],
  },
  { name: "answers at a low rate", port: "plain", mibMax: 32, sends: [request("GET /rate")] },
];

/** Not compressible, so that what comes of it is as much. */
const noise = randomBytes(64 * KiB);

/** Answers by path: with much, with a tunnel, or not at all. */
class Server {
  private readonly open = new Set<net.Socket>();
  private readonly server = net.createServer((socket) => this.serve(socket));

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

  private serve(socket: net.Socket): void {
    this.open.add(socket);
    socket.on("close", () => this.open.delete(socket));
    socket.on("error", () => {});
    socket.once("data", (bytes: Buffer) => {
      socket.pause();
      const path = bytes.toString("latin1").split(" ")[1]!;
      if (/silent|streamed|copy|permission/.test(path)) return;
      if (/tunnel|deaf/.test(path))
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
      else socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
      if (path !== "/deaf") pour(socket);
    });
  }
}

function pour(socket: net.Socket): void {
  const go = (): void => {
    while (!socket.destroyed) if (!socket.write(noise)) return;
  };
  socket.on("drain", go);
  go();
}

function configurationFor(ports: Record<Kind["port"], number>, backend: number): string {
  const to = `proxy_pass http://127.0.0.1:${backend};`;
  return `events { worker_connections 4096; }
    http {
      access_log off;
      client_body_temp_path PREFIX/bodies;
      client_max_body_size 0;
      CLIENT_BODY_MEMORY
      charset_map mapped latin { 80 A4; }
      proxy_http_version 1.1;
      server {
        listen 127.0.0.1:${ports.plain};
        listen 127.0.0.1:${ports.tls} ssl;
        listen 127.0.0.1:${ports.proxied} proxy_protocol;
        listen 127.0.0.1:${ports.http2} http2;
        ssl_certificate PREFIX/certificate.pem;
        ssl_certificate_key PREFIX/certificate.key;
        location / { ${to} }
        location /streamed { proxy_request_buffering off; ${to} }
        location /asked { auth_request /permission; ${to} }
        location /permission { proxy_pass_request_body off; ${to} }
        location /mirrored { mirror /copy; ${to} }
        location /copy { internal; ${to} }
        location /unbuffered { proxy_buffering off; ${to} }
        location /tunnel { proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade; ${to} }
        location /deaf { proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade; ${to} }
        location /gzip { gzip on; ${to} }
        location /before { add_before_body /large; ${to} }
        location /sub { sub_filter abcd X; sub_filter_once off; ${to} }
        location /charset { charset latin; source_charset mapped; ${to} }
        location /rate { limit_rate 1000; ${to} }
      }
    }`;
}

/** A client that sends what its kind sends and is not heard of again. */
async function begin(port: number, { sends }: Kind): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1" });
  socket.pause();
  socket.on("error", () => {});
  await once(socket, "connect");
  for (const bytes of sends) {
    socket.write(bytes);
    await sleep(5);
  }
  return socket;
}

/** Waits until the gateway's memory has been the same for a while: what still moves moves bytes. */
async function settled(gateway: Gateway): Promise<void> {
  let last = -1;
  for (let quiet = 0, rounds = 0; quiet < 4 && rounds < 40; rounds++) {
    await sleep(100);
    const now = (await residentMemory(gateway)) ?? 0;
    quiet = Math.abs(now - last) < 256 * KiB ? quiet + 1 : 0;
    last = now;
  }
}

async function heldBy(product: Product, kind: Kind): Promise<number | null> {
  const backend = await new Server().start();
  const ports = {
    plain: await freePort(),
    tls: await freePort(),
    proxied: await freePort(),
    http2: await freePort(),
  };
  const gateway = await startGateway(product, {
    port: ports.plain,
    config: configurationFor(ports, backend.port).replace(
      "CLIENT_BODY_MEMORY",
      product.name === "nginx" ? "" : "client_body_memory 8m;",
    ),
    files: await certificateFiles(),
  });
  const sockets: net.Socket[] = [];
  try {
    // What the runtime takes for the first of a kind is no growth.
    for (let count = 0; count < 5; count++) sockets.push(await begin(ports[kind.port], kind));
    await settled(gateway);
    return await heldPerWave(gateway, kind.mibMax * MiB, async () => {
      const wave = Array.from({ length: clients }, () => begin(ports[kind.port], kind));
      sockets.push(...(await Promise.all(wave)));
      await settled(gateway);
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    await gateway.stop();
    await backend.stop();
  }
}

/** nginx only where it is asked for: its figures are no promise of ours. */
const asked = process.env["LONGHAUL_TEST_PRODUCTS"] !== undefined;

for (const product of asked ? products() : [longhaul]) {
  // Mostly it waits until nothing moves any more.
  describe(`${clients} clients that stop half-way (${product.name})`, { concurrency: 2 }, () => {
    for (const kind of kinds) {
      test(kind.name, { timeout: 120_000 }, async (t) => {
        const held = await heldBy(product, kind);
        if (held === null) return;
        const mib = (held / MiB).toFixed(1);
        t.diagnostic(`${mib} MiB`);
        assert.ok(held < kind.mibMax * MiB, `holds ${mib} MiB`);
      });
    }
  });
}
