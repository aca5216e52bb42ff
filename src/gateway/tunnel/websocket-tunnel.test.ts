import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { writeClose, writeFrame, writePing } from "../../websocket/frame-writer.ts";
import { framesOf, openPairs, websocketHttp } from "../serve/drain.fixture.ts";
import type { Scene } from "../serve/drain.fixture.ts";
import { livelyWeather, steadyWeather } from "../simulation.fixture.ts";
import type { Simulation, SimulationOptions } from "../simulation.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const mask = 0x12_34_56_78;
const goingAway = writeClose(1001, "");
const atOnce = "websocket_drain 0 grace=20s;";

interface One {
  readonly simulation: Simulation;
  readonly client: Wire;
  readonly server: Wire;
}

async function openOne(options: Partial<SimulationOptions> & { directives?: string } = {}): Promise<One> {
  const { simulation, pairs }: Scene = await openPairs(1, { directives: atOnce, ...options });
  return { simulation, ...pairs[0]! };
}

/** Begins a graceful stop. The function tells whether it is over. */
function stop(simulation: Simulation): () => boolean {
  let stopped = false;
  void simulation.gateway.stopGracefully().then(() => (stopped = true));
  return () => stopped;
}

function logged(simulation: Simulation): string {
  const lines = simulation.errorLines.filter((line) => line.includes("proxying upgraded connection"));
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0]!, /\[info\]/);
  return lines[0]!.replace(/^.*?\*\d+ /, "").replace(/ while proxying.*$/, "");
}

