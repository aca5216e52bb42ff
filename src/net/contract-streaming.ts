import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ConnectionOwner } from "./connection.ts";
import { ContractPeer, patternBytes, sendAll } from "./contract-peer.ts";
import { endpointOf, scene, type MakeSubject, type Scene } from "./contract-scene.ts";

const mebibyte = 1024 * 1024;

/** Bytes, back-pressure, pausing, owners. */
export function testStreaming(make: MakeSubject): void {
  scene("carries bytes both ways and tells both addresses", make, async (stage) => {
    const { client, server } = await stage.pair();
    client.connection.send(Buffer.from("ping"));
    await server.until(() => server.text === "ping");
    server.connection.send(Buffer.from("pong"));
    await client.until(() => client.text === "pong");
    assert.deepEqual(client.connection.local, server.connection.remote);
    assert.deepEqual(client.connection.remote, server.connection.local);
    assert.equal(client.connection.remote.family, "ipv4");
    assert.equal(client.connection.tls, null);
  });

  scene("carries megabytes both ways at once, unharmed, through reused memory", make, async (stage) => {
    const { client, server } = await stage.pair();
    await exchangeBothWays(stage, client, server);
  });

  scene("an empty send is harmless", make, async (stage) => {
    const { client, server } = await stage.pair();
    assert.equal(client.connection.send(Buffer.alloc(0)), true);
    client.connection.send(Buffer.from("x"));
    await server.until(() => server.text === "x");
  });

  testPressure(make);
  testPausing(make);
  testOwners(make);
}

function testPressure(make: MakeSubject): void {
  scene("a peer that does not read makes send return false, then one drain follows", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.connection.pause();
    const piece = patternBytes(64 * 1024, 7);
    let sent = 0;
    while (sent < 64 * mebibyte) {
      sent += piece.length;
      if (!client.connection.send(piece)) break;
      await stage.pass(0);
    }
    assert.ok(sent < 64 * mebibyte, "send never returned false");
    assert.ok(client.connection.queued > 0);
    // Producing on is bad manners, but loses nothing and owes no second drain.
    assert.equal(client.connection.send(piece), false);
    sent += piece.length;
    assert.equal(client.drains, 0);
    server.connection.resume();
    await server.until(() => server.byteCount === sent);
    await client.until(() => client.drains > 0);
    await stage.pass(20);
    assert.equal(client.drains, 1);
    assert.equal(client.connection.queued, 0);
    assert.ok(server.bytes.length > 0 && Buffer.concat(server.bytes).subarray(0, piece.length).equals(piece));
  });

  scene("no drain follows a send that returned true", make, async (stage) => {
    const { client, server } = await stage.pair();
    const drainsOwed = client.connection.send(Buffer.from("a")) ? 0 : 1;
    await server.until(() => server.text === "a");
    await client.until(() => client.drains === drainsOwed);
    server.connection.pause();
    server.connection.resume();
    client.connection.pause();
    client.connection.resume();
    await stage.pass(20);
    assert.deepEqual([client.drains, server.drains], [drainsOwed, 0]);
  });

  scene("a drain that was owed comes also after a shutdown", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.connection.pause();
    const piece = Buffer.alloc(mebibyte);
    let sent = 0;
    do sent += piece.length;
    while (client.connection.send(piece));
    client.connection.shutdown();
    server.connection.resume();
    await server.until(() => server.ends === 1);
    await client.until(() => client.drains === 1);
    assert.equal(server.byteCount, sent);
  });
}

function testPausing(make: MakeSubject): void {
  scene("nothing is delivered while paused, everything after resume", make, async (stage) => {
    const { client, server } = await stage.pair();
    client.connection.send(Buffer.from("one"));
    await server.until(() => server.text === "one");
    server.connection.pause();
    server.connection.pause();
    client.connection.send(Buffer.from("two"));
    await stage.pass(30);
    assert.equal(server.text, "one");
    server.connection.resume();
    server.connection.resume();
    await server.until(() => server.text === "onetwo");
  });

  scene("pausing inside onData is honoured at once", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.onAny = () => server.connection.pause();
    await sendAll(client, patternBytes(256 * 1024, 3), 8 * 1024);
    await server.until(() => server.bytes.length > 0);
    await stage.pass(20);
    assert.equal(server.bytes.length, 1);
    server.onAny = null;
    server.connection.resume();
    await server.until(() => server.byteCount === 256 * 1024);
    assert.ok(Buffer.concat(server.bytes).equals(patternBytes(256 * 1024, 3)));
  });

  scene("a connection paused by its first owner starts paused", make, async (stage) => {
    const owners: ContractPeer[] = [];
    const listener = await stage.network.listen(
      { endpoint: { kind: "tcp", address: "127.0.0.1", port: 0 }, tls: null },
      {
        onConnection(connection) {
          connection.pause();
          const peer = new ContractPeer(connection);
          owners.push(peer);
          return peer;
        },
        onHandshakeError() {},
      },
    );
    const client = await stage.connect(endpointOf(listener.address));
    client.connection.send(Buffer.from("early"));
    await stage.pass(30);
    const server = owners[0];
    assert.ok(server !== undefined);
    assert.equal(server.text, "");
    server.connection.resume();
    await server.until(() => server.text === "early");
    server.connection.close();
    await listener.stop();
  });
}

