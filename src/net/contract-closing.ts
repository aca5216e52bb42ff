import assert from "node:assert/strict";
import { patternBytes, type ContractPeer } from "./contract-peer.ts";
import { scene, type MakeSubject } from "./contract-scene.ts";

const mebibyte = 1024 * 1024;

/** Half-close, reset, close, and what follows them. */
export function testClosing(make: MakeSubject): void {
  testHalfClose(make);
  testResets(make);

  scene("close tells the owner once and later, and the peer as an end or a reset", make, async (stage) => {
    const { client, server } = await stage.pair();
    client.connection.close();
    assert.equal(client.connection.open, false);
    assert.equal(client.closes.length, 0, "onClose came from inside close()");
    await client.closed();
    await server.until(() => server.ends + server.closes.length > 0);
    client.connection.close();
    await stage.pass(20);
    assert.deepEqual(client.closes, [null]);
    assert.equal(client.ends, 0);
  });

  scene("every method is harmless after the close", make, async (stage) => {
    const { client } = await stage.pair();
    client.connection.close();
    await client.closed();
    pokeAll(client);
    await stage.pass(10);
    pokeAll(client);
    assert.deepEqual(client.closes, [null]);
    assert.equal(client.ends + client.drains, 0);
    assert.equal(stage.subject.internalErrors.length, 0);
  });

  scene("closing inside onData ends the data", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.onAny = () => {
      server.connection.close();
      assert.equal(server.closes.length, 0);
      server.onAny = null;
    };
    client.connection.send(patternBytes(mebibyte, 5));
    await server.closed();
    await client.closed();
    assert.equal(server.bytes.length, 1);
    assert.deepEqual(server.closes, [null]);
    assert.equal(server.ends, 0);
  });

  scene("a send after the peer is gone ends in one close", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.connection.reset();
    await server.closed();
    for (let i = 0; i < 5; i++) {
      client.connection.send(Buffer.from("anyone?"));
      await stage.pass(5);
    }
    await client.closed();
    assert.equal(client.closes.length, 1);
    assert.equal(client.connection.open, false);
  });
}

function testHalfClose(make: MakeSubject): void {
  for (const first of ["client", "server"] as const) {
    scene(`after a shutdown by the ${first} the other side may go on`, make, async (stage) => {
      const { client, server } = await stage.pair();
      const [early, late] = first === "client" ? [client, server] : [server, client];
      early.connection.send(Buffer.from("question"));
      early.connection.shutdown();
      early.connection.shutdown();
      await late.until(() => late.ends === 1);
      assert.equal(late.text, "question");
      assert.equal(late.closes.length, 0);
      late.connection.send(patternBytes(mebibyte, 9));
      late.connection.shutdown();
      await early.closed();
      await late.closed();
      assert.ok(Buffer.concat(early.bytes).equals(patternBytes(mebibyte, 9)));
      assert.deepEqual([early.ends, late.ends], [1, 1]);
      assert.deepEqual([early.closes, late.closes], [[null], [null]]);
    });
  }

  scene("a shutdown with bytes in the queue loses none of them", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.connection.pause();
    const payload = patternBytes(6 * mebibyte, 4);
    client.connection.send(payload);
    assert.ok(client.connection.queued > 0);
    client.connection.shutdown();
    server.connection.resume();
    await server.until(() => server.ends === 1);
    assert.ok(Buffer.concat(server.bytes).equals(payload));
  });

  scene("sends after a shutdown are dropped", make, async (stage) => {
    const { client, server } = await stage.pair();
    client.connection.send(Buffer.from("last"));
    client.connection.shutdown();
    client.connection.send(Buffer.from("never"));
    await server.until(() => server.ends === 1);
    assert.equal(server.text, "last");
    assert.equal(client.connection.open, true);
  });
}

function testResets(make: MakeSubject): void {
  scene("a reset reaches the peer as ECONNRESET, without an end", make, async (stage) => {
    const { client, server } = await stage.pair();
    client.connection.reset();
    assert.equal(client.connection.open, false);
    assert.equal(client.closes.length, 0, "onClose came from inside reset()");
    await server.closed();
    await client.closed();
    assert.deepEqual(server.closes, ["ECONNRESET"]);
    assert.deepEqual(client.closes, [null]);
    assert.equal(server.ends + client.ends, 0);
    assert.equal(server.connection.open, false);
  });

  scene("a reset while paused is told at the latest after resume", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.connection.pause();
    client.connection.send(Buffer.from("unread"));
    while (client.connection.queued > 0) await stage.pass(1);
    await stage.pass(10);
    client.connection.reset();
    await client.closed();
    await stage.pass(10);
    server.connection.resume();
    await server.closed();
    assert.deepEqual(server.closes, ["ECONNRESET"]);
    assert.equal(server.ends, 0);
  });

  scene("a reset drops what is queued", make, async (stage) => {
    const { client, server } = await stage.pair();
    server.connection.pause();
    client.connection.send(Buffer.alloc(16 * mebibyte));
    assert.ok(client.connection.queued > 0);
    client.connection.reset();
    await client.closed();
    assert.equal(client.drains, 0);
    server.connection.resume();
    await server.closed();
    assert.ok(server.byteCount < 16 * mebibyte);
  });
}

function pokeAll(peer: ContractPeer): void {
  const { connection } = peer;
  assert.equal(connection.send(Buffer.from("late")), false);
  connection.pause();
  connection.resume();
  connection.setKeepAlive(true, 60);
  connection.shutdown();
  connection.reset();
  connection.close();
  assert.equal(connection.open, false);
}
