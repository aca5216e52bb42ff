import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { livelyWeather, Simulation } from "../simulation.fixture.ts";
import { answering, chunked, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";
import { Http2SimulatedClient } from "./http2-client.fixture.ts";
import type { Asked } from "./http2-client.fixture.ts";

const http = `
  http2 on;
  keepalive_timeout 20s; client_header_timeout 5s; client_body_timeout 7s; send_timeout 9s; keepalive_requests 40;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    client_max_body_size 200k;
    proxy_read_timeout 8s;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
    location /ignoring { proxy_pass http://origin; proxy_ignore_client_abort on; }
    location /own { return 200 "own answer"; }
    location /rate { limit_rate 20k; proxy_pass http://origin; }
    location /gone { return 444; }
    location /page { error_page 502 504 /own; proxy_pass http://10.0.0.9:9999; }
  }`;

const paths = ["/own", "/x", "/streamed", "/ignoring", "/rate", "/gone", "/page", "/nowhere"];

/** Numbers from 0 to below 1 that a seed determines (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A server of many moods: prompt, chunked, large, late, silent, cut off. */
function serveBadly(simulation: Simulation, wire: Wire, roll: () => number): void {
  answering(wire, (request) => {
    const mood = roll();
    const answer = response("200 OK", patternBytes(Math.floor(roll() * 150_000), 1));
    if (mood < 0.4) return answer;
    if (mood < 0.6) {
      const head = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      return Buffer.concat([head, chunked(request.body, 500)]);
    }
    if (mood < 0.75) {
      simulation.network.clock.timer(1 + Math.floor(roll() * 3000), () => wire.send(answer));
    } else if (mood < 0.85) {
      wire.send(answer.subarray(0, Math.floor(answer.length / 2)));
      wire.end();
    }
    return Buffer.alloc(0);
  });
}

/** What a client does next. */
function misbehave(client: Http2SimulatedClient, asked: Asked[], roll: () => number): void {
  const what = roll();
  if (what < 0.7) {
    if (!client.session.canOpen) return;
    const path = paths[Math.floor(roll() * paths.length)]!;
    const body = roll() < 0.5 ? Buffer.alloc(0) : patternBytes(Math.floor(roll() * 250_000), 2);
    const told: Record<string, string> = roll() < 0.5 ? { "content-length": String(body.length) } : {};
    const method = body.length > 0 ? "POST" : roll() < 0.2 ? "HEAD" : "GET";
    // Some never end their body.
    const isCut = body.length === 0 && roll() < 0.1;
    asked.push(
      client.ask(path, {
        method,
        body: isCut ? null : body,
        fields: isCut ? {} : told,
        consumesAtOnce: roll() < 0.85,
      }),
    );
  } else if (what < 0.85 && asked.length > 0) {
    asked[Math.floor(roll() * asked.length)]!.stream.reset(8);
    client.session.flush();
  } else if (what < 0.87) {
    client.wire.end();
  } else if (what < 0.88) {
    client.wire.leave();
  } else if (what < 0.92) {
    client.wire.readSlowly(10_000, 300);
  }
}

async function suffer(seed: number): Promise<Simulation> {
  const roll = dice(seed);
  const simulation = await Simulation.start({ http, seed, weather: livelyWeather });
  await simulation.origin(9000, (wire) => serveBadly(simulation, wire, roll));
  const clients = Array.from({ length: 4 }, () => ({
    client: new Http2SimulatedClient(simulation),
    asked: [] as Asked[],
  }));
  for (let step = 0; step < 60; step++) {
    const { client, asked } = clients[Math.floor(roll() * clients.length)]!;
    if (!client.wire.over) misbehave(client, asked, roll);
    await simulation.advance(Math.floor(roll() * 200));
  }
  if (seed % 3 === 0) {
    const stopped = simulation.gateway.stopGracefully();
    await simulation.advance(60_000);
    await stopped;
  }
  return simulation;
}

describe("whatever clients and servers do over HTTP/2", () => {
  test("every request has its line in the log, and nothing is left", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = await suffer(seed);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, simulation.gateway.requestsTotal, `seed ${seed}`);
      assert.equal(simulation.gateway.bodyBytesHeld, 0, `seed ${seed}`);
    }
  });
});