function testOwners(make: MakeSubject): void {
  scene("a new owner gets everything from the next event on", make, async (stage) => {
    const { client, server } = await stage.pair();
    const second = new ContractPeer(server.connection);
    server.onAny = () => {
      if (server.text === "head") server.connection.owner = second;
    };
    client.connection.send(Buffer.from("head"));
    await server.until(() => server.text === "head");
    client.connection.send(Buffer.from("rest"));
    await second.until(() => second.text === "rest");
    client.connection.shutdown();
    await second.until(() => second.ends === 1);
    server.connection.shutdown();
    await second.closed();
    assert.equal(server.text, "head");
    assert.equal(server.ends + server.closes.length, 0);
  });

  scene("an exception in an owner resets its connection and harms no other", make, async (stage) => {
    const { client, server } = await stage.pair();
    const other = await stage.pair();
    const error = new Error("owner failed");
    server.onAny = () => {
      server.onAny = null;
      throw error;
    };
    client.connection.send(Buffer.from("boom"));
    await client.closed();
    await server.closed();
    assert.deepEqual(stage.subject.internalErrors, [error]);
    assert.equal(server.closes.length, 1);
    other.client.connection.send(Buffer.from("alive"));
    await other.server.until(() => other.server.text === "alive");
  });

  scene("an exception in a listener's callback resets only that connection", make, async (stage) => {
    let accepted = 0;
    const peers: ContractPeer[] = [];
    const listener = await stage.network.listen(
      { endpoint: { kind: "tcp", address: "127.0.0.1", port: 0 }, tls: null },
      {
        onConnection(connection): ConnectionOwner {
          if (accepted++ === 0) throw new Error("no owner");
          const peer = new ContractPeer(connection);
          peers.push(peer);
          return peer;
        },
        onHandshakeError() {},
      },
    );
    // The reset may overtake the news of the connect.
    await stage.connect(endpointOf(listener.address)).then(
      (first) => first.closed(),
      () => {},
    );
    const second = await stage.connect(endpointOf(listener.address));
    second.connection.send(Buffer.from("fine"));
    await stage.pass(20);
    assert.equal(peers[0]?.text, "fine");
    assert.equal(stage.subject.internalErrors.length, 1);
    peers[0]?.connection.close();
    await listener.stop();
  });

  scene("an exception in a timer is reported and harms nothing", make, async (stage) => {
    const error = new Error("timer failed");
    stage.network.clock.timer(1, () => {
      throw error;
    });
    await stage.pass(10);
    assert.deepEqual(stage.subject.internalErrors, [error]);
  });

  scene(
    "timers fire in order, cancelled ones never, and soon comes before any timer",
    make,
    async (stage) => {
      const { clock } = stage.network;
      const fired: string[] = [];
      const cancelled = clock.timer(1, () => fired.push("cancelled"));
      const before = clock.now();
      clock.timer(15, () => fired.push("late"));
      clock.timer(0, () => fired.push("early"));
      clock.soon(() => fired.push("soon"));
      assert.deepEqual(fired, []);
      cancelled.cancel();
      cancelled.cancel();
      await stage.pass(40);
      assert.deepEqual(fired, ["soon", "early", "late"]);
      // Runtimes round timers to whole milliseconds.
      assert.ok(clock.now() - before >= 39);
    },
  );
}

/** Sends megabytes each way at once, with a reader that stops now and then, and compares. */
export async function exchangeBothWays(stage: Scene, a: ContractPeer, b: ContractPeer): Promise<void> {
  const byteCount = stage.subject.streamBytes;
  const toB = patternBytes(byteCount, 11);
  const toA = patternBytes(byteCount, 12);
  const hashes = [b, a].map((reader) => hashing(stage, reader, byteCount));
  await Promise.all([sendAll(a, toB, 50_001), sendAll(b, toA, 3 * 65_536 + 5)]);
  assert.deepEqual(await Promise.all(hashes), [toB, toA].map(digest));
}

/** Reads `byteCount` bytes with pauses; resolves with their hash. */
async function hashing(stage: Scene, reader: ContractPeer, byteCount: number): Promise<string> {
  const hash = createHash("sha1");
  let seen = 0;
  let chunks = 0;
  reader.onAny = () => {
    for (const chunk of reader.bytes.splice(0)) {
      hash.update(chunk);
      seen += chunk.length;
      chunks++;
    }
    if (chunks % 16 !== 15) return;
    chunks++;
    reader.connection.pause();
    stage.network.clock.timer(1, () => reader.connection.resume());
  };
  await reader.until(() => seen >= byteCount);
  reader.onAny = null;
  assert.equal(seen, byteCount);
  return hash.digest("hex");
}

function digest(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}
