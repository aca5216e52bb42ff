import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import type http2 from "node:http2";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { readFile, writeFile } from "node:fs/promises";
import { startEchoBackend } from "./support/backend.ts";
import type { EchoBackend } from "./support/backend.ts";
import { certificateFiles } from "./support/certificate.ts";
import { longhaul, repository, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { connectHttp2, extendedConnect, openStreamWebSocket } from "./support/stream-websocket.ts";
import { WebSocket } from "./support/ws.ts";

const tunnelCount = 200;

/** The recipe as people have it, with the two directives that let it be used over HTTP/2. */
function config(port: number, upstreamPort: number, more = ""): string {
  return `
    events { worker_connections 4096; }
    http {
      access_log off;
      websocket_drain 1s jitter=0;
      map $http_upgrade $connection_upgrade { default upgrade; '' close; }
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate PREFIX/certificate.pem;
        ssl_certificate_key PREFIX/certificate.key;
        http2 on;
        http2_max_concurrent_streams 256;
        http2_extended_connect on;
        location / { return 200 page; }
        location /chat {
          accept_extended_connect on;
          proxy_pass http://127.0.0.1:${upstreamPort};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          proxy_set_header Host $host;
        }
        ${more}
      }
    }`;
}

interface Scene {
  readonly gateway: Gateway;
  readonly backend: EchoBackend;
  readonly port: number;
  readonly session: http2.ClientHttp2Session;
}

async function begin(): Promise<Scene> {
  const backend = await startEchoBackend("echo");
  const port = await freePort();
  const gateway = await startGateway(longhaul, {
    config: config(port, backend.port),
    port,
    files: await certificateFiles(),
  });
  const session = await connectHttp2(`https://localhost:${port}`);
  return { gateway, backend, port, session };
}

async function end({ gateway, backend, session }: Scene): Promise<void> {
  session.destroy();
  await gateway.stop();
  await backend.stop();
}

async function echoOf(socket: WebSocket, message: Buffer): Promise<Buffer> {
  const echoed = once(socket, "message") as Promise<[Buffer]>;
  socket.send(message);
  return (await echoed)[0];
}

/** Echoes all the time, so that frames are under way whenever something happens; counts the rounds. */
class Echoing {
  rounds = 0;
  readonly closed: Promise<number>;
  private readonly socket: WebSocket;

  constructor(socket: WebSocket, message: Buffer) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      assert.ok(data.equals(message));
      this.rounds += 1;
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    });
    this.closed = new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code) => resolve(code));
    });
    socket.send(message);
  }

  get open(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }
}

async function openMany({ session }: Scene): Promise<Echoing[]> {
  const sockets = await Promise.all(
    Array.from({ length: tunnelCount }, (_, index) => openStreamWebSocket(session, `/chat/${index}`)),
  );
  return sockets.map((socket, index) => new Echoing(socket, Buffer.alloc(index * 100, index)));
}

async function allHaveGoneOn(sockets: readonly Echoing[], rounds = 3): Promise<void> {
  const goals = sockets.map((socket) => socket.rounds + rounds);
  while (!sockets.every((socket, index) => socket.rounds >= goals[index]!))
    await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("WebSockets over HTTP/2 and TLS, by node:http2", () => {
  let scene: Scene;
  before(async () => {
    scene = await begin();
  });
  after(() => end(scene));

  test("are announced, opened, and echo messages of all sizes", async () => {
    const { session, backend } = scene;
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const opened = backend.nextConnection();
    const socket = await openStreamWebSocket(session, "/chat?room=1");
    await opened;
    const [request] = backend.requests.slice(-1);
    assert.equal(`${request!.method} ${request!.url}`, "GET /chat?room=1");
    assert.equal(request!.headers.host, "localhost");
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const message = Buffer.alloc(size, "abcdefgh");
      assert.ok((await echoOf(socket, message)).equals(message), `${size} bytes`);
    }
    const closed = once(socket, "close") as Promise<[number, Buffer]>;
    socket.close(4003, "bye");
    const [code, reason] = await closed;
    assert.equal(`${code} ${reason.toString()}`, "4003 bye");
  });

  test("get subprotocol and fields of the server, and none of the handshake's", async () => {
    const { session } = scene;
    const { status, fields, stream } = await extendedConnect(session, "/chat", {
      "sec-websocket-protocol": "chat",
    });
    assert.equal(status, 200);
    assert.equal(fields["sec-websocket-protocol"], "chat");
    assert.equal(fields["x-backend"], "echo");
    for (const name of ["upgrade", "connection", "sec-websocket-accept"])
      assert.equal(fields[name], undefined);
    stream.close();
    await once(stream, "close");
  });

  test("are refused where they are not accepted, and their connection goes on", async () => {
    const { session } = scene;
    const { status, stream } = await extendedConnect(session, "/elsewhere");
    assert.equal(status, 405);
    stream.resume();
    await once(stream, "close");
    const socket = await openStreamWebSocket(session, "/chat");
    assert.equal((await echoOf(socket, Buffer.from("hello"))).toString(), "hello");
    socket.terminate();
    await once(socket, "close");
  });

  test("end with 1006 when the server is lost, and only the one", async () => {
    const { session, backend } = scene;
    const victim = openStreamWebSocket(session, "/chat/victim");
    const [behind, socket] = await Promise.all([backend.connectionTo("/chat/victim"), victim]);
    const other = await openStreamWebSocket(session, "/chat/other");
    const closed = once(socket, "close") as Promise<[number]>;
    behind.terminate();
    const [code] = await closed;
    assert.ok([1006, 1014].includes(code), String(code));
    assert.equal((await echoOf(other, Buffer.from("hello"))).toString(), "hello");
    other.terminate();
  });
});