describe("a WebSocket that is drained", () => {
  test("gets a close frame, and ends when both sides have answered", async () => {
    const { simulation, client, server } = await openOne();
    const stopped = stop(simulation);
    await simulation.advance(10);
    const { frames, closeCode } = framesOf(client, "server");
    assert.deepEqual({ frames, closeCode }, { frames: 1, closeCode: 1001 });
    assert.equal(server.inbox.length, 0);
    client.send(writeClose(1001, "", mask));
    await simulation.advance(10);
    // The server of a WebSocket ends the connection: here that is the gateway.
    assert.ok(client.finished);
    client.end();
    assert.equal(framesOf(server, "client").closeCode, 1001);
    // There, the gateway is the client, and waits.
    await simulation.advance(3_000);
    assert.ok(!server.finished);
    assert.ok(!stopped());
    server.send(writeClose(1001, ""));
    server.end();
    await simulation.advance(10);
    assert.ok(server.finished && stopped());
    assert.equal(server.closeCode, null);
    const why = "the process is stopping, WebSocket closed with code 1001: client answered";
    assert.equal(logged(simulation), why);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 1);
  });

  test("carries on to the server what the client sends before it answers", async () => {
    const { simulation, client, server } = await openOne();
    stop(simulation);
    await simulation.advance(10);
    client.send(writeFrame(1, Buffer.from("one more"), { mask }));
    server.send(writeFrame(1, Buffer.from("for nobody")));
    await simulation.advance(1_000);
    client.send(Buffer.concat([writeFrame(1, Buffer.from("last"), { mask }), writeClose(1001, "", mask)]));
    await simulation.advance(10);
    const { messages, closeCode } = framesOf(server, "client");
    assert.deepEqual({ messages, closeCode }, { messages: 2, closeCode: 1001 });
    assert.equal(framesOf(client, "server").frames, 1);
    await simulation.finish();
  });

  test("gets its close frame at the next frame boundary, wherever the frame is cut", async () => {
    const frame = writeFrame(1, Buffer.from("abc"), { fin: false });
    const next = writeFrame(0, Buffer.from("def"));
    for (let cut = 1; cut < frame.length; cut++) {
      const { simulation, client, server } = await openOne();
      server.send(frame.subarray(0, cut));
      await simulation.advance(10);
      stop(simulation);
      await simulation.advance(5_000);
      assert.equal(client.inbox.length, cut);
      // The message is not complete here; control frames may stand between its fragments.
      server.send(Buffer.concat([frame.subarray(cut), next]));
      await simulation.advance(10);
      assert.deepEqual(client.inbox, Buffer.concat([frame, writeClose(1001, "")]));
      await simulation.finish();
    }
  });

  test("gets its close frame between frames under load, through any cuts", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const one = await openOne({ seed, weather: livelyWeather });
      const { simulation, client, server } = one;
      const sizes = [0, 5, 125, 126, 3_000, 70_000];
      const down = sizes.map((size, n) => writeFrame(n === 0 ? 2 : 0, patternBytes(size, n), { fin: false }));
      const up = sizes.map((size, n) => writeFrame(2, patternBytes(size, n), { mask }));
      client.send(Buffer.concat(up));
      for (let round = 0; round < 5; round++)
        server.send(Buffer.concat([...down, writePing(Buffer.from("p"))]).subarray(round === 0 ? 0 : 2));
      await simulation.advance(seed * 7);
      stop(simulation);
      await simulation.until(() => client.inbox.subarray(-4).equals(goingAway));
      client.send(writeClose(1001, "", mask));
      await simulation.until(() => framesOf(server, "client").closeCode === 1001);
      assert.equal(framesOf(server, "client").messages, sizes.length);
      await simulation.finish();
    }
  });

  test("ends after the grace time when the client does not answer, and the server is told", async () => {
    const { simulation, client, server } = await openOne();
    const stopped = stop(simulation);
    await simulation.advance(19_990);
    assert.ok(!client.finished && server.inbox.length === 0);
    await simulation.advance(20);
    assert.ok(client.finished && server.finished);
    assert.equal(framesOf(server, "client").closeCode, 1001);
    assert.match(logged(simulation), /: client did not answer in time$/);
    client.end();
    server.end();
    await simulation.advance(10);
    assert.ok(stopped());
    await simulation.finish();
  });

  test("ends after the grace time when the frame under way does not end", async () => {
    const { simulation, client, server } = await openOne();
    server.send(writeFrame(2, Buffer.alloc(100)).subarray(0, 50));
    client.send(writeFrame(2, Buffer.alloc(100), { mask }).subarray(0, 50));
    await simulation.advance(10);
    stop(simulation);
    await simulation.advance(20_010);
    assert.ok(client.finished && server.finished);
    assert.equal(client.inbox.length, 50);
    assert.equal(server.inbox.length, 50);
    assert.match(logged(simulation), /: the server did not end its frame in time$/);
    await simulation.finish();
  });

  test("does not wait for ever for a server that does not end its connection", async () => {
    const { simulation, client, server } = await openOne();
    const stopped = stop(simulation);
    await simulation.advance(10);
    client.send(writeClose(1001, "", mask));
    client.end();
    await simulation.advance(20_050);
    assert.ok(server.finished);
    assert.ok(stopped());
    await simulation.finish();
  });

  test("whose client goes away without an answer tells the server", async () => {
    const { simulation, client, server } = await openOne();
    stop(simulation);
    await simulation.advance(10);
    client.end();
    await simulation.advance(10);
    assert.equal(framesOf(server, "client").closeCode, 1001);
    assert.match(logged(simulation), /: client closed connection$/);
    await simulation.finish();
  });

  for (const name of ["client", "server"] as const) {
    test(`gets no second close frame when the ${name} is closing already`, async () => {
      const { simulation, client, server } = await openOne();
      if (name === "client") client.send(writeClose(1000, "", mask));
      else server.send(writeClose(1000, ""));
      await simulation.advance(10);
      stop(simulation);
      await simulation.advance(1_000);
      if (name === "client") server.send(writeClose(1000, ""));
      else client.send(writeClose(1000, "", mask));
      await simulation.advance(10);
      const closes = [framesOf(client, "server"), framesOf(server, "client")];
      for (const { frames, closeCode } of closes)
        assert.deepEqual({ frames, closeCode }, { frames: 1, closeCode: 1000 });
      server.end();
      client.end();
      await simulation.finish();
    });
  }

  test("gets no second close frame when the server's own comes at the awaited boundary", async () => {
    const { simulation, client, server } = await openOne();
    const close = writeClose(4000, "own");
    server.send(close.subarray(0, 3));
    await simulation.advance(10);
    stop(simulation);
    server.send(close.subarray(3));
    await simulation.advance(10);
    assert.deepEqual(client.inbox, close);
    await simulation.finish();
  });

  test("gets its close frame behind all that a slow client has not taken yet", async () => {
    const { simulation, client, server } = await openOne({
      weather: { ...steadyWeather, kernelBytesMax: 50_000 },
    });
    const frames = Array.from({ length: 40 }, (_, n) => writeFrame(2, patternBytes(10_000, n)));
    client.readSlowly(20_000, 1_000);
    server.send(Buffer.concat(frames));
    await simulation.advance(2_500);
    const before = client.inbox.length;
    stop(simulation);
    await simulation.until(() => client.finished || framesOf(client, "server").closeCode !== 0);
    const { frames: count, closeCode } = framesOf(client, "server");
    assert.equal(closeCode, 1001);
    assert.ok(count > 2 && count < 41 && client.inbox.length > before);
    client.send(writeClose(1001, "", mask));
    await simulation.until(() => simulation.gateway.tunnels.size === 0);
    await simulation.finish();
  });

  test("is told at once when everything is dropped", async () => {
    const { simulation, client } = await openOne({ directives: "" });
    simulation.gateway.stopNow();
    await simulation.advance(10);
    assert.equal(framesOf(client, "server").closeCode, 1001);
    assert.ok(client.finished);
    await simulation.finish();
  });

  test("may be given a code of the user's", async () => {
    const { simulation, client } = await openOne({ directives: "websocket_drain 0 jitter=0 code=4321;" });
    stop(simulation);
    await simulation.advance(10);
    assert.equal(framesOf(client, "server").closeCode, 4321);
    await simulation.finish();
  });

  test("is closed for a restart when a reload removes its server, and others are not", async () => {
    const { simulation, client, server } = await openOne();
    await simulation.configure(websocketHttp(atOnce).replaceAll("9000", "9001") + server9000());
    await simulation.advance(1_000);
    assert.equal(client.inbox.length, 0);
    await simulation.configure(websocketHttp(atOnce).replaceAll("9000", "9001"));
    await simulation.advance(10);
    assert.equal(framesOf(client, "server").closeCode, 1012);
    client.send(writeClose(1012, "", mask));
    await simulation.advance(10);
    server.end();
    await simulation.advance(10);
    const why = "a reload removed the upstream server, WebSocket closed with code 1012: client answered";
    assert.equal(logged(simulation), why);
    await simulation.finish();
  });

  test("is closed for a restart when a reload removes its listening socket", async () => {
    const { simulation, client } = await openOne();
    const kept = simulation.client();
    kept.send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(10);
    await simulation.configure(websocketHttp(atOnce).replaceAll(":80;", ":81;"));
    await simulation.advance(10);
    assert.equal(framesOf(client, "server").closeCode, 1012);
    assert.ok(kept.finished);
    await simulation.finish();
  });
});

/** Another server block that keeps the first origin in the configuration. */
function server9000(): string {
  return "server { listen 10.0.0.1:82; location / { proxy_pass http://10.0.0.9:9000; } }";
}

describe("a WebSocket that its two ends have closed", () => {
  test("ends with the server's connection, without waiting for the client's", async () => {
    const { simulation, client, server } = await openOne();
    client.send(writeClose(1000, "", mask));
    await simulation.advance(10);
    server.send(writeClose(1000, ""));
    server.end();
    await simulation.advance(10);
    assert.equal(framesOf(client, "server").closeCode, 1000);
    assert.ok(client.finished);
    assert.equal(client.closeCode, null);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
  });

  test("is given time by a gateway that has not seen both close frames", async () => {
    const { simulation, client, server } = await openOne();
    server.send(writeClose(1000, ""));
    server.end();
    await simulation.advance(10);
    assert.ok(client.finished);
    assert.equal(simulation.gateway.connections.size, 1);
    client.send(writeClose(1000, "", mask));
    client.end();
    await simulation.advance(10);
    assert.equal(client.closeCode, null);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
  });
});
