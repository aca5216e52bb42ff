import assert from "node:assert/strict";
import { test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Http2Origin } from "../http2-origin.fixture.ts";
import type { OriginRequest } from "../http2-origin.fixture.ts";
import { livelyWeather, Simulation } from "../simulation.fixture.ts";
import { incomplete } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

const http = `
  client_max_body_size 0;
  proxy_http_version 2;
  proxy_read_timeout 5s;
  upstream origin { server 10.0.0.9:9000 max_fails=0; server 10.0.0.9:9001 max_fails=0; keepalive 2; }
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
  }`;

const clients = 24;
const answerBytes = 30_000;

/** What a server does with a request; most are answered. */
function act(request: OriginRequest, wire: Wire, chance: number): void {
  const { session } = request.origin;
  if (chance < 0.6) return request.answer(200, {}, patternBytes(answerBytes, request.body.length));
  if (chance < 0.68) return request.stream.reset(7);
  if (chance < 0.74) return request.stream.reset(2);
  if (chance < 0.8) {
    request.answer(200, { "content-length": String(answerBytes) }, "only some");
    return request.stream.reset(2);
  }
  if (chance < 0.86) {
    session.writer.goAway(request.stream.id - 2, 0, "");
    return session.flush();
  }
  if (chance < 0.9) return session.drain();
  if (chance < 0.94) return wire.end();
  if (chance < 0.97) return wire.connection!.reset();
  // And some are never answered.
}

test("servers that reset, refuse, go away and vanish leave nothing behind, whatever the weather", async () => {
  let whole = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const simulation = await Simulation.start({ http, seed, weather: livelyWeather });
    const { network } = simulation;
    for (const port of [9000, 9001]) {
      await simulation.origin(port, (wire) => {
        const origin = new Http2Origin(wire, network.clock, {
          maxConcurrentStreams: 1 + (seed % 5),
          initialWindowSize: 8000,
        });
        origin.onWhole = (request) => act(request, wire, network.random());
      });
    }
    const sent = Array.from({ length: clients }, (_, index) => {
      const client = simulation.client();
      const length = index % 3 === 0 ? 0 : index * 1000;
      network.clock.timer(index * 40 * network.random(), () => {
        const path = index % 4 === 1 ? "/streamed" : "/";
        const method = length === 0 ? "GET" : index % 2 === 0 ? "POST" : "PUT";
        const close = "Connection: close\r\n";
        client.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${close}Content-Length: ${length}\r\n\r\n`);
        client.send(patternBytes(length, index));
      });
      if (index % 8 === 7) network.clock.timer(100 + 200 * network.random(), () => client.leave());
      return { client, length };
    });
    await simulation.until(() => sent.every(({ client }) => client.finished));
    for (const { client, length } of sent) {
      const message: Message | typeof incomplete = client.take();
      if (message === incomplete || !message.startLine.includes(" 200 ")) continue;
      if (message.body.length === answerBytes) {
        assert.ok(message.body.equals(patternBytes(answerBytes, length)), `seed ${seed}`);
        whole += 1;
      }
    }
    await simulation.finish();
    assert.ok(simulation.accessLines.length <= clients);
  }
  assert.ok(whole > 200, `${whole} answers came whole`);
});
