import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, incomplete, response } from "../wire.fixture.ts";
import type { Message } from "../wire.fixture.ts";

const http = `
  server {
    listen 10.0.0.1:80;
    location /moved { return 302 http://elsewhere$uri; }
    location /field { add_header X-Path $uri; add_trailer X-End $uri; return 200 "x"; }
    location /asked { proxy_set_header X-Path $uri; proxy_pass http://10.0.0.9:9000; }
    location /target { proxy_pass http://10.0.0.9:9000$uri; }
  }`;

const evil = "%0d%0aX-Evil:1%0d%0a%0d%0aGET%20/evil%20HTTP/1.1%0d%0aHost:a%0d%0a%0d%0a";

describe("line ends in what variables hold", () => {
  for (const path of ["/moved", "/field", "/asked", "/target"]) {
    test(`add nothing to the heads of ${path}`, async () => {
      const simulation = await Simulation.start({ http, weather: stillWeather });
      const asked: Message[] = [];
      await simulation.origin(9000, (wire) =>
        answering(wire, (request) => {
          asked.push(request);
          return response("200 OK", "x");
        }),
      );
      const client = simulation.client();
      client.send(`GET ${path}${evil} HTTP/1.1\r\nHost: a\r\n\r\n`);
      let message: Message | typeof incomplete = incomplete;
      await simulation.until(() => (message = client.take()) !== incomplete);
      await simulation.advance(100);
      assert.equal((message as unknown as Message).fields.has("x-evil"), false);
      assert.doesNotMatch(client.text, /evil/);
      assert.ok(asked.length <= 1);
      assert.ok(asked.every(({ fields }) => !fields.has("x-evil")));
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 1);
    });
  }
});
