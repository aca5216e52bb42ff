import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HttpModule } from "../build/http-module.ts";
import { DECLINED } from "./handler.ts";
import type { Holder } from "./holders.ts";
import type { Request } from "./request.ts";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

/** What happened to the requests of one simulation, in order. */
type Story = string[];

/** Has three hold something for each client's request, and for subrequests whose URI says so. */
function holding(story: Story): HttpModule {
  const holder = (name: string): Holder => ({ onRequestEnd: () => void story.push(name) });
  return {
    name: "holding",
    directives: [],
    variables: [{ name: "failing", get: () => fail("variable") }],
    attach(location) {
      location.rewrite.unshift((request) => {
        const own = request.parent === null ? "" : "subrequest's ";
        if (request.internal && own === "") return DECLINED;
        request.onEnd(holder(`${own}first`));
        if (request.head.target.includes("throwing")) request.onEnd({ onRequestEnd: () => fail("holder") });
        const left = holder("left");
        request.onEnd(left);
        request.onEnd(holder(`${own}second`));
        request.offEnd(left);
        return DECLINED;
      });
      location.preaccess.push((request) => failAt(request, "handler"));
      location.access.push(({ uri }) => (uri.includes("unauthorized") ? 401 : DECLINED));
      location.access.push(async (request) => {
        await Promise.resolve();
        return failAt(request, "promise");
      });
      location.headerFilters.push((request) => failAt(request, "filter"));
      location.log.push((request) => failAt(request, "log"));
      location.log.unshift((request) => story.push(request.parent === null ? "logged" : "subrequest logged"));
    },
  };
}

function failAt(request: Request, place: string): number {
  return request.uri.includes(place) ? fail(place) : DECLINED;
}

function fail(place: string): never {
  throw new Error(`failed at ${place}`);
}

const http = `
  limit_req_zone $server_name zone=rate:1m rate=1r/s;
  limit_conn_zone $server_name zone=one:1m;
  proxy_read_timeout 5s;
  send_timeout 2s;
  client_body_timeout 2s;
  server {
    listen 10.0.0.1:80;
    server_name a;
    limit_conn one 1;
    location / { return 200 "own"; }
    location /refused { deny all; }
    location /none { return 444; }
    location /unauthorized { auth_delay 1s; proxy_pass http://10.0.0.9:9000; }
    location /limited { limit_req zone=rate burst=5; proxy_pass http://10.0.0.9:9000; }
    location /asking { auth_request /sub/slow; proxy_pass http://10.0.0.9:9000; }
    location /asking/1 { auth_request /sub/log; proxy_pass http://10.0.0.9:9000; }
    location /asking/2 { auth_request /sub/handler; proxy_pass http://10.0.0.9:9000; }
    location /asking/3 {
      auth_request /sub/;
      auth_request_set $unused $failing;
      proxy_pass http://10.0.0.9:9000;
    }
    location /sub { internal; log_subrequest on; proxy_pass http://10.0.0.9:9000; }
    location /proxied {
      proxy_pass http://10.0.0.9:9000;
      gunzip on;
      client_max_body_size 100;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
    }
    location /proxied/unlogged {
      access_log off;
      proxy_pass http://10.0.0.9:9000;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
    }
    location /unaborted { proxy_ignore_client_abort on; proxy_pass http://10.0.0.9:9000; }
    location /unreachable { error_page 502 /elsewhere; proxy_pass http://10.0.0.9:9001; }
    location /elsewhere { proxy_pass http://10.0.0.9:9000; }
  }`;

/** What a path asks for: "slow" after two seconds; "half", "broken" and "endless" in part. */
function serve(simulation: Simulation, wire: Wire): void {
  answering(wire, ({ fields, startLine }) => {
    if (fields.has("upgrade")) {
      wire.onBytes = null;
      const upgrade = `Upgrade: ${fields.get("upgrade")}\r\nConnection: upgrade\r\n`;
      return `HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`;
    }
    if (startLine.includes("large")) return response("200 OK", Buffer.alloc(4_000_000));
    if (startLine.includes("endless")) return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    if (startLine.includes("broken")) return response("200 OK", "no gzip", "Content-Encoding: gzip\r\n");
    if (startLine.includes("half")) {
      simulation.network.clock.timer(100, () => wire.leave());
      return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    }
    if (!startLine.includes("slow")) return response("200 OK", "ok");
    simulation.network.clock.timer(2000, () => wire.send(response("200 OK", "slow")));
    return null;
  });
}

