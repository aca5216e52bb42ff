import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, incomplete, response } from "../wire.fixture.ts";

const http = `
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://10.0.0.9:9000; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
    location /own { return 200 "own"; }
  }`;

async function begin(): Promise<Simulation> {
  const simulation = await Simulation.start({ http, weather: stillWeather });
  await simulation.origin(9000, (wire) =>
    answering(wire, (request) => {
      if (request.fields.has("upgrade")) return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
      simulation.network.clock.timer(5_000, () => wire.send(response("200 OK", "late")));
      return null;
    }),
  );
  return simulation;
}

describe("a graceful stop", () => {
  test("closes kept connections at once, and the others after their answer", async () => {
    const simulation = await begin();
    const [fresh, kept, busy] = [simulation.client(), simulation.client(), simulation.client()];
    kept.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /own/not-served HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(1_000);
    await simulation.stopListening();
    let stopped = false;
    void simulation.gateway.stopGracefully().then(() => (stopped = true));
    await simulation.advance(3_000);
    assert.equal(kept.endedAt, 1_000);
    assert.equal(busy.endedAt, null);
    assert.equal(stopped, false);
    assert.equal(fresh.endedAt, null);
    fresh.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(1_000);
    assert.match(fresh.text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*own$/);
    assert.notEqual(fresh.endedAt, null);
    assert.equal(busy.endedAt, 5_000);
    assert.match(busy.text, /\r\nConnection: close\r\n[^]*late$/);
    assert.ok(stopped);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 3);
  });

  test("waits for tunnels, and for what is queued at their end", async () => {
    const simulation = await begin();
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    await simulation.until(() => client.take() !== incomplete);
    let stopped = false;
    void simulation.gateway.stopGracefully().then(() => (stopped = true));
    await simulation.advance(50_000);
    assert.equal(stopped, false);
    client.end();
    await simulation.advance(10);
    assert.ok(stopped);
    await simulation.finish();
  });

  test("is over at once when everything is dropped", async () => {
    const simulation = await begin();
    const [tunnel, busy, reading] = [simulation.client(), simulation.client(), simulation.client()];
    tunnel.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    reading.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    await simulation.advance(1_000);
    await simulation.stopListening();
    simulation.gateway.stopNow();
    await simulation.advance(0);
    simulation.assertNothingOpen();
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 3);
  });
});
