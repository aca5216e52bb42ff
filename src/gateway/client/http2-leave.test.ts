import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cancel, noError, protocolError } from "../../http2/error-code.ts";
import { HTTP2_PREFACE } from "../../http/preface.ts";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, steadyWeather } from "../simulation.fixture.ts";
import { answering, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";
import { Http2SimulatedClient } from "./http2-client.fixture.ts";

const timeouts = `
  http2 on;
  keepalive_timeout 20s; client_header_timeout 5s; client_body_timeout 7s; send_timeout 9s;`;
const locations = `
  location / { proxy_pass http://10.0.0.9:9000; proxy_read_timeout 1h; }
  location /own { return 200 "own answer"; }
  location /gone { return 444; }`;

const http = `${timeouts} server { listen 10.0.0.1:80; ${locations} }`;

async function start(directives = ""): Promise<Simulation> {
  return await Simulation.start({ http: directives + http });
}

/** Answers when it is told to. */
async function slowOrigin(simulation: Simulation, body = Buffer.from("late")): Promise<() => void> {
  const waiting: Wire[] = [];
  await simulation.origin(9000, (wire) =>
    answering(wire, () => {
      waiting.push(wire);
      return Buffer.alloc(0);
    }),
  );
  return () => {
    for (const wire of waiting.splice(0)) wire.send(response("200 OK", body));
  };
}

describe("an HTTP/2 connection ends", () => {
  test("after keepalive_requests, when those that have come are answered", async () => {
    const simulation = await start("keepalive_requests 3;");
    const answer = await slowOrigin(simulation);
    const client = new Http2SimulatedClient(simulation);
    const first = client.ask("/slow");
    const others = [client.ask("/own"), client.ask("/own")];
    await simulation.until(() => client.goAways.length > 0 && others.every(({ done }) => done));
    assert.deepEqual(client.goAways, [[5, noError]]);
    assert.equal(client.session.canOpen, false);
    assert.equal(client.wire.over, false);
    answer();
    await simulation.until(() => client.wire.over);
    assert.equal(first.answer.body, "late");
    await simulation.finish();
  });

  test("after keepalive_timeout without a request, with GOAWAY", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/own");
    await simulation.until(() => asked.done);
    await simulation.advance(19_000);
    // Other frames do not prolong it.
    client.session.ping(1);
    client.session.flush();
    await simulation.advance(500);
    assert.equal(client.wire.over, false);
    await simulation.advance(600);
    assert.deepEqual(client.goAways, [[1, noError]]);
    assert.equal(client.wire.finished, true);
    await simulation.finish();
  });

  test("a request that takes long is not cut by it", async () => {
    const simulation = await start();
    const answer = await slowOrigin(simulation);
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/slow");
    await simulation.advance(100_000);
    answer();
    await simulation.until(() => asked.done);
    assert.equal(asked.answer.body, "late");
    await simulation.finish();
  });

  test("when the first request, or the rest of a frame, does not come within client_header_timeout", async () => {
    const simulation = await start();
    const silent = new Http2SimulatedClient(simulation);
    const cut = new Http2SimulatedClient(simulation);
    const asked = cut.ask("/own");
    await simulation.until(() => asked.done);
    cut.wire.send(Buffer.from([0, 0, 8, 6]));
    const partial = simulation.client();
    partial.send(HTTP2_PREFACE.subarray(0, 5));
    await simulation.advance(4_900);
    assert.deepEqual([silent.wire.finished, cut.wire.finished, partial.finished], [false, false, false]);
    await simulation.advance(200);
    assert.deepEqual([silent.wire.finished, cut.wire.finished, partial.finished], [true, true, true]);
    const lines = simulation.errorLines.filter((line) => line.includes("client timed out"));
    assert.equal(lines.filter((line) => line.includes("while processing HTTP/2 connection")).length, 1);
    assert.deepEqual(silent.goAways, [[0, noError]]);
    assert.deepEqual(cut.goAways, [[1, protocolError]]);
    await simulation.finish();
  });

  test("when the client does: its requests end with 499", async () => {
    const simulation = await start();
    await slowOrigin(simulation);
    const client = new Http2SimulatedClient(simulation);
    client.ask("/one");
    client.ask("/two");
    await simulation.advance(100);
    client.wire.end();
    await simulation.advance(100);
    assert.deepEqual(
      simulation.accessLines.map((line) => line.split(" ")[2]),
      ["499", "499"],
    );
    assert.ok(
      simulation.errorLines.some((line) =>
        line.includes("client prematurely closed connection while processing HTTP/2 connection"),
      ),
    );
    await simulation.finish();
  });

  test("at a graceful stop: streams go on to their ends, idle connections close", async () => {
    const simulation = await start();
    const answer = await slowOrigin(simulation);
    const busy = new Http2SimulatedClient(simulation);
    const idle = new Http2SimulatedClient(simulation);
    const asked = busy.ask("/slow");
    const kept = idle.ask("/own");
    await simulation.until(() => kept.done);
    await simulation.advance(10);
    const stopped = simulation.gateway.stopGracefully();
    await simulation.advance(100);
    assert.equal(idle.wire.finished, true);
    assert.deepEqual(idle.goAways, [[1, noError]]);
    // First a GOAWAY that refuses nothing, then the one that counts.
    assert.deepEqual(busy.goAways, [
      [2 ** 31 - 1, noError],
      [1, noError],
    ]);
    assert.equal(busy.wire.finished, false);
    answer();
    await simulation.until(() => busy.wire.finished);
    assert.equal(asked.answer.body, "late");
    await simulation.advance(100);
    await stopped;
    await simulation.finish();
  });

  test("when everything is dropped: the client is told which requests were looked at", async () => {
    const simulation = await start();
    await slowOrigin(simulation);
    const client = new Http2SimulatedClient(simulation);
    client.ask("/slow");
    await simulation.advance(10);
    simulation.gateway.stopNow();
    await simulation.until(() => client.wire.finished, 100);
    assert.deepEqual(client.goAways, [[1, noError]]);
    await simulation.finish();
  });

  test("when others need its place and it is idle, with GOAWAY", async () => {
    const simulation = await Simulation.start({ http, events: "worker_connections 6;" });
    const oldest = new Http2SimulatedClient(simulation);
    const unused = new Http2SimulatedClient(simulation);
    const asked = oldest.ask("/own");
    await simulation.until(() => asked.done);
    for (let index = 0; index < 4; index++) {
      const other = new Http2SimulatedClient(simulation).ask("/own");
      await simulation.until(() => other.done);
    }
    await simulation.until(() => oldest.wire.finished && unused.wire.finished, 100);
    assert.deepEqual([oldest.goAways, unused.goAways], [[[1, noError]], [[0, noError]]]);
    simulation.errorLines.length = 0;
    await simulation.finish();
  });

  test("after a reload without its listener", async () => {
    const simulation = await start();
    const answer = await slowOrigin(simulation);
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/slow");
    await simulation.advance(10);
    await simulation.configure(`${timeouts} server { listen 10.0.0.1:81; ${locations} }`);
    await simulation.advance(100);
    assert.equal(client.goAways.length, 2);
    answer();
    await simulation.until(() => client.wire.finished);
    assert.equal(asked.answer.body, "late");
    await simulation.finish();
  });

  test("a reload that keeps it holds from the next request on", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const before = client.ask("/own");
    await simulation.until(() => before.done);
    await simulation.configure(http.replace("own answer", "other answer"));
    const after = client.ask("/own");
    await simulation.until(() => after.done);
    assert.deepEqual([before.answer.body, after.answer.body], ["own answer", "other answer"]);
    await simulation.finish();
  });
});