interface Ending {
  /** "GET" unless it is said otherwise. */
  readonly method?: string;
  readonly path: string;
  /** Fields of the request, each with its line's end. */
  readonly fields?: string;
  readonly body?: string;
  readonly before?: (client: Wire) => void;
  /** What brings the end, a moment after the request; without it the request comes to its end by itself. */
  readonly by?: (client: Wire, simulation: Simulation, upstream: Wire) => void;
  /** How long the request goes on after that, in milliseconds. */
  readonly afterMs?: number;
  readonly story?: Story;
}

const upgrade = "Upgrade: x\r\nConnection: upgrade\r\n";

const usual = ["logged", "second", "first"];

const leave = (client: Wire): void => client.leave();
const afterSubrequest = ["subrequest logged", "subrequest's second", "subrequest's first", ...usual];

const endings: Record<string, Ending> = {
  "is answered": { path: "/" },
  "is answered by a server": { path: "/proxied" },
  "asks for a head": { path: "/proxied", method: "HEAD" },
  "had a body": { path: "/proxied", method: "POST", fields: "Content-Length: 4\r\n", body: "body" },
  "is refused": { path: "/refused" },
  "has no answer": { path: "/none" },
  "is sent elsewhere": { path: "/unreachable" },
  "has too large a body": {
    path: "/proxied",
    method: "POST",
    fields: "Transfer-Encoding: chunked\r\n",
    body: `65\r\n${"x".repeat(101)}\r\n0\r\n\r\n`,
  },
  "lacks some of its body": {
    path: "/proxied",
    method: "POST",
    fields: "Content-Length: 9\r\n",
    by: (client) => client.end(),
  },
  "has no body for too long": {
    path: "/proxied",
    method: "POST",
    fields: "Content-Length: 9\r\n",
    by: () => undefined,
    afterMs: 2000,
  },
  "had its answer broken off by the server": { path: "/proxied/half", by: () => undefined, afterMs: 100 },
  "had its answer stop": { path: "/proxied/endless", by: () => undefined, afterMs: 5000 },
  "has an answer that cannot be read": { path: "/proxied/broken" },
  "waits for a server whose client leaves": { path: "/proxied/slow", by: leave },
  "waits for a server whose client resets": {
    path: "/proxied/slow",
    by: (client) => client.connection!.reset(),
  },
  "waits for a server whose client ends": { path: "/proxied/slow", by: (client) => client.end() },
  "has part of its answer when its client leaves": { path: "/proxied/endless", by: leave },
  "goes on without its client": { path: "/unaborted/slow", by: leave, afterMs: 2000 },
  "has a client that takes nothing": {
    path: "/proxied/large",
    before: (client) => {
      client.onBytes = () => client.connection!.pause();
    },
    by: () => undefined,
    afterMs: 2000,
  },
  "waits for its turn when its client leaves": { path: "/limited", by: leave },
  "waits for a refusal when its client leaves": { path: "/unauthorized", by: leave },
  "waits for a refusal": { path: "/unauthorized", by: () => undefined, afterMs: 1000 },
  "asks another": { path: "/asking", by: () => undefined, afterMs: 2000, story: afterSubrequest },
  "asks another when its client leaves": { path: "/asking", by: leave, story: afterSubrequest },
  "asks another whose log handler fails": { path: "/asking/1", story: afterSubrequest },
  "asks another that fails": { path: "/asking/2", story: afterSubrequest },
  "fails with the answer of another": { path: "/asking/3", story: afterSubrequest },
  "fails at a handler": { path: "/proxied/handler" },
  "fails at a promise": { path: "/proxied/promise" },
  "fails at a filter": { path: "/proxied/filter" },
  "fails at a log handler": { path: "/proxied/log" },
  "has a holder that fails": { path: "/throwing" },
  "is served when all is stopped": {
    path: "/proxied/slow",
    by: (_client, simulation) => simulation.gateway.stopNow(),
  },
  "is a tunnel whose client leaves": { path: "/proxied", fields: upgrade, by: leave },
  "is a tunnel whose client resets": {
    path: "/proxied",
    fields: upgrade,
    by: (client) => client.connection!.reset(),
  },
  "is a tunnel whose server resets": {
    path: "/proxied",
    fields: upgrade,
    by: (_client, _simulation, upstream) => upstream.connection!.reset(),
  },
  "is a WebSocket whose server leaves": {
    path: "/proxied",
    fields: "Upgrade: websocket\r\nConnection: upgrade\r\n",
    by: (_client, _simulation, upstream) => upstream.leave(),
  },
  "is a silent tunnel": { path: "/proxied", fields: upgrade, by: () => undefined, afterMs: 5000 },
  "is a tunnel when all is stopped": {
    path: "/proxied",
    fields: upgrade,
    by: (_client, simulation) => simulation.gateway.stopNow(),
  },
  "is a tunnel with a log handler that fails": { path: "/proxied/log", fields: upgrade, by: leave },
  "is a tunnel with a holder that fails": { path: "/proxied/throwing", fields: upgrade, by: leave },
  "is a tunnel that had a body": {
    path: "/proxied",
    method: "POST",
    fields: `${upgrade}Content-Length: 4\r\n`,
    body: "body",
    by: leave,
  },
  "is a tunnel without an access log": { path: "/proxied/unlogged", fields: upgrade, by: leave },
};

