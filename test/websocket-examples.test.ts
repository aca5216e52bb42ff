/** The examples about WebSockets, each with the library that its servers and clients would use. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { close, listen, portOf } from "./support/backend.ts";
import { longhaul, repository, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { WebSocket, WebSocketServer } from "./support/ws.ts";

/** A gateway that runs an example, with other ports and times. */
async function startExample(
  name: string,
  port: number,
  changes: Readonly<Record<string, string>>,
): Promise<Gateway> {
  let config = await readFile(path.join(repository, "examples", name), "utf8");
  config = config.replace("pid longhaul.pid;", "").replace("127.0.0.1:8080", `127.0.0.1:${port}`);
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(config.includes(from), `${name} has no ${from}`);
    config = config.replace(from, to);
  }
  return startGateway(longhaul, { config, port });
}

/** The adapter that Socket.IO itself uses where state is recovered. */
const { SessionAwareAdapter } = createRequire(createRequire(import.meta.url).resolve("socket.io"))(
  "socket.io-adapter",
) as { readonly SessionAwareAdapter: new (nsp: unknown) => object };

const cleanUps: (() => Promise<unknown> | void)[] = [];
after(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

async function echoServer(): Promise<{ port: number; server: InstanceType<typeof WebSocketServer> }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, "listening");
  cleanUps.push(() => server.close());
  return { port: (server.address() as { port: number }).port, server };
}

describe("socketio-recovery.conf", () => {
  /** What an adapter for several servers keeps in one place. */
  class SharedAdapter extends SessionAwareAdapter {
    static readonly kept = { sessions: new Map(), packets: [] as unknown[] };

    constructor(nsp: unknown) {
      super(nsp);
      Object.assign(this, SharedAdapter.kept);
    }
  }

  async function socketServer(name: string): Promise<{ server: http.Server; backend: Server; port: number }> {
    const server = http.createServer();
    const backend = new Server(server, {
      serveClient: false,
      connectionStateRecovery: {},
      adapter: SharedAdapter as never,
    });
    backend.on("connection", (socket) => {
      socket.data.count ??= 0;
      socket.on("who", (answer: (name: string) => void) => answer(name));
      socket.on("count", (answer: (count: number) => void) => answer((socket.data.count += 1)));
    });
    await listen(server, 0);
    return { server, backend, port: portOf(server) };
  }

  test("keeps a client connected, with its session and what it missed, when its server is lost", async () => {
    const servers = { one: await socketServer("one"), other: await socketServer("other") };
    const port = await freePort();
    const gateway = await startExample("socketio-recovery.conf", port, {
      "127.0.0.1:9001": `127.0.0.1:${servers.one.port}`,
      "127.0.0.1:9002": `127.0.0.1:${servers.other.port}`,
    });
    cleanUps.push(() => gateway.stop());
    const client = io(`http://127.0.0.1:${port}`, { transports: ["websocket"], reconnection: false });
    cleanUps.push(() => void client.disconnect());
    await once(client as never, "connect");
    // What the example's comment says of clients.
    client.io.engine.on("handshake", () => (client as unknown as { onopen(): void }).onopen());
    const disconnects: string[] = [];
    client.on("disconnect", (reason) => disconnects.push(reason));
    const news: string[] = [];
    client.on("news", (text: string) => news.push(text));
    const first = (await client.emitWithAck("who")) as "one" | "other";
    assert.equal(await client.emitWithAck("count"), 1);
    servers[first].backend.emit("news", "before");
    while (news.length === 0) await wait(10);
    const [id, again] = [client.id, once(client as never, "connect")];

    const { server, backend } = servers[first];
    server.close();
    for (const { conn } of backend.sockets.sockets.values()) {
      (conn.transport as unknown as { socket: WebSocket }).socket.terminate();
    }
    backend.emit("news", "meanwhile");
    await again;

    assert.ok(client.recovered, "its state was recovered");
    assert.equal(client.id, id);
    assert.notEqual(await client.emitWithAck("who"), first);
    assert.equal(await client.emitWithAck("count"), 2);
    while (news.length < 2) await wait(10);
    assert.deepEqual(news, ["before", "meanwhile"]);
    assert.deepEqual(disconnects, []);
    const left = servers[first === "one" ? "other" : "one"];
    cleanUps.push(async () => {
      await left.backend.close();
      left.server.closeAllConnections();
      await close(left.server).catch(() => {});
    });
  });
});

describe("heartbeats.conf", () => {
  test("keeps silent WebSockets, shows applications none of its pings, and finds who is frozen", async () => {
    const { port: backend } = await echoServer();
    const port = await freePort();
    const gateway = await startExample("heartbeats.conf", port, {
      "127.0.0.1:9001": `127.0.0.1:${backend}`,
      "websocket_ping 25s timeout=10s": "websocket_ping 150ms timeout=400ms",
      "proxy_read_timeout 60s": "proxy_read_timeout 500ms",
    });
    cleanUps.push(() => gateway.stop());
    const [silent, frozen] = [0, 1].map(() => new WebSocket(`ws://127.0.0.1:${port}/`));
    await Promise.all([silent, frozen].map((socket) => once(socket!, "open")));
    let frames = 0;
    silent!.on("message", () => (frames += 1));
    silent!.on("pong", () => (frames += 1));
    frozen!.pause();
    await gateway.logged(/client did not answer a ping in time/);
    await wait(2000);
    assert.equal(silent!.readyState, WebSocket.OPEN);
    assert.equal(frames, 0);
    const echoed = once(silent!, "message");
    silent!.send("still there");
    assert.equal(String((await echoed)[0]), "still there");
    silent!.terminate();
    frozen!.terminate();
  });
});

describe("chat-limits.conf", () => {
  let port = 0;
  const open = async (headers: Readonly<Record<string, string>> = {}): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { ...headers } });
    await once(socket, "open");
    return socket;
  };

  test("lets in pages of its own and programs, and no others; and sets sizes and paces", async () => {
    const { port: backend } = await echoServer();
    port = await freePort();
    const gateway = await startExample("chat-limits.conf", port, {
      "127.0.0.1:9001": `127.0.0.1:${backend}`,
    });
    cleanUps.push(() => gateway.stop());
    const own = await open({ Origin: `http://127.0.0.1:${port}` });
    const program = await open();
    await assert.rejects(open({ Origin: "https://evil.example" }), /403/);

    const closed = once(own, "close");
    own.send("x".repeat(17_000));
    assert.equal((await closed)[0], 1009);

    let echoes = 0;
    program.on("message", () => (echoes += 1));
    for (let count = 0; count < 40; count++) program.send("text");
    await wait(500);
    assert.ok(echoes >= 21 && echoes <= 27, `${echoes} at once`);
    while (echoes < 40) await wait(50);

    const flood = await Promise.all(Array.from({ length: 10 }, () => open()));
    const ends = flood.map((socket) => once(socket, "close"));
    for (let count = 0; count < 20; count++) for (const socket of flood) socket.send("text");
    const [code] = (await Promise.race(ends)) as [number];
    assert.equal(code, 1008);
    for (const socket of [program, ...flood]) socket.terminate();
  });
});
