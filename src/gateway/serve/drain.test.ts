import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { writeClose } from "../../websocket/frame-writer.ts";
import { framesOf, openPairs, watchCloses } from "./drain.fixture.ts";
import type { Pair } from "./drain.fixture.ts";
import type { Simulation } from "../simulation.fixture.ts";

const mask = 7;

/** Clients and servers close as RFC 6455 wants, as soon as they are told. */
function answerCloses(simulation: Simulation, pairs: readonly Pair[]): (number | null)[] {
  const times = watchCloses(simulation, pairs);
  for (const [index, { client, server }] of pairs.entries()) {
    const note = client.onBytes!;
    client.endsAlong = true;
    client.onBytes = () => {
      note();
      if (times[index] === simulation.now) client.send(writeClose(1001, "", mask));
    };
    server.onBytes = () => {
      if (framesOf(server, "client").closeCode === 0) return;
      server.send(writeClose(1001, ""));
      server.end();
    };
  }
  return times;
}

function sorted(times: readonly (number | null)[]): number[] {
  assert.ok(times.every((time) => time !== null));
  return times.map((time) => time!).sort((a, b) => a - b);
}

describe("the close frames of a drain", () => {
  test("are spread evenly over the window, in another order than the clients came in", async () => {
    const { simulation, pairs } = await openPairs(200, { directives: "websocket_drain 20s jitter=0;" });
    const times = answerCloses(simulation, pairs);
    const start = simulation.now;
    let stopped = false;
    void simulation.gateway.stopGracefully().then(() => (stopped = true));
    await simulation.advance(20_000);
    const inOrder = sorted(times);
    for (const [index, time] of inOrder.entries()) {
      assert.ok(Math.abs(time - start - index * 100) <= 1, `number ${index} after ${time - start} ms`);
    }
    assert.notDeepEqual(times, inOrder);
    assert.ok(stopped);
    await simulation.finish();
  });

  test("are put off by chance, by up to the jitter", async () => {
    const { simulation, pairs } = await openPairs(100, { directives: "websocket_drain 10s jitter=5s;" });
    const times = answerCloses(simulation, pairs);
    const start = simulation.now;
    void simulation.gateway.stopGracefully();
    await simulation.advance(20_000);
    const after = sorted(times).map((time) => time - start);
    assert.ok(after.at(-1)! > 10_000 && after.at(-1)! <= 15_001);
    assert.notEqual(new Set(after.map((time) => time % 100)).size, 1);
    await simulation.finish();
  });

  test("do not come without websocket_drain, nor with it off: the tunnels live on", async () => {
    for (const directives of ["", "websocket_drain off;"]) {
      const { simulation, pairs } = await openPairs(3, { directives });
      let stopped = false;
      void simulation.gateway.stopGracefully().then(() => (stopped = true));
      await simulation.advance(3_000_000);
      for (const { client } of pairs) assert.equal(client.inbox.length, 0);
      assert.equal(stopped, false);
      await simulation.finish();
    }
  });

  test("come in the last part of worker_shutdown_timeout without websocket_drain", async () => {
    const { simulation, pairs } = await openPairs(50);
    const times = answerCloses(simulation, pairs);
    const start = simulation.now;
    void simulation.gateway.stopGracefully(40_000);
    await simulation.advance(41_000);
    const after = sorted(times).map((time) => time - start);
    assert.ok(after[0]! >= 30_000 && after[0]! < 30_200, `${after[0]}`);
    assert.ok(after.at(-1)! > 37_000 && after.at(-1)! <= 37_501, `${after.at(-1)}`);
    await simulation.finish();
  });

  test("come before worker_shutdown_timeout drops what is left, however long the window", async () => {
    const { simulation, pairs } = await openPairs(50, { directives: "websocket_drain 10m;" });
    const times = watchCloses(simulation, pairs);
    const start = simulation.now;
    void simulation.gateway.stopGracefully(8_000);
    await simulation.advance(7_999);
    assert.ok(sorted(times).at(-1)! - start <= 6_001);
    assert.equal(simulation.gateway.tunnels.size, 50);
    await simulation.advance(2);
    simulation.assertNothingOpen();
    await simulation.finish();
  });

  test("come to WebSockets, too, that are opened while the process is stopping", async () => {
    const { simulation, pairs } = await openPairs(1, { directives: "websocket_drain 5s;" });
    const late = simulation.client();
    late.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n");
    await simulation.advance(100);
    void simulation.gateway.stopGracefully();
    late.send("Connection: upgrade\r\n\r\n");
    await simulation.advance(10_000);
    assert.equal(framesOf(pairs[0]!.client, "server").closeCode, 1001);
    assert.deepEqual(late.inbox.subarray(-4), writeClose(1001, ""));
    await simulation.finish();
  });
});
