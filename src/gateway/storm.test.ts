import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../net/contract-peer.ts";
import { SeededRandom } from "../net/memory/random.ts";
import { Simulation } from "./simulation.fixture.ts";
import { answering, chunked, incomplete, response } from "./wire.fixture.ts";
import type { Message, Wire } from "./wire.fixture.ts";

const http = `
  client_max_body_size 0;
  client_header_timeout 20s;
  client_body_timeout 20s;
  send_timeout 20s;
  proxy_connect_timeout 5s;
  proxy_read_timeout 20s;
  proxy_send_timeout 20s;
  upstream origin { server 10.0.0.9:9000 max_fails=0; server 10.0.0.9:9001 max_fails=0; keepalive 3; }
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://origin; error_page 502 504 = @other; }
    location @other { proxy_pass http://10.0.0.9:9002; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
    location /unaborted { proxy_pass http://origin; proxy_ignore_client_abort on; }
    location /own { return 200 "own"; }
    location /tunnel {
      proxy_pass http://origin;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }`;

/** Everything that a network does to one, often. */
const storm = {
  delayMsMin: 0,
  delayMsMax: 40,
  segmentBytesMax: 4_000,
  kernelBytesMax: 30_000,
  partialWriteChance: 0.4,
  stallChance: 0.03,
  stallMsMax: 3_000,
  resetChance: 0.002,
  refuseChance: 0.05,
  loseDialChance: 0.02,
};

const paths = ["/", "/streamed", "/unaborted", "/own", "/chunked"];

/** Echoes the body; now and then answers early, ends, resets, or keeps silent. */
function unreliable(random: SeededRandom, tunnels: (wire: Wire) => void): (wire: Wire) => void {
  return (wire) =>
    answering(wire, (request) => {
      if (request.fields.get("upgrade") === "x") {
        wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        tunnels(wire);
        return null;
      }
      const answer = echoed(request);
      switch (random.integer(1, 30)) {
        case 1:
          wire.connection!.reset();
          return null;
        case 2:
          wire.end();
          return null;
        case 3:
          return null;
        case 4:
          return answer.subarray(0, 30);
        default:
          return answer;
      }
    });
}

function echoed(request: Message): Buffer {
  return request.startLine.includes("/chunked")
    ? Buffer.concat([
        Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        chunked(request.body, 999),
      ])
    : response("200 OK", request.body);
}

/** A client that sends some requests, some of them pipelined, checks every whole answer, and may leave at any time. */
class Visitor {
  readonly wire: Wire;
  private readonly expected: { path: string; body: Buffer }[] = [];
  answered = 0;

  constructor(simulation: Simulation, random: SeededRandom, id: number) {
    this.wire = simulation.client();
    const { clock } = simulation.network;
    const count = random.integer(1, 5);
    let delayMs = 0;
    for (let index = 0; index < count; index++) {
      const path = random.pick(paths)!;
      const body = random.chance(0.4) ? Buffer.alloc(0) : patternBytes(random.integer(1, 30_000), id + index);
      this.expected.push({ path, body });
      const bytes = request(`${path}?${id}-${index}`, body, random.chance(0.5));
      delayMs += random.chance(0.5) ? 0 : random.integer(0, 400);
      clock.timer(delayMs, () => this.wire.send(bytes));
    }
    if (random.chance(0.3)) this.wire.readSlowly(random.integer(1, 5_000), random.integer(1, 500));
    const read = this.wire.onBytes;
    this.wire.onBytes = () => {
      read?.();
      this.check();
    };
    const leave = random.pick([
      () => this.wire.leave(),
      () => this.wire.end(),
      () => this.wire.connection?.reset(),
    ])!;
    if (random.chance(0.3)) clock.timer(random.integer(0, 2_000), leave);
  }

  private check(): void {
    for (let message = this.wire.take(); message !== incomplete; message = this.wire.take()) {
      const asked = this.expected[this.answered++];
      assert.ok(asked !== undefined, "an answer that nobody asked for");
      if (!message.startLine.includes(" 200 ")) continue;
      const body = asked.path === "/own" ? Buffer.from("own") : asked.body;
      assert.ok(message.body.equals(body), `the answer to ${asked.path} is not what was asked for`);
    }
  }
}

