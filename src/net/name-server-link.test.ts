import assert from "node:assert/strict";
import dgram from "node:dgram";
import net from "node:net";
import { test } from "node:test";
import { systemNetwork } from "./choose.ts";
import { NameResolver } from "./name-resolver.ts";
import { NameServer } from "./name-server.fixture.ts";
import type { Resolution } from "./name-resolver.ts";
import type { TcpEndpoint } from "./network.ts";

const internalErrors: unknown[] = [];
const network = systemNetwork({ onInternalError: (error) => internalErrors.push(error) });

function resolverOf(port: number, complaints: string[] = []): NameResolver {
  const servers: TcpEndpoint[] = [{ kind: "tcp", address: "127.0.0.1", port }];
  return new NameResolver(network, { servers, ipv4: true, ipv6: true, validSeconds: null }, (text) =>
    complaints.push(text),
  );
}

function described(resolution: Resolution): string {
  return "failure" in resolution ? `${resolution.failure}` : `${resolution.addresses.length}`;
}

test("long answers come by TCP, over one connection, which is closed when all are there", async () => {
  const server = new NameServer(`
    long.test truncated many=1000 aaaa:truncated
    other.test truncated 127.0.0.1 ::1
    longest.test truncated many=4000 aaaa:empty
    twice.test truncated aaaa:::1
  `);
  const resolver = resolverOf(await server.listen());
  const names = ["long.test", "other.test", "longest.test"];
  const found = await Promise.all(names.map(async (name) => resolver.resolve(name, 5000)));
  assert.deepEqual(found.map(described), ["1000", "2", "1024"]);
  assert.equal(network.openSockets, 0);
  server.close();
});

/** A server that says "truncated" to every datagram, and does as told by TCP. */
async function truncating(serve: (connection: net.Socket) => void): Promise<{ port: number; close(): void }> {
  const connections = new Set<net.Socket>();
  const listener = net.createServer((connection) => {
    connections.add(connection);
    connection.on("error", () => undefined);
    serve(connection);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as net.AddressInfo;
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, from) => {
    query.writeUInt16BE(0x8380, 2);
    socket.send(query, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
  const close = (): void => {
    socket.close();
    listener.close();
    for (const connection of connections) connection.destroy();
  };
  return { port, close };
}

const hostile: Readonly<Record<string, (connection: net.Socket) => void>> = {
  "closes at once": (connection) => connection.destroy(),
  resets: (connection) => connection.resetAndDestroy(),
  "stops within a message": (connection) => connection.end(Buffer.from([0, 9, 1])),
  "says nothing": () => undefined,
  "sends empty messages": (connection) => void connection.write(Buffer.alloc(60_000)),
  "sends messages of nothing but 255": (connection) => void connection.write(Buffer.alloc(200_000, 255)),
  "sends truncated answers": (connection) => {
    connection.on("data", (bytes: Buffer) => {
      bytes.writeUInt16BE(0x8380, 4);
      connection.write(bytes);
    });
  },
};

test("servers that misbehave by TCP cost time, and no socket", async () => {
  await Promise.all(
    Object.entries(hostile).map(async ([what, serve]) => {
      const server = await truncating(serve);
      const resolution = await resolverOf(server.port).resolve("a.test", 300);
      assert.equal(described(resolution), "110", what);
      server.close();
    }),
  );
  // The questions themselves are given up later, when they would be sent again.
  while (network.openSockets > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(internalErrors, []);
});

test("answers that come byte by byte are answers all the same", async (t) => {
  const server = await truncating((connection) => {
    connection.on("data", (bytes: Buffer) => {
      // Questions that came in one piece have the same length.
      const length = 2 + bytes.readUInt16BE(0);
      for (let at = 0; at < bytes.length; at += length) bytes.writeUInt16BE(0x8183, at + 4);
      for (const byte of bytes) connection.write(Buffer.from([byte]));
    });
  });
  t.after(() => server.close());
  assert.equal(described(await resolverOf(server.port).resolve("a.test", 5000)), "3");
});

test("ids and source ports cannot be foreseen", async (t) => {
  const ports = new Set<number>();
  const ids = new Set<number>();
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, from) => {
    ports.add(from.port);
    ids.add(query.readUInt16BE(0));
    query.writeUInt16BE(0x8183, 2);
    socket.send(query, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.after(() => socket.close());
  const resolver = resolverOf(socket.address().port);
  for (let at = 0; at < 100; at++) assert.equal(described(await resolver.resolve(`n${at}.test`, 5000)), "3");
  assert.ok(ports.size > 90, `${ports.size} ports`);
  assert.ok(ids.size > 190, `${ids.size} ids`);
  const sorted = [...ports].toSorted((one, other) => one - other);
  assert.ok(sorted.at(-1)! - sorted[0]! > 1000, "ports in a row");
});

test("what others than the name server send is not heard", async (t) => {
  const forger = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => forger.bind(0, "127.0.0.1", resolve));
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, from) => {
    query.writeUInt16BE(0x8183, 2);
    // The right id to the right port, but from another one.
    forger.send(query, from.port, from.address, () => {
      const answer = Buffer.concat([
        query,
        Buffer.from([0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 1]),
      ]);
      answer.writeUInt16BE(query.readUInt16BE(query.length - 4), query.length + 2);
      answer.writeUInt16BE(0x8180, 2);
      answer.writeUInt16BE(1, 6);
      if (query.readUInt16BE(query.length - 4) !== 1) answer.writeUInt16BE(0, 6);
      socket.send(answer, from.port, from.address);
    });
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.after(() => {
    socket.close();
    forger.close();
  });
  const complaints: string[] = [];
  assert.equal(described(await resolverOf(socket.address().port, complaints).resolve("a.test", 5000)), "1");
  assert.deepEqual(complaints, []);
});
