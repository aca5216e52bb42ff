import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, incomplete, response } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

/** What the first server does wrong, and the word of `proxy_next_upstream` for it. */
const failures: Record<string, { word: string; status: number; serve: ((wire: Wire) => void) | null }> = {
  "is down": { word: "error", status: 502, serve: null },
  resets: { word: "error", status: 502, serve: (wire) => wire.connection!.reset() },
  "ends without an answer": { word: "error", status: 502, serve: (wire) => wire.end() },
  "ends when it was asked": {
    word: "error",
    status: 502,
    serve: (wire) => {
      wire.onBytes = () => wire.end();
    },
  },
  "says nothing": { word: "timeout", status: 504, serve: () => undefined },
  "sends no head": {
    word: "invalid_header",
    status: 502,
    serve: (wire) => answering(wire, () => "what?\r\n\r\n"),
  },
  "sends a broken head": {
    word: "invalid_header",
    status: 502,
    serve: (wire) => answering(wire, () => "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
  },
  ...Object.fromEntries(
    [403, 404, 429, 500, 502, 503, 504].map((status) => [
      `answers ${status}`,
      {
        word: `http_${status}`,
        status,
        serve: (wire: Wire) => answering(wire, () => response(`${status} Any`, "first")),
      },
    ]),
  ),
};

function config(words: string, more = ""): string {
  return `
    proxy_read_timeout 5s;
    proxy_next_upstream ${words};
    ${more}
    upstream origin { server 10.0.0.9:9000; server 10.0.0.9:9001; }
    server { listen 10.0.0.1:80; location / { proxy_pass http://origin; } }`;
}

interface Outcome {
  readonly status: number;
  readonly asked: number;
  readonly line: string;
}

async function run(http: string, serve: ((wire: Wire) => void) | null, request: string): Promise<Outcome> {
  const simulation = await Simulation.start({ http, weather: stillWeather });
  if (serve !== null) await simulation.origin(9000, serve);
  const second = await simulation.origin(9001, (wire) => answering(wire, () => response("200 OK", "second")));
  const client = simulation.client();
  client.send(request);
  let message: Message | typeof incomplete = incomplete;
  await simulation.until(() => (message = client.take()) !== incomplete);
  await simulation.finish();
  assert.equal(simulation.accessLines.length, 1);
  const { startLine } = message as unknown as Message;
  return {
    status: Number(startLine.split(" ")[1]),
    asked: second.wires.length,
    line: simulation.accessLines[0]!,
  };
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

describe("another server is asked", () => {
  for (const [what, { word, status, serve }] of Object.entries(failures)) {
    test(`when the first one ${what} and the words say so`, async () => {
      const outcome = await run(config(word), serve, get);
      assert.deepEqual({ status: outcome.status, asked: outcome.asked }, { status: 200, asked: 1 });
      assert.match(outcome.line, new RegExp(` ${status}, 200$`));
    });

    test(`not when the first one ${what} and the words do not say so`, async () => {
      const outcome = await run(config(word === "error" ? "timeout" : "error"), serve, get);
      assert.deepEqual({ status: outcome.status, asked: outcome.asked }, { status, asked: 0 });
      assert.match(outcome.line, new RegExp(` ${status}$`));
    });
  }

  test("for a POST only as long as nothing was sent, or with non_idempotent", async () => {
    const asked = failures["ends when it was asked"]!.serve;
    assert.deepEqual((await run(config("error"), asked, post)).status, 502);
    assert.deepEqual((await run(config("error non_idempotent"), asked, post)).status, 200);
    assert.deepEqual((await run(config("error"), null, post)).status, 200);
  });

  test("at most proxy_next_upstream_tries times, and within proxy_next_upstream_timeout", async () => {
    assert.equal((await run(config("error", "proxy_next_upstream_tries 1;"), null, get)).status, 502);
    const silent = failures["says nothing"]!.serve;
    assert.equal((await run(config("timeout", "proxy_next_upstream_timeout 5s;"), silent, get)).status, 504);
    assert.equal((await run(config("timeout", "proxy_next_upstream_timeout 6s;"), silent, get)).status, 200);
  });

  test("after 502 for all when none is left", async () => {
    const simulation = await Simulation.start({ http: config("error"), weather: stillWeather });
    const client = simulation.client();
    client.send(get.repeat(2));
    await simulation.advance(1_000);
    await simulation.finish();
    const [first, second] = simulation.accessLines;
    assert.match(first!, / 502, 502$/);
    assert.match(second!, / 502$/);
    assert.ok(simulation.errorLines.some((line) => line.includes("no live upstreams")));
  });
});