function request(target: string, body: Buffer, inChunks: boolean): Buffer {
  if (body.length === 0) return Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const framing = inChunks ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const head = Buffer.from(`POST ${target} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
  return Buffer.concat([head, inChunks ? chunked(body, 3_001) : body]);
}

/** A tunnel whose two ends send what the other one expects, each at its own pace. */
class Pair {
  private readonly up: Buffer;
  private readonly down: Buffer;
  private readonly client: Wire;

  constructor(simulation: Simulation, random: SeededRandom, seed: number) {
    this.up = patternBytes(random.integer(0, 50_000), seed);
    this.down = patternBytes(random.integer(0, 50_000), seed + 1);
    this.client = simulation.client();
    this.client.send(`GET /tunnel?${seed} HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n`);
    let joined = false;
    this.client.onBytes = () => {
      if (!joined) {
        const head = this.client.take();
        if (head === incomplete) return;
        if (!head.startLine.includes(" 101 ")) return this.client.leave();
        joined = true;
        this.client.send(this.up);
      }
      const { inbox } = this.client;
      assert.ok(this.down.subarray(0, inbox.length).equals(inbox), "the tunnel's bytes are not in order");
    };
    if (random.chance(0.3)) simulation.network.clock.timer(random.integer(0, 3_000), () => this.client.end());
  }

  serve(wire: Wire): void {
    wire.send(this.down);
    wire.onBytes = () => {
      const { inbox } = wire;
      assert.ok(this.up.subarray(0, inbox.length).equals(inbox), "the tunnel's bytes are not in order");
    };
  }
}

async function weather(seed: number): Promise<Simulation> {
  const random = new SeededRandom(seed * 7919);
  const simulation = await Simulation.start({ http, seed, weather: storm });
  const pair = new Pair(simulation, random, seed);
  const serve = unreliable(random, (wire) => pair.serve(wire));
  for (const port of [9000, 9001, 9002]) await simulation.origin(port, serve);
  const visitors = Array.from({ length: 4 }, (_, index) => new Visitor(simulation, random, index + 1));
  await simulation.advance(60_000);
  assert.ok(visitors.every(({ answered }) => answered <= 5));
  await simulation.finish();
  return simulation;
}

describe("in any weather", () => {
  test("answers are whole or cut, never mixed up; each request has one line; nothing is left", async () => {
    let whole = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const simulation = await weather(seed);
      const targets = simulation.accessLines
        .map((line) => line.split(" ")[1])
        .filter((target) => target !== "");
      assert.equal(new Set(targets).size, targets.length, `seed ${seed}: a request has two lines`);
      assert.ok(
        simulation.accessLines.length >= simulation.gateway.requestsTotal,
        `seed ${seed}: a line is missing`,
      );
      whole += simulation.accessLines.filter((line) => / 200 \d+ /.test(line)).length;
    }
    assert.ok(whole > 800, `only ${whole} requests were served`);
  });

  test("garbage from clients and servers breaks nothing but its own connection", async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new SeededRandom(seed);
      const simulation = await Simulation.start({
        http,
        seed,
        weather: { ...storm, resetChance: 0, stallChance: 0 },
      });
      for (const port of [9000, 9001, 9002]) {
        await simulation.origin(port, (wire) => {
          wire.onBytes = () => {
            wire.takeBytes();
            wire.send(
              spoil(echoed({ startLine: "GET /", fields: new Map(), body: patternBytes(500, seed) }), random),
            );
            if (random.chance(0.2)) wire.end();
          };
        });
      }
      for (let client = 0; client < 4; client++) {
        const wire = simulation.client();
        for (let index = 0; index < 3; index++) {
          const body = patternBytes(random.integer(0, 300), seed);
          const asked = request(`${random.pick(paths)!}?${client}-${index}`, body, random.chance(0.5));
          wire.send(spoil(asked, random));
        }
      }
      await simulation.advance(60_000);
      await simulation.finish();
      const { accessLines, gateway } = simulation;
      assert.ok(accessLines.length >= gateway.requestsTotal, `seed ${seed}: a line is missing`);
    }
  });
});

const separators = ["\r", "\n", "\r\n", ":", " ", "\0", ";", "0", "-", "HTTP/1.1", "chunked", "\r\n\r\n"];

/** The message with some bytes changed, dropped, doubled, or replaced by what means something in HTTP. */
function spoil(bytes: Buffer, random: SeededRandom): Buffer {
  let text = bytes.toString("latin1");
  for (let change = random.integer(0, 3); change > 0; change--) {
    const at = random.integer(0, Math.min(text.length - 1, 120));
    const piece = random.chance(0.5) ? random.pick(separators)! : String.fromCharCode(random.integer(0, 255));
    const dropped = random.integer(0, 3);
    text = text.slice(0, at) + piece + text.slice(at + dropped);
  }
  return Buffer.from(text, "latin1");
}