describe(`${tunnelCount} WebSockets on one connection, all echoing`, () => {
  test("live through reloads", async (t) => {
    const scene = await begin();
    t.after(() => end(scene));
    const { gateway, backend, port } = scene;
    const sockets = await openMany(scene);
    await allHaveGoneOn(sockets);
    for (let round = 1; round <= 3; round++) {
      const text = config(port, backend.port, `location /${round} { return 204; }`);
      await writeFile(`${gateway.directory}/nginx.conf`, text.replaceAll("PREFIX", gateway.directory));
      process.kill(gateway.pid, "SIGHUP");
      // In use once it answers so.
      for (;;) {
        const fresh = await connectHttp2(`https://localhost:${port}`);
        const stream = fresh.request({ ":path": `/${round}` });
        const [{ ":status": status }] = (await once(stream, "response")) as [
          http2.IncomingHttpHeaders & { ":status": number },
        ];
        fresh.destroy();
        if (status === 204) break;
      }
      await allHaveGoneOn(sockets);
      assert.ok(
        sockets.every((socket) => socket.open),
        `after reload ${round}`,
      );
    }
    assert.equal(scene.session.closed, false);
  });

  test("are all closed with 1012 when a reload removes their server", async (t) => {
    const scene = await begin();
    t.after(() => end(scene));
    const { gateway, port, session } = scene;
    const other = await startEchoBackend("other");
    t.after(() => other.stop());
    const sockets = await openMany(scene);
    await allHaveGoneOn(sockets);
    const text = config(port, other.port).replaceAll("PREFIX", gateway.directory);
    await writeFile(`${gateway.directory}/nginx.conf`, text);
    process.kill(gateway.pid, "SIGHUP");
    const codes = await Promise.all(sockets.map(({ closed }) => closed));
    assert.deepEqual(new Set(codes), new Set([1012]));
    // Their connection is a good one.
    const fresh = await openStreamWebSocket(session, "/chat");
    assert.equal((await echoOf(fresh, Buffer.from("still here"))).toString(), "still here");
    fresh.terminate();
  });

  test("are all closed with 1001 on SIGQUIT, and the process exits", async (t) => {
    const scene = await begin();
    t.after(() => end(scene));
    const { gateway, session } = scene;
    const sockets = await openMany(scene);
    await allHaveGoneOn(sockets);
    const goneAway = once(session, "goaway") as Promise<[number]>;
    process.kill(gateway.pid, "SIGQUIT");
    const codes = await Promise.all(sockets.map(({ closed }) => closed));
    assert.deepEqual(new Set(codes), new Set([1001]));
    assert.equal((await goneAway)[0], 0);
    assert.match(gateway.log(), /the process is stopping, WebSocket closed with code 1001: client answered/);
    await once(session, "close");
  });
});

test("the example serves WebSockets by HTTP/2 and by HTTP/1.1", async (t) => {
  const backend = await startEchoBackend("echo");
  t.after(() => backend.stop());
  const port = await freePort();
  const example = await readFile(path.join(repository, "examples/websocket-http2.conf"), "utf8");
  const text = example
    .replace("127.0.0.1:8443", `127.0.0.1:${port}`)
    .replace("127.0.0.1:9001", `127.0.0.1:${backend.port}`);
  const gateway = await startGateway(longhaul, {
    config: text.replace(/^pid .*$/m, ""),
    port,
    files: await certificateFiles(),
  });
  t.after(() => gateway.stop());
  const session = await connectHttp2(`https://localhost:${port}`);
  t.after(() => session.destroy());
  const streamed = await openStreamWebSocket(session, "/live");
  const plain = new WebSocket(`wss://localhost:${port}/live`, { rejectUnauthorized: false });
  await once(plain, "open");
  for (const socket of [streamed, plain]) {
    assert.equal((await echoOf(socket, Buffer.from("hello"))).toString(), "hello");
    socket.terminate();
  }
});

const python = "/usr/bin/python3";
const hasPython = spawnSync(python, ["-c", "import h2"], { stdio: "ignore" }).status === 0;

test("python's h2, which refuses what RFC 9113 forbids, opens one", { skip: !hasPython }, async (t) => {
  const scene = await begin();
  t.after(() => end(scene));
  const script = path.join(repository, "test/support/http2-websocket.py");
  const { stdout } = await promisify(execFile)(python, [script, String(scene.port)]);
  assert.equal(stdout.trim(), "200 hello from python | 70000 | close 1000 | ended");
});
