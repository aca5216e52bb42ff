import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { startRawBackend, type Backend } from "../support/backend.ts";
import { products, type Gateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { RawConnection } from "../support/raw.ts";
import { startPublished } from "./published.ts";

const websocketFields = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

for (const product of products()) {
  describe(`what the backend sees behind ${product.name}`, () => {
    let backend: Backend;
    const gateways: Gateway[] = [];
    /** Heads as they arrived, in order. */
    const heads: string[] = [];
    let [chat, idle, socket, https, http] = [0, 0, 0, 0, 0];

    before(async () => {
      backend = await startRawBackend(async (connection) => {
        // Until the gateway ends the connection: it may keep one for the next request.
        for (;;) {
          const head = await connection.readHead();
          await connection.read(Number(/\r\nContent-Length: (\d+)\r\n/.exec(head)?.[1] ?? 0));
          heads.push(head);
          connection.write("HTTP/1.1 204 No Content\r\n\r\n");
        }
      });
      const address = `127.0.0.1:${backend.port}`;
      [chat, idle, socket, https, http] = (await freePorts(5)) as [number, number, number, number, number];
      gateways.push(
        await startPublished(product, "1-http-websocket", chat, {
          "listen 80": `listen 127.0.0.1:${chat}`,
          "10.0.12.108:9000": address,
          "10.0.12.109:9000": `${address} down`,
        }),
      );
      gateways.push(
        await startPublished(product, "2-timeouts", idle, {
          "listen 80": `listen 127.0.0.1:${idle}`,
          "http://webscoket": `http://${address}`,
        }),
      );
      gateways.push(
        await startPublished(product, "3-https-websocket", socket, {
          "listen 443": `listen 127.0.0.1:${socket}`,
          "http://localhost:9092": `http://${address}`,
        }),
      );
      gateways.push(
        await startPublished(product, "4-https-and-http", https, {
          "listen       443": `listen       127.0.0.1:${https}`,
          "listen       80": `listen       127.0.0.1:${http}`,
          "192.0.2.1:10080": address,
          "192.0.2.2:10080": `${address} backup`,
          "122.224.92.122:10888": address,
          "192.168.8.51:9661": address,
        }),
      );
    });

    after(async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await backend.stop();
    });

    /** Sends a request of these lines and returns what the backend got, as lines. */
    const forwarded = async (port: number, lines: readonly string[]): Promise<string[]> => {
      const client =
        port === socket || port === https ? await connectTls(port) : await RawConnection.connect(port);
      client.write(`${lines.join("\r\n")}\r\n\r\n`);
      assert.match(await client.readHead(), /^HTTP\/1\.1 204 /);
      client.destroy();
      const head = heads.pop() as string;
      const received = head.slice(0, -4).split("\r\n");
      return product.name === "nginx" ? hostFirst(received) : received;
    };

    test("1: Host with the port, Upgrade and Connection set, everything else as it came", async () => {
      const sent = [
        "GET /chat/room%20one?user=%C3%A9&x=1 HTTP/1.1",
        "Host: example.com",
        ...websocketFields,
        "X-First: 1",
        "x-MIXED-case:  two  ",
        "X-First: again",
        "Cookie: a=1",
        "Origin: https://example.com",
      ];
      assert.deepEqual(await forwarded(chat, sent), [
        "GET /chat/room%20one?user=%C3%A9&x=1 HTTP/1.1",
        `Host: example.com:${chat}`,
        "Upgrade: websocket",
        "Connection: upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "X-First: 1",
        "x-MIXED-case: two",
        "X-First: again",
        "Cookie: a=1",
        "Origin: https://example.com",
      ]);
    });

    test("1: a plain request has an empty Upgrade, so none is sent, and still Connection: upgrade", async () => {
      assert.deepEqual(await forwarded(chat, ["GET / HTTP/1.1", "Host: example.com", "Accept: */*"]), [
        "GET / HTTP/1.1",
        `Host: example.com:${chat}`,
        "Connection: upgrade",
        "Accept: */*",
      ]);
    });

    test("2: without proxy_set_header Host the backend's own address is the Host", async () => {
      const sent = ["GET /a//b/../c HTTP/1.1", "Host: example.com", ...websocketFields];
      assert.deepEqual(await forwarded(idle, sent), [
        "GET /a//b/../c HTTP/1.1",
        `Host: 127.0.0.1:${backend.port}`,
        "Upgrade: websocket",
        "Connection: Upgrade",
        ...websocketFields.slice(2),
      ]);
    });

    test("3: the rewrite takes /socket off the path, and the client's address is told", async () => {
      const sent = [
        "GET /socket/socket.io/?EIO=4&transport=websocket HTTP/1.1",
        "Host: www.example.com",
        ...websocketFields,
        "X-Forwarded-For: 192.0.2.7",
      ];
      assert.deepEqual(await forwarded(socket, sent), [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        "Host: www.example.com",
        "X-Real-IP: 127.0.0.1",
        "X-Forwarded-For: 192.0.2.7, 127.0.0.1",
        "Upgrade: websocket",
        "Connection: upgrade",
        ...websocketFields.slice(2),
      ]);
    });

    test("4: the prefix /shopApplets-test/ becomes /shopApplets/", async () => {
      const sent = ["GET /shopApplets-test/ws/1?a=b HTTP/1.1", "Host: pre.51bnh.com", ...websocketFields];
      assert.deepEqual(await forwarded(https, sent), [
        "GET /shopApplets/ws/1?a=b HTTP/1.1",
        "Host: pre.51bnh.com",
        "X-Real-IP: 127.0.0.1",
        "X-Forwarded-For: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: upgrade",
        ...websocketFields.slice(2),
      ]);
    });

    test("4: the prefix /shopApplets stays, with whatever follows it", async () => {
      const [request] = await forwarded(https, ["GET /shopAppletsX/y HTTP/1.1", "Host: pre.51bnh.com"]);
      assert.equal(request, "GET /shopAppletsX/y HTTP/1.1");
    });

    test("4: the internal server maps /shopApplets/ to /", async () => {
      const sent = ["GET /shopApplets/ws HTTP/1.1", "Host: localhost", ...websocketFields];
      assert.deepEqual((await forwarded(http, sent)).slice(0, 2), [
        "GET /ws HTTP/1.1",
        `Host: localhost:${http}`,
      ]);
    });

    test("4: a POST with a body keeps its length", async () => {
      const client = await connectTls(https);
      const head = "POST /shopApplets/form HTTP/1.1\r\nHost: pre.51bnh.com\r\nContent-Length: 5\r\n\r\n";
      client.write(`${head}hello`);
      assert.match(await client.readHead(), /^HTTP\/1\.1 204 /);
      client.destroy();
      assert.match(
        heads.pop() as string,
        /^POST \/shopApplets\/form HTTP\/1\.1\r\n[^]*\r\nContent-Length: 5\r\n/,
      );
    });
  });
}

/** Mainline sends Host before all other fields; the nginx that is installed may be older. */
function hostFirst([request, ...fields]: string[]): string[] {
  const isHost = (field: string): boolean => field.startsWith("Host: ");
  return [request!, ...fields.filter(isHost), ...fields.filter((field) => !isHost(field))];
}

async function connectTls(port: number): Promise<RawConnection> {
  const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return new RawConnection(socket);
}
