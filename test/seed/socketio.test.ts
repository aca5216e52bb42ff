import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { Server } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { close, listen, portOf } from "../support/backend.ts";
import { products, type Gateway } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";
import { startPublished } from "./published.ts";

for (const product of products()) {
  describe(`Socket.IO below /socket through ${product.name}`, () => {
    let server: http.Server;
    let backend: Server;
    let gateway: Gateway;
    let url: string;

    before(async () => {
      server = http.createServer();
      // The gateway's rewrite takes "/socket" off, so the server keeps its usual path "/socket.io".
      backend = new Server(server, { serveClient: false });
      backend.on("connection", (socket) => {
        socket.on("echo", (data: unknown, answer: (data: unknown) => void) => answer(data));
        socket.on("who", (answer: (name: string) => void) => answer(socket.conn.transport.name));
      });
      await listen(server, 0);
      const port = await freePort();
      url = `wss://127.0.0.1:${port}`;
      gateway = await startPublished(product, "3-https-websocket", port, {
        "listen 443": `listen 127.0.0.1:${port}`,
        "http://localhost:9092": `http://127.0.0.1:${portOf(server)}`,
      });
    });

    after(async () => {
      await gateway.stop();
      await backend.close();
      server.closeAllConnections();
      await close(server);
    });

    const connect = async (transports: string[]): Promise<Socket> => {
      const client = io(url, {
        path: "/socket/socket.io",
        transports,
        rejectUnauthorized: false,
        reconnection: false,
        forceNew: true,
      });
      const connected = new Promise<void>((resolve, reject) => {
        client.once("connect", resolve);
        client.once("connect_error", reject);
      });
      await connected;
      return client;
    };

    for (const transports of [["websocket"], ["polling", "websocket"], ["polling"]]) {
      test(`${transports.join(" then ")}: events are acknowledged, the server can speak, and closing is seen`, async () => {
        const client = await connect(transports);
        const { engine } = client.io;
        const last = transports.at(-1);
        if (engine.transport.name !== last) await once(engine as never, "upgrade");
        assert.equal(engine.transport.name, last);
        assert.equal(await client.emitWithAck("who"), last);

        const message = { text: "héllo", list: [1, 2, 3], bytes: Buffer.from([0, 255, 128]) };
        assert.deepEqual(await client.emitWithAck("echo", message), message);

        const spoken = once(client as never, "news");
        backend.to(client.id as string).emit("news", "from the server");
        assert.deepEqual(await spoken, ["from the server"]);

        const [peer] = await backend.fetchSockets();
        assert.equal(peer?.handshake.headers["x-real-ip"], "127.0.0.1");
        const gone = new Promise<string>((resolve) => {
          backend.sockets.sockets.get(client.id as string)?.once("disconnect", resolve);
        });
        client.disconnect();
        assert.equal(await gone, "client namespace disconnect");
      });
    }

    test("a large polled message goes through both ways", async () => {
      const client = await connect(["polling"]);
      const text = "long ".repeat(40_000);
      assert.equal(await client.emitWithAck("echo", text), text);
      client.disconnect();
    });
  });
}
