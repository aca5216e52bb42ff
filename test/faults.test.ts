import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test, type TestContext } from "node:test";
import { startEchoBackend, startRawBackend, type Backend, type EchoBackend } from "./support/backend.ts";
import { products, startGateway, type Gateway } from "./support/gateway.ts";
import { residentMemory } from "./support/memory.ts";
import { freePort } from "./support/ports.ts";
import { RawConnection } from "./support/raw.ts";
import { WebSocket } from "./support/ws.ts";

const mebibyte = 1 << 20;

const upgradeRequest = "GET /raw HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const upgradeResponse =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

function config(port: number, backend: Backend): string {
  return `
    events {}
    http {
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${backend.port};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
        }
      }
    }`;
}

for (const product of products()) {
  describe(`a tunnel through ${product.name} whose raw ends fail`, () => {
    let backend: Backend;
    let gateway: Gateway;
    let port: number;
    /** Takes the upstream's end of the next tunnel. */
    let deliver: (connection: RawConnection) => void = () => {};

    before(async () => {
      backend = await startRawBackend(async (connection) => {
        await connection.readHead();
        connection.write(upgradeResponse);
        deliver(connection);
      });
      port = await freePort();
      gateway = await startGateway(product, { config: config(port, backend), port });
    });

    after(async () => {
      await gateway.stop();
      await backend.stop();
    });

    /** Both ends of a new tunnel, after a byte each way. */
    const openTunnel = async (): Promise<{ client: RawConnection; upstream: RawConnection }> => {
      const delivered = new Promise<RawConnection>((resolve) => (deliver = resolve));
      const client = await RawConnection.connect(port);
      client.write(`${upgradeRequest}c`);
      const upstream = await delivered;
      assert.equal(String(await upstream.read(1)), "c");
      upstream.write("u");
      assert.match(await client.readHead(), /^HTTP\/1\.1 101 /);
      assert.equal(String(await client.read(1)), "u");
      return { client, upstream };
    };

    test("what the upstream sent before its end reaches the client, then the end", async () => {
      const { client, upstream } = await openTunnel();
      upstream.socket.end(Buffer.alloc(300_000, "x"));
      assert.equal((await client.read(300_000)).length, 300_000);
      assert.equal(await client.ended, "end");
      client.destroy();
    });

    test("what the client sent before its end reaches the upstream, then the end", async () => {
      const { client, upstream } = await openTunnel();
      client.socket.end(Buffer.alloc(300_000, "x"));
      assert.equal((await upstream.read(300_000)).length, 300_000);
      assert.equal(await upstream.ended, "end");
      upstream.destroy();
    });

    test("a reset by the upstream ends the client's connection", async () => {
      const { client, upstream } = await openTunnel();
      upstream.reset();
      await client.ended;
      client.destroy();
    });

    test("a reset by the client ends the upstream's connection", async () => {
      const { client, upstream } = await openTunnel();
      client.reset();
      await upstream.ended;
      upstream.destroy();
    });

    for (const stalled of ["client", "upstream"] as const) {
      test(`a stalled ${stalled} holds the other side back, costs little memory, and loses nothing`, async (t) => {
        const tunnel = await openTunnel();
        const [slow, fast] =
          stalled === "client" ? [tunnel.client, tunnel.upstream] : [tunnel.upstream, tunnel.client];
        await stall(t, gateway, slow, fast);
        tunnel.client.destroy();
        tunnel.upstream.destroy();
      });
    }
  });

  describe(`many tunnels through ${product.name}`, () => {
    let backend: EchoBackend;
    let gateway: Gateway;
    let port: number;

    before(async () => {
      backend = await startEchoBackend("echo");
      port = await freePort();
      gateway = await startGateway(product, { config: config(port, backend), port });
    });

    after(async () => {
      await gateway.stop();
      await backend.stop();
    });

    test("half of 200 tunnels die in turn, by every means; the others go on undisturbed", async () => {
      let tunnels = await Promise.all(Array.from({ length: 200 }, () => openPair(port, backend)));
      const random = randomFrom(20_261_122);
      for (let round = 0; round < 10; round++) {
        const victims = new Set(shuffled(tunnels, random).slice(0, 10));
        const closed = [...victims].map(({ client, server }) =>
          Promise.all([once(client, "close"), once(server, "close")]),
        );
        const survivors = tunnels.filter((tunnel) => !victims.has(tunnel));
        const answers = survivors.map(({ client }, index) => echo(client, `round ${round} tunnel ${index}`));
        for (const victim of victims) kill(victim, Math.floor(random() * 4));
        await Promise.all([...closed, ...answers]);
        tunnels = survivors;
      }
      assert.equal(tunnels.length, 100);
      for (const { client, server } of tunnels) {
        assert.deepEqual([client.readyState, server.readyState], [WebSocket.OPEN, WebSocket.OPEN]);
        client.terminate();
      }
    });
  });
}

