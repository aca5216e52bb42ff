import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HttpModule } from "../build/http-module.ts";
import { DECLINED } from "./handler.ts";
import type { Request } from "./request.ts";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, incomplete, response } from "../wire.fixture.ts";
import type { Message } from "../wire.fixture.ts";

/** A module that fails at the place that the request names. */
const failing: HttpModule = {
  name: "failing",
  directives: [],
  variables: [
    {
      name: "failing",
      get: (request: Request) => {
        failAt(request, "variable");
        return "fine";
      },
    },
  ],
  attach(location) {
    location.preaccess.push((request) => failAt(request, "handler"));
    location.access.push(async (request) => {
      await Promise.resolve();
      return failAt(request, "promise");
    });
    location.headerFilters.push((request) => failAt(request, "filter"));
    location.log.unshift((request) => failAt(request, "log"));
  },
};

function failAt(request: Request, place: string): number {
  if (request.head.target.includes(place)) throw new Error(`failed at ${place}`);
  return DECLINED;
}

const http = `
  error_page 418 /page-$failing;
  server {
    listen 10.0.0.1:80;
    location / { return 200 "own"; }
    location /proxied { proxy_pass http://10.0.0.9:9000; proxy_set_header X-A $failing; }
    location /hashed { proxy_pass http://hashed; }
    location /page { return 418; }
  }
  upstream hashed { hash $failing; server 10.0.0.9:9000; server 10.0.0.9:9001; }`;

describe("an exception", () => {
  for (const [target, status] of [
    ["/filter", null],
    ["/log", 200],
    ["/proxied/handler", 500],
    ["/proxied/promise", 500],
    ["/proxied/variable", 500],
    ["/proxied/filter", null],
    ["/proxied/log", 200],
    ["/hashed/variable", 500],
    ["/page/variable", 500],
  ] as const) {
    test(`at ${target} ends its request and nothing else`, async () => {
      const simulation = await Simulation.start({ http, weather: stillWeather, modules: [failing] });
      await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "x")));
      const [other, client] = [simulation.client(), simulation.client()];
      other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      let message: Message | typeof incomplete = incomplete;
      await simulation.until(() => (message = client.take()) !== incomplete || client.finished, 1_000);
      const answer = message as Message | typeof incomplete;
      if (status === null) assert.equal(answer, incomplete);
      else assert.match((answer as Message).startLine, new RegExp(` ${status} `));
      other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await simulation.advance(1_000);
      const reports = simulation.errorLines.filter((line) => line.includes("[alert]"));
      assert.ok(
        reports.some((line) => line.includes("failed at")),
        "the error is not told",
      );
      simulation.errorLines.length = 0;
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 3);
    });
  }
});