function send(client: Wire, { method = "GET", path, fields = "", body = "" }: Ending): void {
  client.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`);
}

async function begin(story: Story): Promise<{ simulation: Simulation; upstreams: Wire[] }> {
  const modules = [holding(story)];
  const simulation = await Simulation.start({ http, weather: stillWeather, modules });
  const origin = await simulation.origin(9000, (wire) => serve(simulation, wire));
  return { simulation, upstreams: origin.wires };
}

/** Waits for the end of a request. What zlib says comes in real time. */
async function logged(simulation: Simulation, story: Story): Promise<void> {
  while (!story.includes("logged")) {
    await nextTurn();
    await simulation.advance(0);
  }
}

/** A request that came before, so that the next one has to wait for its turn. */
async function takeTurn(simulation: Simulation, story: Story): Promise<void> {
  const client = simulation.client();
  client.send("GET /limited HTTP/1.1\r\nHost: a\r\n\r\n");
  await simulation.advance(0);
  client.leave();
  await simulation.advance(0);
  story.length = 0;
}

describe("what is held for a request is given back once, in reverse order, after its log lines, when it", () => {
  for (const [name, ending] of Object.entries(endings)) {
    const { by, afterMs = 0, story: expected = usual } = ending;
    test(name, async () => {
      const story: Story = [];
      const { simulation, upstreams } = await begin(story);
      if (ending.path === "/limited") await takeTurn(simulation, story);
      const client = simulation.client();
      client.endsAlong = false;
      ending.before?.(client);
      send(client, ending);
      await simulation.advance(0);
      if (by !== undefined) {
        assert.deepEqual(
          story.filter((what) => !what.startsWith("subrequest")),
          [],
          "before its end",
        );
        by(client, simulation, upstreams.at(-1)!);
        if (afterMs > 0) await simulation.advance(afterMs - 1);
        assert.ok(afterMs === 0 || !story.includes("logged"), "before its end");
        await simulation.advance(afterMs === 0 ? 0 : 1);
      } else await logged(simulation, story);
      assert.deepEqual(story, expected);
      client.leave();
      await simulation.advance(10_000);
      assert.deepEqual(story, expected, "later");
      simulation.assertNothingOpen();
      assert.equal(simulation.gateway.bodyBytesHeld, 0);
      // The only place below the limit is free: limit_conn has heard of it, too.
      const next = simulation.client();
      next.send("GET /proxied HTTP/1.1\r\nHost: a\r\n\r\n");
      await simulation.advance(0);
      if (!name.endsWith("stopped")) assert.match(next.text, /^HTTP\/1\.1 200 /);
    });
  }
});

const plain = 'server { listen 10.0.0.1:80; location / { return 200 "own"; } }';

describe("whoever comes when a request is over", () => {
  test("holds and watches nothing: it is told at once", async () => {
    const story: Story = [];
    let over: Request | null = null;
    const keeping: HttpModule = {
      name: "keeping",
      directives: [],
      attach: (location) => location.log.push((request) => (over = request)),
    };
    const simulation = await Simulation.start({ http: plain, weather: stillWeather, modules: [keeping] });
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(0);
    const request = over! as Request;
    request.onEnd({ onRequestEnd: () => story.push("holder") });
    request.watch({ onRequestEnd: () => story.push("watcher"), onClientGone: () => story.push("gone") });
    request.tellClientGone("closed");
    assert.deepEqual(story, ["holder", "watcher"]);
    await simulation.finish();
  });
});
