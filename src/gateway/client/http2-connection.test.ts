import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HttpModule } from "../build/http-module.ts";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, livelyWeather, steadyWeather } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { answering, chunked, response } from "../wire.fixture.ts";
import type { Message } from "../wire.fixture.ts";
import { Http2SimulatedClient } from "./http2-client.fixture.ts";

const proxied = `
  http2 on;
  keepalive_requests 100000;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    client_max_body_size 0;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
    location /own { return 200 "own answer"; }
    location /small { client_max_body_size 10; proxy_pass http://origin; }
    location /slow { limit_rate 1000; return 200 "${"x".repeat(3000)}"; }
    location /vars { return 200 "$server_protocol $http2 $host $request_uri"; }
  }`;

function echo(request: Message): Buffer {
  const body = Buffer.concat([Buffer.from(`${request.startLine}\n`), request.body]);
  return request.startLine.includes("/chunked")
    ? Buffer.concat([
        Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        chunked(body, 777),
      ])
    : response("200 OK", body);
}

async function start(options: Partial<SimulationOptions> = {}): Promise<Simulation> {
  const simulation = await Simulation.start({ http: proxied, ...options });
  await simulation.origin(9000, (wire) => answering(wire, echo));
  return simulation;
}

describe("an HTTP/2 connection of a client", () => {
  test("answers what is asked with prior knowledge, and tells its protocol", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/vars?x");
    await simulation.until(() => asked.done);
    assert.equal(asked.answer.status, 200);
    assert.equal(asked.answer.body, "HTTP/2.0 h2c a /vars?x");
    await simulation.finish();
    assert.match(simulation.accessLines[0]!, /^GET \/vars\?x 200 /);
  });

  test("HTTP/1 is spoken beside it, from its first byte on", async () => {
    const simulation = await start();
    for (const request of ["GET", "POST", "PRI", "P"]) {
      const answer = await simulation.ask(`${request} /vars HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.equal(answer.startLine, "HTTP/1.1 200 OK", request);
      assert.equal(answer.body.toString(), "HTTP/1.1  a /vars");
    }
    await simulation.finish();
  });

  test("many streams at once, cut anywhere, are answered whole", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const simulation = await start({ seed, weather: livelyWeather });
      const client = new Http2SimulatedClient(simulation);
      const paths = ["/own", "/plain", "/chunked", "/streamed", "/streamed/chunked"];
      const sizes = [0, 1, 5_000, 70_000, 200_000];
      const all = Array.from({ length: 12 }, (_, index) => {
        const body = patternBytes(sizes[(index + seed) % sizes.length]!, index);
        const path = `${paths[index % paths.length]!}/${index}`;
        const method = body.length > 0 ? "POST" : "GET";
        const fields: Record<string, string> =
          index % 2 === 0 ? { "content-length": String(body.length) } : {};
        return { method, path, body, asked: client.ask(path, { method, body, fields }) };
      });
      await simulation.until(() => all.every(({ asked }) => asked.done));
      for (const { method, path, body, asked } of all) {
        assert.equal(asked.answer.status, 200, `seed ${seed} ${path}`);
        // Of a body that nobody wants, the rest is refused without an error (RFC 9113, section 8.1).
        if (!path.startsWith("/own")) assert.equal(asked.answer.reset, null, `seed ${seed} ${path}`);
        else assert.equal(asked.answer.reset?.[0] ?? 0, 0);
        const expected = path.startsWith("/own")
          ? "own answer"
          : `${method} ${path} HTTP/1.1\n${body.toString("latin1")}`;
        assert.ok(asked.answer.body === expected, `seed ${seed} ${path}`);
      }
      await simulation.finish();
      assert.equal(simulation.accessLines.length, all.length);
    }
  });

  test("a body that is too large is refused with 413, whether its length is told or not", async () => {
    for (const fields of [{ "content-length": "70000" }, {}]) {
      const simulation = await start();
      const client = new Http2SimulatedClient(simulation);
      const asked = client.ask("/small", { method: "POST", body: patternBytes(70_000, 1), fields });
      const other = client.ask("/own");
      await simulation.until(() => asked.done && other.done);
      assert.equal(asked.answer.status, 413);
      assert.equal(other.answer.status, 200);
      await simulation.finish();
    }
  });

  test("a head that is refused is answered with 400, and the connection goes on", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/own", { authority: "a", fields: { "content-length": "3x" } });
    const other = client.ask("/own");
    await simulation.until(() => asked.done && other.done);
    assert.equal(asked.answer.status, 400);
    assert.equal(other.answer.status, 200);
    await simulation.finish();
    assert.ok(simulation.accessLines.some((line) => line.startsWith("GET /own 400 ")));
    const line = simulation.errorLines.find((text) => text.includes("Content-Length"));
    assert.match(line!, /client: [\d.]+, server: , request: "GET \/own HTTP\/2\.0", host: "a"/);
  });

  test("a client that resets a stream ends its request with 499, and no other", async () => {
    const simulation = await Simulation.start({ http: proxied });
    let upstreamsClosed = 0;
    const origin = await simulation.origin(9000, (wire) => {
      wire.onPeerEnd = () => (upstreamsClosed += 1);
    });
    const client = new Http2SimulatedClient(simulation);
    const asked = client.ask("/never");
    await simulation.until(() => (origin.wires[0]?.inbox.length ?? 0) > 0);
    asked.stream.reset(8);
    client.session.flush();
    const other = client.ask("/own");
    await simulation.until(() => other.done && simulation.accessLines.length === 2);
    assert.ok(simulation.accessLines.some((line) => line.startsWith("GET /never 499 ")));
    assert.ok(simulation.errorLines.some((line) => line.includes("client canceled stream 1")));
    await simulation.finish();
    assert.equal(upstreamsClosed, 1);
  });

  test("a stream that is not read holds back its server, and no other stream", async () => {
    const size = 3_000_000;
    const simulation = await Simulation.start({ http: proxied, weather: steadyWeather });
    const origin = await simulation.origin(9000, (wire) =>
      answering(wire, () => response("200 OK", patternBytes(size, 1))),
    );
    const client = new Http2SimulatedClient(simulation);
    const stalled = client.ask("/big", { consumesAtOnce: false });
    await simulation.advance(5_000);
    assert.ok(origin.wires[0]!.unsent > size / 2, "the server was not held back");
    const other = client.ask("/plain");
    await simulation.until(() => other.done);
    assert.equal(other.answer.body.length, size);
    assert.equal(stalled.done, false);
    await simulation.finish();
  });

  test("who watches the thread is told whose stream it is at work for", async () => {
    const seen: string[] = [];
    const watcher: HttpModule = {
      name: "watcher",
      directives: [],
      variables: [{ name: "beat", get: ({ client }) => client.gateway.heartbeat.work?.requestLine ?? "" }],
    };
    const simulation = await Simulation.start({
      http: `http2 on; server { listen 10.0.0.1:80; proxy_set_header X-Beat $beat; location / { proxy_pass http://10.0.0.9:9000; } }`,
      modules: [watcher],
    });
    await simulation.origin(9000, (wire) =>
      answering(wire, (request) => {
        seen.push(`${request.fields.get("x-beat")} for ${request.startLine}`);
        return response("200 OK", Buffer.alloc(0));
      }),
    );
    const client = new Http2SimulatedClient(simulation);
    const first = client.ask("/first", { method: "POST", body: null });
    const second = client.ask("/second", { method: "POST", body: null });
    await simulation.advance(10);
    for (const asked of [first, second]) {
      asked.owner.sender!.push(Buffer.from("body"));
      asked.owner.sender!.end(null);
      client.session.flush();
      await simulation.until(() => asked.done);
    }
    assert.deepEqual(seen, [
      "POST /first HTTP/2.0 for POST /first HTTP/1.1",
      "POST /second HTTP/2.0 for POST /second HTTP/1.1",
    ]);
    await simulation.finish();
  });

  test("limit_rate holds per stream", async () => {
    const simulation = await start();
    const client = new Http2SimulatedClient(simulation);
    const begun = simulation.now;
    const slow = client.ask("/slow");
    const fast = client.ask("/own");
    await simulation.until(() => fast.done);
    assert.ok(simulation.now - begun < 100);
    await simulation.until(() => slow.done);
    assert.equal(slow.answer.body.length, 3000);
    assert.ok(simulation.now - begun >= 1_900, String(simulation.now - begun));
    await simulation.finish();
  });
});
