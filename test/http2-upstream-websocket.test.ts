import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import type { AddressInfo, Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { certificateFiles } from "./support/certificate.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { connectHttp2, joinStream, openStreamWebSocket } from "./support/stream-websocket.ts";
import { WebSocket, WebSocketServer } from "./support/ws.ts";

/** What the server has seen. */
interface Seen {
  readonly sessions: Set<http2.Http2Session>;
  readonly opened: http2.IncomingHttpHeaders[];
}

function echo(socket: WebSocket): void {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
}

/** Opens a WebSocket that echoes on every extended CONNECT, but for those to /no. */
function serve(server: http2.Http2Server, seen: Seen): void {
  server.on("session", (session) => {
    seen.sessions.add(session);
    session.on("close", () => seen.sessions.delete(session));
  });
  server.on("stream", (stream: http2.ServerHttp2Stream, fields) => {
    stream.on("error", () => {});
    if (fields[":method"] !== "CONNECT") {
      stream.respond({ ":status": 200 });
      stream.end("page");
      return;
    }
    seen.opened.push(fields);
    if (fields[":path"] === "/no") {
      stream.respond({ ":status": 403 });
      stream.end("no");
      return;
    }
    stream.respond({ ":status": 200, "sec-websocket-protocol": "chat" });
    echo(joinStream(stream, true));
  });
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function echoOf(socket: WebSocket, message: Buffer): Promise<Buffer> {
  const echoed = once(socket, "message") as Promise<[Buffer]>;
  socket.send(message);
  return (await echoed)[0];
}

describe("WebSockets to node:http2", () => {
  const seen: Seen = { sessions: new Set(), opened: [] };
  const servers: Server[] = [];
  let gateway: Gateway;
  let port = 0;

  before(async () => {
    const files = await certificateFiles();
    const pair = { key: files["certificate.key"]!, cert: files["certificate.pem"]! };
    const settings = { enableConnectProtocol: true };
    const clear = http2.createServer({ settings });
    const secure = http2.createSecureServer({ ...pair, settings });
    const old = https.createServer(pair);
    new WebSocketServer({ server: old }).on("connection", echo);
    serve(clear, seen);
    serve(secure, seen);
    servers.push(clear, secure, old);
    const ports: number[] = [];
    for (const server of servers) ports.push(await listening(server));
    port = await freePort();
    const config = `
      events {}
      http {
        access_log off;
        proxy_http_version 2;
        websocket on;
        http2 on;
        upstream clear { server 127.0.0.1:${ports[0]}; keepalive 4; }
        upstream secure { server 127.0.0.1:${ports[1]}; keepalive 4; }
        upstream old { server 127.0.0.1:${ports[2]}; keepalive 4; }
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate PREFIX/certificate.pem;
          ssl_certificate_key PREFIX/certificate.key;
          location / { proxy_pass http://clear; }
          location /secure { proxy_pass https://secure; }
          location /old { proxy_pass https://old; }
        }
      }`;
    gateway = await startGateway(longhaul, { config, port, files });
  });

  after(async () => {
    await gateway.stop();
    for (const session of seen.sessions) session.destroy();
    for (const server of servers) server.close();
  });

  function dial(path: string): WebSocket {
    return new WebSocket(`wss://localhost:${port}${path}`, ["chat"], { rejectUnauthorized: false });
  }

  for (const path of ["/chat", "/secure", "/old"]) {
    test(`carry messages of all sizes, many at a time, at ${path}`, async () => {
      const sockets = Array.from({ length: 20 }, () => dial(path));
      await Promise.all(sockets.map((socket) => once(socket, "open")));
      assert.equal(sockets[0]!.protocol, "chat");
      for (const bytes of [0, 1, 126, 70_000, 500_000]) {
        const message = Buffer.alloc(bytes, bytes);
        const echoed = await Promise.all(sockets.map((socket) => echoOf(socket, message)));
        assert.ok(echoed.every((data) => data.equals(message)));
      }
      const closed = sockets.map((socket) => once(socket, "close"));
      for (const socket of sockets) socket.close(1000, "enough");
      for (const [code] of await Promise.all(closed)) assert.equal(code, 1000);
    });
  }

  test("were on one connection to each server that takes extended CONNECT", () => {
    assert.equal(seen.opened.length, 40);
    assert.ok(seen.opened.every((fields) => fields[":protocol"] === "websocket"));
    assert.ok(seen.opened.every((fields) => fields["sec-websocket-key"] === undefined));
    assert.equal(seen.sessions.size, 2);
  });

  test("go from HTTP/2 to HTTP/2", async () => {
    const session = await connectHttp2(`https://localhost:${port}`);
    const socket = await openStreamWebSocket(session, "/chat");
    assert.equal((await echoOf(socket, Buffer.from("hello"))).toString(), "hello");
    socket.close(1000);
    await once(socket, "close");
    session.destroy();
  });

  test("that are refused get the server's answer", async () => {
    const socket = dial("/no");
    socket.on("error", () => {});
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
    assert.equal(response.statusCode, 403);
    socket.terminate();
  });

  test("end when their server is gone", async () => {
    const socket = dial("/chat");
    await once(socket, "open");
    const closed = once(socket, "close");
    for (const session of seen.sessions) session.destroy();
    assert.notEqual((await closed)[0], 1000);
  });
});