describe("a stream ends", () => {
  test("when its body does not come within client_body_timeout, and no other does", async () => {
    const simulation = await start();
    await slowOrigin(simulation);
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/slow", { method: "POST", body: null });
    asked.owner.sender!.push(Buffer.from("some"));
    client.session.flush();
    await simulation.advance(6_900);
    assert.equal(asked.done, false);
    const other = client.ask("/own");
    await simulation.until(() => asked.done && other.done, 300);
    assert.deepEqual(asked.answer.reset, [protocolError, "peer"]);
    assert.equal(other.answer.status, 200);
    assert.ok(simulation.accessLines.some((line) => line.startsWith("POST /slow 408 ")));
    await simulation.finish();
  });

  test("when its answer is not taken for send_timeout, and no other does", async () => {
    const simulation = await Simulation.start({ http, weather: steadyWeather });
    await simulation.origin(9000, (wire) =>
      answering(wire, () => response("200 OK", patternBytes(300_000, 1))),
    );
    const client = new Http2SimulatedClient(simulation);
    const stalled = client.ask("/big", { consumesAtOnce: false });
    await simulation.advance(8_900);
    assert.equal(stalled.done, false);
    await simulation.advance(300);
    assert.deepEqual(stalled.answer.reset, [protocolError, "peer"]);
    const other = client.ask("/big");
    await simulation.until(() => other.done);
    assert.equal(other.answer.body.length, 300_000);
    await simulation.finish();
  });

  test("unanswered where the configuration says so", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/gone");
    await simulation.until(() => asked.done);
    assert.deepEqual(asked.answer.reset, [protocolError, "peer"]);
    await simulation.finish();
  });

  test("without an error when nobody wants the rest of its body", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/own", { method: "POST", body: patternBytes(500_000, 1) });
    await simulation.until(() => asked.answer.reset !== null);
    assert.equal(asked.answer.body, "own answer");
    assert.deepEqual(asked.answer.reset, [noError, "peer"]);
    await simulation.finish();
  });

  test("a client that does not read at all has its connection closed, and holds no more than its streams", async () => {
    const simulation = await Simulation.start({ http, weather: steadyWeather });
    const client = new Http2SimulatedClient(simulation);
    await simulation.until(() => client.wire.connection !== null);
    client.wire.connection!.pause();
    for (let round = 0; round < 40; round++) {
      for (let index = 0; index < 100 && client.session.canOpen; index++)
        client.ask("/own", { method: "HEAD" });
      await simulation.advance(5);
    }
    const queued = simulation.ends[0]!.queued;
    assert.ok(queued < 200_000, `${queued} bytes are held`);
    await simulation.advance(30_000);
    assert.equal(simulation.ends[0]!.open, false);
    await simulation.finish();
  });

  test("a reset that comes while the answer waits for a slow client frees everything", async () => {
    const simulation = await Simulation.start({ http, weather: steadyWeather });
    await simulation.origin(9000, (wire) =>
      answering(wire, () => response("200 OK", patternBytes(300_000, 1))),
    );
    const client = new Http2SimulatedClient(simulation);
    const stalled = client.ask("/big", { consumesAtOnce: false });
    await simulation.advance(1_000);
    stalled.stream.reset(cancel);
    client.session.flush();
    await simulation.advance(1_000);
    assert.match(simulation.accessLines[0]!, /^GET \/big 200 /);
    await simulation.finish();
  });
});
