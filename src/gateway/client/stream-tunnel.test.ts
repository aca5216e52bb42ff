import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noError } from "../../http2/error-code.ts";
import { patternBytes } from "../../net/contract-peer.ts";
import { OPCODE_BINARY, OPCODE_TEXT } from "../../websocket/frames.ts";
import { writeClose, writeFrame } from "../../websocket/frame-writer.ts";
import { acceptFor } from "../../websocket/accept.ts";
import { Simulation, livelyWeather, steadyWeather, stillWeather } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { answering } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";
import { StreamClient } from "./stream-wire.fixture.ts";

const http = `
  http2 on;
  http2_extended_connect on;
  accept_extended_connect on;
  send_timeout 13s;
  proxy_send_timeout 29s;
  proxy_read_timeout 31s;
  keepalive_timeout 10s;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    location / {
      proxy_pass http://origin;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }`;

/** WebSockets on one connection of a client, their handshakes over. */
interface Joined {
  readonly simulation: Simulation;
  readonly client: StreamClient;
  readonly pairs: readonly { readonly client: Wire; readonly server: Wire }[];
}

interface JoinOptions extends Partial<SimulationOptions> {
  readonly count?: number;
  /** What each side sends before the handshake is over for it. */
  readonly fromClient?: Buffer;
  readonly fromServer?: Buffer;
}

async function join({ count = 1, fromClient, fromServer, ...options }: JoinOptions = {}): Promise<Joined> {
  const simulation = await Simulation.start({ http, weather: stillWeather, ...options });
  const servers = new Map<string, Wire>();
  await simulation.origin(9000, (wire) =>
    answering(wire, ({ fields }) => {
      servers.set(fields.get("x-number")!, wire);
      wire.onBytes = null;
      wire.endsAlong = false;
      const accept = acceptFor(fields.get("sec-websocket-key")!);
      const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
      return Buffer.concat([Buffer.from(head), fromServer ?? Buffer.alloc(0)]);
    }),
  );
  const client = new StreamClient(simulation);
  const openings = Array.from({ length: count }, (_, number) =>
    client.open({ "x-number": String(number) }, fromClient),
  );
  for (const { wire } of openings) wire.endsAlong = false;
  await simulation.until(() => openings.every((opening) => opening.answered));
  assert.deepEqual(new Set(openings.map(({ answer }) => answer.status)), new Set([200]));
  const pairs = openings.map(({ wire }, number) => ({ client: wire, server: servers.get(String(number))! }));
  return { simulation, client, pairs };
}

function logged(simulation: Simulation): string {
  const lines = simulation.errorLines.filter((line) => line.includes("proxying upgraded connection"));
  assert.equal(lines.length, 1, lines.join("\n"));
  return lines[0]!.replace(/^.*?\*\d+ /, "").replace(/ while proxying.*$/, "");
}

const writeText = (text: string): Buffer => writeFrame(OPCODE_TEXT, Buffer.from(text));

const sides = [
  ["client", ({ pairs: [pair] }: Joined) => ({ leaver: pair!.client, other: pair!.server })],
  ["upstream", ({ pairs: [pair] }: Joined) => ({ leaver: pair!.server, other: pair!.client })],
] as const;