test("a WebSocket to an upstream that refuses gets a 502", async (t) => {
  for (const product of products()) {
    const port = await freePort();
    const nobody = { port: await freePort(), stop: () => Promise.resolve() };
    const gateway = await startGateway(product, { config: config(port, nobody), port });
    t.after(() => gateway.stop());
    const client = new WebSocket(`ws://127.0.0.1:${port}/`);
    const [error] = (await once(client, "error")) as [Error];
    assert.equal(error.message, "Unexpected server response: 502");
  }
});

/** Sends 96 MiB at a peer that does not read, sees the flow stop, then lets it read everything. */
async function stall(
  t: TestContext,
  gateway: Gateway,
  slow: RawConnection,
  fast: RawConnection,
): Promise<void> {
  const total = 96 * mebibyte;
  const chunk = Buffer.alloc(mebibyte, "0123456789abcdef");
  const before = await residentMemory(gateway);
  slow.socket.pause();
  const alreadySent = fast.socket.bytesWritten;
  for (let sent = 0; sent < total; sent += chunk.length) fast.socket.write(chunk);
  fast.socket.end();
  const taken = await untilStill(() => fast.socket.bytesWritten - fast.socket.writableLength - alreadySent);
  assert.ok(taken < total / 2, `${taken} bytes were taken from the sender`);
  const during = await residentMemory(gateway);
  if (before !== null && during !== null) {
    const grown = during - before;
    t.diagnostic(`memory of the gateway grew by ${Math.round(grown / 1024)} KiB`);
    assert.ok(grown < 32 * mebibyte, `memory of the gateway grew by ${grown} bytes`);
  }
  let received = 0;
  slow.socket.removeAllListeners("data");
  slow.socket.on("data", (bytes: Buffer) => {
    const expected = "0123456789abcdef".charCodeAt(received % 16);
    if (bytes[0] !== expected) slow.socket.destroy(new Error(`wrong byte at ${received}`));
    received += bytes.length;
  });
  slow.socket.resume();
  assert.equal(await slow.ended, "end");
  assert.equal(received, total);
}

/** The value of `read` once it has been the same for a while: a stalled flow shows itself in no event. */
async function untilStill(read: () => number): Promise<number> {
  let last = read();
  for (let still = 0; still < 5; still++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (read() !== last) still = -1;
    last = read();
  }
  return last;
}

interface Pair {
  readonly client: WebSocket;
  readonly server: WebSocket;
}

/** A client and the backend's end of its tunnel, found by the name in the path. */
async function openPair(port: number, backend: EchoBackend): Promise<Pair> {
  const name = `/tunnel-${nextName++}`;
  const client = new WebSocket(`ws://127.0.0.1:${port}${name}`);
  const [server] = await Promise.all([backend.connectionTo(name), once(client, "open")]);
  client.on("error", () => {});
  return { client, server };
}

let nextName = 0;

function kill({ client, server }: Pair, means: number): void {
  if (means === 0) client.terminate();
  else if (means === 1) server.terminate();
  else if (means === 2) client.close(4000);
  else server.close(4000);
}

async function echo(client: WebSocket, text: string): Promise<void> {
  const answered = once(client, "message");
  client.send(text);
  assert.equal(String((await answered)[0]), text);
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
