import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, livelyWeather, steadyWeather, stillWeather } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { answering, incomplete } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const http = `
  send_timeout 13s;
  proxy_send_timeout 29s;
  proxy_read_timeout 31s;
  websocket_drain off;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    location / {
      proxy_pass http://origin;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }`;

const handshakeFor = (protocol: string): string =>
  `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: ${protocol}\r\nConnection: upgrade\r\n\r\n`;
const switchingTo = (protocol: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: upgrade\r\n\r\n`;

/** A tunnel, its handshake over on both sides. */
interface Joined {
  readonly simulation: Simulation;
  readonly client: Wire;
  readonly server: Wire;
}

interface JoinOptions extends Partial<SimulationOptions> {
  /** What is switched to. */
  readonly protocol?: string;
  /** What each side sends right behind its part of the handshake. */
  readonly fromClient?: Buffer;
  readonly fromServer?: Buffer;
}

async function join({ protocol = "websocket", ...options }: JoinOptions = {}): Promise<Joined> {
  const simulation = await Simulation.start({ http, weather: stillWeather, ...options });
  const servers: Wire[] = [];
  await simulation.origin(9000, (wire) =>
    answering(wire, () => {
      servers.push(wire);
      wire.onBytes = null;
      wire.endsAlong = false;
      return Buffer.concat([Buffer.from(switchingTo(protocol)), options.fromServer ?? Buffer.alloc(0)]);
    }),
  );
  const client = simulation.client();
  client.endsAlong = false;
  client.send(Buffer.concat([Buffer.from(handshakeFor(protocol)), options.fromClient ?? Buffer.alloc(0)]));
  await simulation.until(() => client.take() !== incomplete);
  return { simulation, client, server: servers[0]! };
}

function logged(simulation: Simulation): string {
  const lines = simulation.errorLines.filter((line) => line.includes("proxying upgraded connection"));
  assert.equal(lines.length, 1, lines.join("\n"));
  return lines[0]!.replace(/^.*?\*\d+ /, "").replace(/ while proxying.*$/, "");
}

describe("a tunnel", () => {
  test("carries all bytes both ways in order, what came with the handshake included", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const up = patternBytes(40_000 + seed, seed);
      const down = patternBytes(60_000 + seed, -seed);
      const early = seed % 3 === 0 ? 0 : seed * 100;
      const { simulation, client, server } = await join({
        seed,
        weather: livelyWeather,
        fromClient: up.subarray(0, early),
        fromServer: down.subarray(0, early),
      });
      client.send(up.subarray(early));
      server.send(down.subarray(early));
      if (seed % 2 === 0) client.readSlowly(5_000, 100);
      else server.readSlowly(5_000, 100);
      await simulation.until(() => client.inbox.length >= down.length && server.inbox.length >= up.length);
      assert.ok(client.inbox.equals(down) && server.inbox.equals(up), `seed ${seed}`);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 1);
      assert.match(simulation.accessLines[0]!, /^GET \/ 101 \d+ 101$/);
    }
  });

  test("that nobody uses ends after proxy_read_timeout; bytes from either side push that back", async () => {
    const { simulation, client, server } = await join();
    await simulation.advance(30_000);
    client.send("x");
    await simulation.advance(30_000);
    server.send("y");
    await simulation.advance(30_999);
    assert.equal(client.endedAt, null);
    await simulation.advance(1);
    assert.equal(client.endedAt, 91_000);
    assert.equal(server.endedAt, 91_000);
    assert.equal(logged(simulation), "upstream timed out (110: Connection timed out)");
    await simulation.finish();
  });

  for (const [name, of] of [
    ["client", ({ client, server }: Joined) => ({ leaver: client, other: server })],
    ["upstream", ({ client, server }: Joined) => ({ leaver: server, other: client })],
  ] as const) {
    test(`ends with the end of the ${name}; what it sent before is delivered first`, async () => {
      for (let seed = 1; seed <= 30; seed++) {
        const joined = await join({ seed, weather: livelyWeather });
        const { simulation } = joined;
        const { leaver, other } = of(joined);
        const before = other.inbox.length;
        const bytes = patternBytes(30_000, seed);
        other.readSlowly(3_000, 50);
        leaver.send(bytes);
        leaver.end();
        await simulation.until(() => other.finished);
        assert.ok(other.inbox.subarray(before).equals(bytes), `seed ${seed}`);
        assert.equal(other.closeCode, null);
        assert.equal(logged(simulation), `${name} closed connection`);
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1);
      }
    });

    test(`ends with a reset of the ${name}`, async () => {
      const joined = await join();
      const { leaver, other } = of(joined);
      leaver.connection!.reset();
      await joined.simulation.advance(0);
      assert.equal(other.endedAt, 0);
      assert.match(logged(joined.simulation), /^recv\(\) failed \(104: Connection reset by peer\)$/);
      await joined.simulation.finish();
      assert.equal(joined.simulation.accessLines.length, 1);
    });

    test(`holds little of what the ${name} sends faster than the other side reads`, async () => {
      const joined = await join({ weather: { ...steadyWeather, kernelBytesMax: 50_000 } });
      const { simulation } = joined;
      const { leaver, other } = of(joined);
      const bytes = patternBytes(2_000_000, 5);
      const before = other.inbox.length;
      other.readSlowly(40_000, 1_000);
      leaver.send(bytes);
      let queuedMax = 0;
      await simulation.until(() => {
        queuedMax = Math.max(queuedMax, ...simulation.ends.map((end) => end.queued));
        return other.inbox.length >= before + bytes.length;
      });
      assert.ok(queuedMax < 200_000, `${queuedMax} bytes were queued`);
      assert.ok(other.inbox.subarray(before).equals(bytes));
      await simulation.finish();
    });

    test(`lives on while the other side takes little of what the ${name} sends`, async () => {
      const joined = await join({ weather: { ...steadyWeather, kernelBytesMax: 50_000 } });
      const { simulation } = joined;
      const { leaver, other } = of(joined);
      const bytes = patternBytes(300_000, 5);
      const before = other.inbox.length;
      other.readSlowly(20_000, 9_000);
      leaver.send(bytes);
      await simulation.until(() => other.inbox.length >= before + bytes.length);
      assert.ok(simulation.now > 60_000);
      assert.ok(other.inbox.subarray(before).equals(bytes));
      await simulation.finish();
    });

    test(`ends when the other side takes nothing of what the ${name} sends`, async () => {
      const joined = await join({ weather: { ...steadyWeather, kernelBytesMax: 50_000 } });
      const { simulation } = joined;
      const { leaver, other } = of(joined);
      const start = simulation.now;
      other.connection!.pause();
      leaver.send(Buffer.alloc(1_000_000));
      await simulation.until(() => simulation.gateway.tunnels.size === 0);
      const limitMs = name === "client" ? 29_000 : 13_000;
      const tookMs = simulation.now - start;
      assert.ok(tookMs >= limitMs && tookMs < limitMs + 100, `after ${tookMs} ms`);
      const stalled = name === "client" ? "upstream" : "client";
      assert.equal(logged(simulation), `${stalled} timed out (110: Connection timed out)`);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 1);
    });
  }

  test("gives a slow client all that the server sent before it ended, as long as it takes some", async () => {
    const { simulation, client, server } = await join({
      weather: { ...steadyWeather, kernelBytesMax: 20_000 },
    });
    const bytes = patternBytes(80_000, 9);
    const before = client.inbox.length;
    client.readSlowly(6_000, 4_000);
    server.send(bytes);
    server.end();
    await simulation.until(() => client.finished);
    assert.ok(
      client.inbox.subarray(before).equals(bytes),
      `${client.inbox.length - before} of ${bytes.length} came`,
    );
    assert.ok(simulation.now > 40_000);
    await simulation.finish();
  });

  test("does not wait for ever for a side that neither reads nor ends", async () => {
    const { simulation, client, server } = await join({
      weather: { ...steadyWeather, kernelBytesMax: 20_000 },
    });
    client.connection!.pause();
    server.send(Buffer.alloc(200_000));
    server.connection!.pause();
    await simulation.advance(60_000);
    assert.deepEqual(
      simulation.ends.filter((end) => end.open),
      [],
    );
    await simulation.finish();
  });

  test("holds neither the request's timers nor its place among the peers when it has ended", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const joined = await join({ seed, weather: { ...livelyWeather, resetChance: 0.02 } }).catch(() => null);
      if (joined === null || joined.simulation.gateway.tunnels.size === 0) continue;
      joined.client.send(patternBytes(50_000, seed));
      joined.server.send(patternBytes(50_000, seed));
      await joined.simulation.advance(20_000);
      await joined.simulation.finish();
      assert.equal(joined.simulation.accessLines.length, 1);
    }
  });

  test("is counted among the peer's connections as long as it lives", async () => {
    const { simulation, client } = await join();
    assert.deepEqual([...simulation.held.values()], [1]);
    client.end();
    await simulation.advance(1);
    assert.deepEqual([...simulation.held.values()], [0]);
    await simulation.finish();
  });

  test("is not made of an answer that does not switch, nor for a client that did not ask", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    await simulation.origin(9000, (wire) =>
      answering(wire, (request) =>
        request.startLine.includes("/101")
          ? switchingTo("x")
          : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
      ),
    );
    const [asking, plain, empty] = [simulation.client(), simulation.client(), simulation.client()];
    asking.send(handshakeFor("x"));
    plain.send("GET /101 HTTP/1.1\r\nHost: a\r\n\r\n");
    empty.send("GET /101 HTTP/1.1\r\nHost: a\r\nUpgrade: ,\r\nUpgrade:\r\nConnection: upgrade\r\n\r\n");
    await simulation.advance(1_000);
    assert.match(asking.text, /^HTTP\/1.1 200 OK[^]*no$/);
    assert.match(plain.text, /^HTTP\/1.1 502 /);
    assert.match(empty.text, /^HTTP\/1.1 502 /);
    assert.equal(simulation.gateway.tunnels.size, 0);
    // The connection that was answered in order is kept, the others are of no use any more.
    assert.equal(
      [...simulation.held.values()].reduce((sum, count) => sum + count, 0),
      0,
    );
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 3);
  });
});

describe("a tunnel that carries no WebSocket", () => {
  for (const [name, of] of [
    ["client", ({ client, server }: Joined) => ({ leaver: client, other: server })],
    ["upstream", ({ client, server }: Joined) => ({ leaver: server, other: client })],
  ] as const) {
    test(`goes on the other way when the ${name} has ended, until both have`, async () => {
      for (let seed = 1; seed <= 30; seed++) {
        const joined = await join({ seed, weather: livelyWeather, protocol: "tcp" });
        const { simulation } = joined;
        const { leaver, other } = of(joined);
        const [question, answer] = [patternBytes(30_000, seed), patternBytes(50_000, -seed)];
        const before = [other.inbox.length, leaver.inbox.length] as const;
        other.readSlowly(3_000, 50);
        leaver.send(question);
        leaver.end();
        await simulation.until(() => other.endedAt !== null);
        assert.ok(other.inbox.subarray(before[0]).equals(question), `seed ${seed}`);
        await simulation.advance(20_000);
        other.send(answer);
        other.end();
        await simulation.until(() => leaver.finished);
        assert.ok(leaver.inbox.subarray(before[1]).equals(answer), `seed ${seed}`);
        assert.equal(logged(simulation), `${name} closed connection`);
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1);
      }
    });

    test(`ends after proxy_read_timeout when the ${name} has ended and nothing comes any more`, async () => {
      const joined = await join({ protocol: "tcp" });
      const { simulation } = joined;
      const { leaver, other } = of(joined);
      leaver.end();
      await simulation.advance(20_000);
      other.send("still here");
      await simulation.advance(30_999);
      assert.equal(leaver.endedAt, null);
      await simulation.advance(1);
      assert.equal(leaver.endedAt, 51_000);
      assert.equal(logged(simulation), "upstream timed out (110: Connection timed out)");
      await simulation.finish();
    });

    test(`ends when the ${name} is gone and something is sent to it`, async () => {
      const joined = await join({ protocol: "tcp" });
      const { simulation } = joined;
      const { leaver, other } = of(joined);
      leaver.end();
      await simulation.advance(1);
      leaver.connection!.reset();
      await simulation.advance(1);
      assert.equal(other.finished, true);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 1);
    });
  }
});
