import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, livelyWeather, stillWeather } from "../simulation.fixture.ts";
import { answering, chunked, incomplete, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const http = `
  client_max_body_size 0;
  proxy_read_timeout 20s;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
    location /unaborted { proxy_pass http://origin; proxy_ignore_client_abort on; }
    location /tunnel {
      proxy_pass http://origin;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
    location /own { return 200 "own"; }
  }`;

const requests: Record<string, Buffer> = {
  "a plain request": Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  "a request with a length": Buffer.concat([
    Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n"),
    patternBytes(3_000, 1),
  ]),
  "a streamed request in chunks": Buffer.concat([
    Buffer.from("POST /streamed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
    chunked(patternBytes(3_000, 2)),
  ]),
  "a tunnel": Buffer.from(
    "GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes of the tunnel",
  ),
  "two requests": Buffer.from("GET /own HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
};

const departures: Record<string, (wire: Wire) => void> = {
  resets: (wire) => wire.connection?.reset(),
  closes: (wire) => wire.leave(),
  ends: (wire) => wire.end(),
};

/** Answers slowly, in two pieces; turns upgrades into echoing tunnels. */
function serve(simulation: Simulation): (wire: Wire) => void {
  const { clock } = simulation.network;
  return (wire) =>
    answering(wire, (request) => {
      if (request.fields.get("upgrade") === "x") {
        wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        wire.onBytes = () => wire.send(wire.takeBytes());
        return null;
      }
      const answer = response("200 OK", request.body.length > 0 ? request.body : "an answer of some bytes");
      clock.timer(15, () => wire.send(answer.subarray(0, 45)));
      clock.timer(30, () => wire.send(answer.subarray(45)));
      return null;
    });
}

async function begin(seed: number): Promise<Simulation> {
  const simulation = await Simulation.start({
    http,
    seed,
    weather: { ...livelyWeather, delayMsMax: 3, stallChance: 0 },
  });
  await simulation.origin(9000, serve(simulation));
  return simulation;
}

function isSorted(line: string): boolean {
  return /^(GET|POST) \S+ (101|200|400|499) \d+ (-|101|200)$|^(GET|POST|-) \S* 400 0 -$/.test(line);
}

describe("a client that goes away at any time", () => {
  for (const [what, bytes] of Object.entries(requests)) {
    for (const [how, depart] of Object.entries(departures)) {
      test(`${how} in the middle of ${what}`, async () => {
        for (let at = 0; at < 80; at++) {
          const simulation = await begin(at + 1);
          const client = simulation.client();
          // Some leave while they send, some when they have.
          client.send(at % 4 === 0 ? bytes.subarray(0, (bytes.length * at) / 80) : bytes);
          await simulation.advance(at);
          depart(client);
          await simulation.finish();
          const wrong = simulation.accessLines.filter((line) => !isSorted(line));
          assert.deepEqual(wrong, [], `left after ${at} ms`);
          assert.ok(
            simulation.accessLines.length <= (what === "two requests" ? 2 : 1),
            `${at}: ${simulation.accessLines.join("; ")}`,
          );
        }
      });
    }
  }

  test("the upstream connection is closed with it, at once", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    const origin = await simulation.origin(9000, () => undefined);
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(1_000);
    client.end();
    await simulation.advance(0);
    assert.equal(origin.wires[0]!.endedAt, 1_000);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET / 499 0 -"]);
  });

  test("with proxy_ignore_client_abort the answer is read to its end and logged", async () => {
    const body = Buffer.alloc(500_000, "z");
    for (const depart of Object.values(departures)) {
      for (const when of [500, 1_000, 1_001]) {
        const simulation = await Simulation.start({ http, weather: stillWeather });
        const origin = await simulation.origin(9000, (wire) =>
          answering(wire, () => {
            simulation.network.clock.timer(1_000, () => wire.send(response("200 OK", body)));
            return null;
          }),
        );
        const client = simulation.client();
        client.send("GET /unaborted HTTP/1.1\r\nHost: a\r\n\r\n");
        await simulation.advance(when);
        depart(client);
        await simulation.advance(5_000);
        assert.equal(origin.wires[0]!.unsent, 0);
        assert.equal(origin.wires[0]!.endedAt, null, "the connection is not kept");
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1);
        assert.match(simulation.accessLines[0]!, /^GET \/unaborted 200 \d+ 200$/);
      }
    }
  });

  test("with proxy_ignore_client_abort a client that stops reading does not hold the upstream for ever", async () => {
    const simulation = await Simulation.start({ http, weather: { ...stillWeather, kernelBytesMax: 50_000 } });
    await simulation.origin(9000, (wire) =>
      answering(wire, () => response("200 OK", Buffer.alloc(2_000_000))),
    );
    const client = simulation.client();
    client.send("GET /unaborted HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.until(() => client.connection !== null);
    client.connection!.pause();
    await simulation.advance(120_000);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 1);
  });

  test("and stops in the middle of a body that nobody wants, it is closed at once", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    const client = simulation.client();
    client.send("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    await simulation.until(() => client.take() !== incomplete);
    client.end();
    await simulation.advance(10);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["POST /own 200 3 -"]);
  });
});