describe("WebSockets over HTTP/2", () => {
  test("carry all bytes both ways in order, several on a connection, what came early included", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const early = seed % 3 === 0 ? 0 : seed * 100;
      const up = patternBytes(100_000 + seed, seed);
      const down = patternBytes(160_000 + seed, -seed);
      const { simulation, pairs } = await join({
        seed,
        count: 1 + (seed % 4),
        weather: livelyWeather,
        fromClient: up.subarray(0, early),
        fromServer: down.subarray(0, early),
      });
      for (const [index, { client, server }] of pairs.entries()) {
        client.send(up.subarray(early));
        server.send(down.subarray(early));
        if ((index + seed) % 2 === 0) client.readSlowly(20_000, 100);
        else server.readSlowly(20_000, 100);
      }
      await simulation.until(() =>
        pairs.every(
          ({ client, server }) => client.inbox.length >= down.length && server.inbox.length >= up.length,
        ),
      );
      for (const { client, server } of pairs)
        assert.ok(client.inbox.equals(down) && server.inbox.equals(up), `seed ${seed}`);
      await simulation.finish();
      assert.deepEqual(
        new Set(simulation.accessLines.map((line) => line.replace(/\d{4,}/, "N"))),
        new Set(["GET / 200 N 101"]),
      );
    }
  });

  test("that nobody uses end after proxy_read_timeout, their connection after keepalive_timeout", async () => {
    const { simulation, client, pairs } = await join();
    const [pair] = pairs;
    await simulation.advance(30_000);
    pair!.client.send("x");
    await simulation.advance(30_000);
    pair!.server.send("y");
    await simulation.advance(30_999);
    assert.equal(pair!.client.endedAt, null);
    await simulation.advance(1);
    assert.deepEqual([pair!.client.endedAt, pair!.server.endedAt], [91_000, 91_000]);
    assert.equal(logged(simulation), "upstream timed out (110: Connection timed out)");
    pair!.client.end();
    await simulation.advance(9_999);
    assert.equal(client.client.wire.finished, false);
    await simulation.advance(1);
    await simulation.until(() => client.client.wire.finished, 6_000);
    await simulation.finish();
  });

  for (const [name, of] of sides) {
    test(`end with the end of the ${name}; what it sent before is delivered first`, async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const joined = await join({ seed, weather: livelyWeather });
        const { simulation } = joined;
        const { leaver, other } = of(joined);
        const bytes = writeFrame(OPCODE_BINARY, patternBytes(130_000, seed), {
          mask: name === "client" ? seed : null,
        });
        other.readSlowly(13_000, 50);
        leaver.send(bytes);
        leaver.end();
        await simulation.until(() => other.finished);
        assert.ok(other.inbox.subarray(0, bytes.length).equals(bytes), `seed ${seed}`);
        // A client that is left by the server is told.
        const rest = other.inbox.subarray(bytes.length);
        assert.deepEqual(
          [rest[0], rest.length > 3 ? rest.readUInt16BE(2) : 0],
          name === "client" ? [undefined, 0] : [0x88, 1014],
        );
        assert.equal(other.closeCode, null);
        assert.equal(logged(simulation), `${name} closed connection`);
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1);
      }
    });

    test(`end with a reset of the ${name}, and no other does`, async () => {
      const joined = await join({ count: 2 });
      const { simulation, pairs } = joined;
      const { leaver, other } = of(joined);
      leaver.connection!.reset();
      await simulation.advance(0);
      assert.equal(other.endedAt, 0);
      assert.equal(logged(simulation), "recv() failed (104: Connection reset by peer)");
      pairs[1]!.client.send("still here");
      await simulation.until(() => pairs[1]!.server.text === "still here");
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 2);
    });

    test(`hold little of what the ${name} sends faster than the other side reads`, async () => {
      const joined = await join({ weather: { ...steadyWeather, kernelBytesMax: 50_000 } });
      const { simulation } = joined;
      const { leaver, other } = of(joined);
      const bytes = patternBytes(2_000_000, 5);
      other.readSlowly(40_000, 1_000);
      leaver.send(bytes);
      let queuedMax = 0;
      await simulation.until(() => {
        queuedMax = Math.max(queuedMax, ...simulation.ends.map((end) => end.queued));
        return other.inbox.length >= bytes.length;
      });
      assert.ok(queuedMax < 200_000, `${queuedMax} bytes were queued`);
      assert.ok(other.inbox.equals(bytes));
      await simulation.finish();
    });

    test(`end when the other side takes nothing of what the ${name} sends`, async () => {
      const joined = await join({ count: 2, weather: { ...steadyWeather, kernelBytesMax: 50_000 } });
      const { simulation, pairs } = joined;
      const { leaver, other } = of(joined);
      const start = simulation.now;
      other.connection!.pause();
      leaver.send(Buffer.alloc(1_000_000));
      await simulation.until(() => simulation.gateway.tunnels.size === 1);
      const limitMs = name === "client" ? 29_000 : 13_000;
      const tookMs = simulation.now - start;
      assert.ok(tookMs >= limitMs && tookMs < limitMs + 1000, `after ${tookMs} ms`);
      const stalled = name === "client" ? "upstream" : "client";
      assert.equal(logged(simulation), `${stalled} timed out (110: Connection timed out)`);
      // The connection is none the worse for it.
      pairs[1]!.client.send("still here");
      await simulation.until(() => pairs[1]!.server.text === "still here");
      await simulation.finish();
    });
  }

  test("whose client ends its stream with its close frame, as browsers do, get the server's answer", async () => {
    const { simulation, pairs } = await join({ count: 2 });
    const [{ client, server }, silent] = pairs as [Joined["pairs"][number], Joined["pairs"][number]];
    for (const pair of pairs) {
      pair.client.send(writeClose(4003, "bye", 1));
      pair.client.end();
    }
    await simulation.until(() => server.inbox.length > 0);
    await simulation.advance(4_000);
    assert.equal(server.endedAt, null);
    server.send(writeText("late"));
    server.send(writeClose(4003, "bye"));
    server.end();
    await simulation.until(() => client.finished);
    assert.ok(client.inbox.equals(Buffer.concat([writeText("late"), writeClose(4003, "bye")])));
    assert.equal(client.closeCode, null);
    // A server that does not answer is not waited for as long as for a message.
    assert.equal(silent.client.endedAt, null);
    await simulation.until(() => silent.client.finished && silent.server.finished);
    assert.equal(silent.server.endedAt, 5_000);
    await simulation.finish();
  });

  test("are told when everything is dropped, and then their client is", async () => {
    const { simulation, client, pairs } = await join({ count: 2 });
    simulation.gateway.stopNow();
    const told = writeClose(1001, "");
    await simulation.until(() => pairs.every(({ client: { inbox } }) => inbox.length > 0));
    for (const pair of pairs) {
      assert.ok(pair.client.inbox.equals(told), pair.client.text);
      assert.equal(pair.server.inbox[0], 0x88);
    }
    await simulation.until(() => client.client.wire.finished);
    assert.deepEqual(client.client.goAways, [[3, noError]]);
    await simulation.finish();
  });

  test("all end when their client's connection does", async () => {
    for (const how of ["close", "reset"] as const) {
      const { simulation, client, pairs } = await join({ count: 3 });
      client.client.wire.connection![how]();
      await simulation.until(() => pairs.every(({ server }) => server.finished), 100);
      const words =
        how === "close" ? "client closed connection" : "recv() failed (104: Connection reset by peer)";
      const lines = simulation.errorLines.filter((line) => line.includes("proxying upgraded connection"));
      assert.equal(lines.filter((line) => line.includes(words)).length, 3, lines.join("\n"));
      await simulation.finish();
    }
  });

  test("a hundred live on one connection, and a small stream beside a large one is not held up", async () => {
    const { simulation, pairs } = await join({ count: 100 });
    const [first] = pairs;
    first!.client.connection!.pause();
    first!.server.send(Buffer.alloc(3_000_000));
    for (const [index, { client, server }] of pairs.slice(1).entries()) {
      client.send(`up ${index}`);
      server.send(`down ${index}`);
    }
    await simulation.until(() =>
      pairs
        .slice(1)
        .every(
          ({ client, server }, index) => client.text === `down ${index}` && server.text === `up ${index}`,
        ),
    );
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 100);
  });

  test("hold neither timers nor places among the peers when connections break at any time", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const joined = await join({ seed, count: 3, weather: { ...livelyWeather, resetChance: 0.01 } }).catch(
        () => null,
      );
      if (joined === null || joined.simulation.gateway.tunnels.size === 0) continue;
      for (const { client, server } of joined.pairs) {
        client.send(patternBytes(50_000, seed));
        server.send(patternBytes(50_000, seed));
      }
      await joined.simulation.advance(20_000);
      await joined.simulation.finish();
      assert.equal(joined.simulation.accessLines.length, 3);
    }
  });
});
