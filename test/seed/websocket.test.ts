import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { startEchoBackend, type EchoBackend } from "../support/backend.ts";
import { opcodes, encodeFrame, textFrame } from "../support/frames.ts";
import { products, type Gateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { RawConnection } from "../support/raw.ts";
import { WebSocket } from "../support/ws.ts";
import { startPublished } from "./published.ts";

/** Where a published configuration lets a WebSocket in. */
interface Door {
  readonly scheme: "ws" | "wss";
  readonly url: string;
}

for (const product of products()) {
  describe(`WebSocket clients through ${product.name}`, () => {
    const doors: Record<"ws" | "wss", Door> = {
      ws: { scheme: "ws", url: "" },
      wss: { scheme: "wss", url: "" },
    };
    let backend: EchoBackend;
    let plainPort: number;
    const gateways: Gateway[] = [];

    before(async () => {
      backend = await startEchoBackend("echo");
      const address = `127.0.0.1:${backend.port}`;
      const [port, http, https] = (await freePorts(3)) as [number, number, number];
      plainPort = port;
      doors.ws = { scheme: "ws", url: `ws://127.0.0.1:${port}/chat?room=1` };
      doors.wss = { scheme: "wss", url: `wss://127.0.0.1:${https}/shopApplets-test/chat` };
      const listening = { "listen 80": `listen 127.0.0.1:${port}` };
      const upstreams = { "10.0.12.108:9000": address, "10.0.12.109:9000": `${address} down` };
      gateways.push(await startPublished(product, "1-http-websocket", port, { ...listening, ...upstreams }));
      const both = {
        "listen       443": `listen       127.0.0.1:${https}`,
        "listen       80": `listen       127.0.0.1:${http}`,
        "122.224.92.122:10888": address,
        "192.168.8.51:9661": address,
      };
      gateways.push(await startPublished(product, "4-https-and-http", https, both));
    });

    after(async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await backend.stop();
    });

    for (const scheme of ["ws", "wss"] as const)
      describeMessages(
        scheme,
        () => doors[scheme].url,
        () => backend,
      );

    test("frames sent together with the handshake reach the backend", async () => {
      const client = await RawConnection.connect(plainPort);
      client.write(`${handshake(plainPort)}${textFrame("early", true).toString("latin1")}`);
      assert.match(await client.readHead(), /^HTTP\/1\.1 101 /);
      assert.equal((await client.readFrame()).payload.toString(), "early");
      client.destroy();
    });

    test("a large message sent together with the handshake reaches the backend whole", async () => {
      const payload = Buffer.alloc(200_000, "early ");
      const client = await RawConnection.connect(plainPort);
      client.write(handshake(plainPort));
      client.write(encodeFrame({ fin: true, opcode: opcodes.binary, payload }, true));
      assert.match(await client.readHead(), /^HTTP\/1\.1 101 /);
      assert.deepEqual((await client.readFrame()).payload, payload);
      client.destroy();
    });

    test("a plain request beside the WebSockets is answered", async () => {
      const response = await fetch(`http://127.0.0.1:${plainPort}/status`);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "GET /status from echo");
    });
  });
}

function handshake(port: number): string {
  return [
    "GET /raw HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "\r\n",
  ].join("\r\n");
}

function describeMessages(scheme: string, url: () => string, backend: () => EchoBackend): void {
  const open = async (): Promise<WebSocket> => {
    const client = new WebSocket(url(), { rejectUnauthorized: false });
    await once(client, "open");
    return client;
  };
  const reply = async (client: WebSocket): Promise<{ data: Buffer; isBinary: boolean }> => {
    const [data, isBinary] = (await once(client, "message")) as [Buffer, boolean];
    return { data, isBinary };
  };

  test(`${scheme}: text and binary messages come back as they were sent`, async () => {
    const client = await open();
    client.send("grüß dich, 世界");
    const text = await reply(client);
    assert.equal(text.data.toString(), "grüß dich, 世界");
    assert.equal(text.isBinary, false);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    client.send(bytes);
    const binary = await reply(client);
    assert.deepEqual(binary.data, bytes);
    assert.equal(binary.isBinary, true);
    client.terminate();
  });

  test(`${scheme}: a message of 1 MiB comes back whole`, async () => {
    const client = await open();
    const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (index * 7919) & 0xff));
    client.send(bytes);
    assert.ok((await reply(client)).data.equals(bytes));
    client.terminate();
  });

  test(`${scheme}: a thousand messages come back in order`, async () => {
    const client = await open();
    const count = 1_000;
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("message", (data: Buffer) => received.push(data.toString()) === count && resolve());
    });
    const sent = Array.from({ length: count }, (_, index) => `${index}:${"x".repeat(index % 300)}`);
    for (const message of sent) client.send(message);
    await all;
    assert.deepEqual(received, sent);
    client.terminate();
  });

  test(`${scheme}: a fragmented message arrives as one`, async () => {
    const client = await open();
    client.send("one, ", { fin: false });
    client.send("two, ", { fin: false });
    client.send("three", { fin: true });
    assert.equal((await reply(client)).data.toString(), "one, two, three");
    client.terminate();
  });

  test(`${scheme}: pings are answered by the other side, both ways`, async () => {
    const connected = backend().nextConnection();
    const client = await open();
    const server = await connected;
    client.ping("from client");
    assert.equal(String((await once(client, "pong"))[0]), "from client");
    server.ping("from server");
    assert.equal(String((await once(server, "pong"))[0]), "from server");
    client.terminate();
  });

  test(`${scheme}: the client's close code and reason reach the backend`, async () => {
    const connected = backend().nextConnection();
    const client = await open();
    const server = await connected;
    const closed = Promise.all([once(server, "close"), once(client, "close")]);
    client.close(4001, "client is done");
    const [[serverCode, serverReason], [clientCode]] = (await closed) as [[number, Buffer], [number]];
    assert.deepEqual([serverCode, String(serverReason), clientCode], [4001, "client is done", 4001]);
  });

  test(`${scheme}: the backend's close code and reason reach the client`, async () => {
    const connected = backend().nextConnection();
    const client = await open();
    const server = await connected;
    const closed = once(client, "close") as Promise<[number, Buffer]>;
    server.close(4002, "server is done");
    const [code, reason] = await closed;
    assert.deepEqual([code, String(reason)], [4002, "server is done"]);
  });

  test(`${scheme}: a client that vanishes is seen by the backend as 1006`, async () => {
    const connected = backend().nextConnection();
    const client = await open();
    const server = await connected;
    const closed = once(server, "close");
    client.terminate();
    assert.equal((await closed)[0], 1006);
  });
}
