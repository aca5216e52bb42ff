import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { writeClose, writeFrame } from "../../websocket/frame-writer.ts";
import { framesOf, openPairs, websocketHttp } from "../serve/drain.fixture.ts";
import type { Pair, Scene } from "../serve/drain.fixture.ts";

const mask = 0x01_02_03_04;

async function openOne(directives: string): Promise<Pair & Pick<Scene, "simulation">> {
  const { simulation, pairs } = await openPairs(1, { directives });
  return { simulation, ...pairs[0]! };
}

describe("a WebSocket that a reload finds open", () => {
  test("is silent for as long as the new configuration lets it", async () => {
    const { simulation, client } = await openOne("");
    await simulation.advance(100_000);
    await simulation.configure(websocketHttp("").replace("proxy_read_timeout 1h", "proxy_read_timeout 120s"));
    await simulation.advance(19_000);
    assert.ok(!client.finished);
    await simulation.advance(1_500);
    assert.ok(client.finished);
    const { closeCode, closeReason } = framesOf(client, "server");
    assert.deepEqual([closeCode, closeReason], [1001, "proxy_read_timeout 120s"]);
    await simulation.finish();
  });

  test("lives longer if it may", async () => {
    const short = websocketHttp("").replace("proxy_read_timeout 1h", "proxy_read_timeout 60s");
    const { simulation, pairs } = await openPairs(1, { http: short });
    await simulation.advance(30_000);
    await simulation.configure(websocketHttp(""));
    await simulation.advance(3_500_000);
    assert.ok(!pairs[0]!.client.finished);
    await simulation.finish();
  });

  test("is pinged from then on, and not any more when the next one takes that back", async () => {
    const { simulation, client } = await openOne("");
    client.send(writeFrame(1, Buffer.from("before"), { mask }).subarray(0, 3));
    await simulation.advance(10);
    await simulation.configure(websocketHttp("websocket_ping 10s jitter=0 timeout=5m;"));
    client.send(writeFrame(1, Buffer.from("before"), { mask }).subarray(3));
    await simulation.advance(11_000);
    assert.equal(framesOf(client, "server").pings, 1);
    client.send(writeFrame(1, Buffer.from("after"), { mask }));
    await simulation.configure(websocketHttp(""));
    await simulation.advance(60_000);
    assert.equal(framesOf(client, "server").pings, 1);
    await simulation.finish();
  });

  test("is limited from then on, and what was held back goes on when there is no limit any more", async () => {
    const { simulation, client, server } = await openOne("");
    await simulation.configure(websocketHttp("websocket_limit_rate messages=1/m burst=0;"));
    for (const text of ["one", "two", "three"]) client.send(writeFrame(1, Buffer.from(text), { mask }));
    await simulation.advance(1_000);
    assert.equal(framesOf(server, "client").messages, 1);
    await simulation.configure(websocketHttp(""));
    await simulation.advance(10);
    assert.equal(framesOf(server, "client").messages, 3);
    client.send(writeClose(1000, "", mask));
    await simulation.advance(10);
    assert.equal(framesOf(server, "client").closeCode, 1000);
    await simulation.finish();
  });

  test("has a new age, counted from its beginning", async () => {
    const { simulation, client } = await openOne("");
    await simulation.advance(50_000);
    await simulation.configure(websocketHttp("websocket_max_age 60s;"));
    await simulation.advance(9_000);
    assert.equal(framesOf(client, "server").closeCode, 0);
    await simulation.advance(1_500);
    assert.equal(framesOf(client, "server").closeCode, 1001);
    await simulation.finish();
  });

  test("keeps what it has where its location is gone", async () => {
    const { simulation, client } = await openOne("websocket_ping 10s jitter=0 timeout=5m;");
    const moved = websocketHttp("").replace("location / {", "location /elsewhere {");
    await simulation.configure(moved);
    await simulation.configure(moved);
    await simulation.advance(11_000);
    assert.equal(framesOf(client, "server").pings, 1);
    await simulation.finish();
  });
});
