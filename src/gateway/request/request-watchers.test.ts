import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HttpModule } from "../build/http-module.ts";
import { DECLINED } from "./handler.ts";
import type { ClientWatcher } from "./holders.ts";
import type { Request } from "./request.ts";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const http = `
  limit_req_zone $server_name zone=rate:1m rate=1r/m;
  resolver 10.0.0.53;
  server {
    listen 10.0.0.1:80;
    server_name a;
    location / { proxy_pass http://10.0.0.9:9000; }
    location /unaborted { proxy_ignore_client_abort on; proxy_pass http://10.0.0.9:9000; }
    location /limited { limit_req zone=rate burst=5; proxy_pass http://10.0.0.9:9000; }
    location /unauthorized { auth_delay 20s; proxy_pass http://10.0.0.9:9000; }
    location /asking { auth_request /sub/slow; proxy_pass http://10.0.0.9:9000; }
    location /sub { internal; proxy_pass http://10.0.0.9:9000; }
    location /named { set $host_name far.example; proxy_pass http://$host_name:9000; }
    location /unreachable { error_page 502 /slow; proxy_pass http://10.0.0.9:9001; }
  }`;

/** Has watchers of its own for each client's request, beside whoever serves it. */
function watching(story: string[], requests: Request[]): HttpModule {
  const watcher = (name: string): ClientWatcher => ({
    onClientGone: (how) => void story.push(`${name}: client ${how}`),
    onRequestEnd: () => void story.push(`${name}: request over`),
  });
  return {
    name: "watching",
    directives: [],
    attach(location) {
      location.rewrite.unshift((request) => {
        if (request.parent !== null || request.internal) return DECLINED;
        requests.push(request);
        const left = watcher("left");
        request.watch(watcher("first"));
        request.watch(left);
        request.watch(watcher("second"));
        request.unwatch(left);
        return DECLINED;
      });
      location.access.push(({ uri }) => (uri.includes("unauthorized") ? 401 : DECLINED));
    },
  };
}

function serve(simulation: Simulation, wire: Wire): void {
  answering(wire, ({ startLine }) => {
    if (startLine.includes("endless")) return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    if (!/slow|unaborted/.test(startLine)) return response("200 OK", "ok");
    simulation.network.clock.timer(2000, () => wire.send(response("200 OK", "slow")));
    return null;
  });
}

async function begin(): Promise<{ simulation: Simulation; story: string[]; requests: Request[] }> {
  const story: string[] = [];
  const requests: Request[] = [];
  const modules = [watching(story, requests)];
  const simulation = await Simulation.start({ http, weather: stillWeather, modules });
  await simulation.origin(9000, (wire) => serve(simulation, wire));
  simulation.network.serveDatagrams({ address: "10.0.0.53", port: 53 }, () => undefined);
  return { simulation, story, requests };
}

function ask(simulation: Simulation, path: string): Wire {
  const client = simulation.client();
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return client;
}

const over = ["second: request over", "first: request over"];

describe("those who watch the client of one request", () => {
  test("hear that it is gone, the last one first, and then of the request's end", async () => {
    const { simulation, story } = await begin();
    const client = ask(simulation, "/unaborted");
    await simulation.advance(10);
    client.leave();
    await simulation.advance(10);
    const gone = ["second: client closed", "first: client closed"];
    assert.deepEqual(story, gone);
    await simulation.advance(2000);
    assert.deepEqual(story, [...gone, ...over]);
    await simulation.finish();
  });

  test("hear of the end alone when one of them ends the request", async () => {
    const { simulation, story } = await begin();
    const client = ask(simulation, "/slow");
    await simulation.advance(10);
    client.leave();
    await simulation.advance(0);
    assert.deepEqual(story, over);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET /slow 499 0 -"]);
  });

  for (const path of ["/", "/asking", "/unreachable"]) {
    test(`stay when another has done its work: ${path}`, async () => {
      const { simulation, story, requests } = await begin();
      const client = ask(simulation, path);
      await simulation.until(() => client.text.includes("\r\n\r\n"));
      assert.equal(requests.length, 1);
      assert.deepEqual(story, over);
      await simulation.finish();
    });
  }

  test("hear nothing of a client that leaves later", async () => {
    const { simulation, story } = await begin();
    const client = ask(simulation, "/");
    await simulation.advance(10);
    story.length = 0;
    client.leave();
    await simulation.advance(10);
    assert.deepEqual(story, []);
    await simulation.finish();
  });
});

describe("a request that is broken off from elsewhere", () => {
  for (const path of ["/slow", "/endless", "/unaborted", "/asking", "/limited", "/unauthorized", "/named"]) {
    test(`leaves nobody at work for it: ${path}`, async () => {
      const { simulation, story, requests } = await begin();
      if (path === "/limited") {
        const before = ask(simulation, path);
        await simulation.advance(10);
        before.leave();
        await simulation.advance(0);
        story.length = 0;
      }
      ask(simulation, path);
      await simulation.advance(100);
      assert.deepEqual(story, []);
      requests.at(-1)!.response.abort();
      assert.deepEqual(story, over);
      await simulation.advance(1);
      assert.equal(simulation.ends.filter((end) => end.open).length, 0, "a connection is open");
      simulation.assertNothingOpen();
      assert.ok(simulation.accessLines.at(-1)!.startsWith(`GET ${path} `));
      await simulation.finish();
      assert.equal(requests.length, simulation.accessLines.length);
    });
  }
});
