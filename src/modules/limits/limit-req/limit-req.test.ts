import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../../../gateway/simulation.fixture.ts";
import { answering, response } from "../../../gateway/wire.fixture.ts";
import type { Wire } from "../../../gateway/wire.fixture.ts";

function limited(zone: string, limit: string): string {
  return `
    limit_req_zone ${zone};
    server {
      listen 10.0.0.1:80;
      location / { limit_req ${limit}; proxy_pass http://10.0.0.9:9000; }
    }`;
}

const tenPerSecond = "$arg_k zone=one:1m rate=10r/s";

async function begin(http: string): Promise<Simulation> {
  const simulation = await Simulation.start({ http });
  await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "ok")));
  return simulation;
}

function ask(simulation: Simulation, key = "a"): Wire {
  const client = simulation.client();
  client.send(`GET /?k=${key} HTTP/1.0\r\nHost: a\r\n\r\n`);
  return client;
}

/** Status and time of each answer; null while there is none. */
function answers(clients: readonly Wire[]): (string | null)[] {
  return clients.map((client) => {
    const status = /^HTTP\/1\.1 (\d+)/.exec(client.text)?.[1];
    return status === undefined ? null : `${status} at ${client.endedAt}`;
  });
}

async function statusOf(simulation: Simulation, key = "a"): Promise<string | null> {
  const client = ask(simulation, key);
  await simulation.advance(0);
  return answers([client])[0]!.slice(0, 3);
}

describe("limit_req", () => {
  test("spreads a burst by the rate, to the millisecond, and refuses the rest", async () => {
    const simulation = await begin(limited(tenPerSecond, "zone=one burst=3"));
    const clients = Array.from({ length: 6 }, () => ask(simulation));
    await simulation.advance(1000);
    assert.deepEqual(answers(clients).map(String).toSorted(), [
      "200 at 0",
      "200 at 100",
      "200 at 200",
      "200 at 300",
      "503 at 0",
      "503 at 0",
    ]);
    await simulation.finish();
  });

  test("delays what is beyond delay= only", async () => {
    const simulation = await begin(limited(tenPerSecond, "zone=one burst=3 delay=2"));
    const clients = Array.from({ length: 5 }, () => ask(simulation));
    await simulation.advance(1000);
    assert.deepEqual(answers(clients).map(String).toSorted(), [
      "200 at 0",
      "200 at 0",
      "200 at 0",
      "200 at 100",
      "503 at 0",
    ]);
    await simulation.finish();
  });

  test("a client that gives up frees its connection at once, but keeps its turn", async () => {
    const simulation = await begin(limited(tenPerSecond, "zone=one burst=2"));
    ask(simulation);
    await simulation.advance(0);
    const second = ask(simulation);
    await simulation.advance(0);
    const third = ask(simulation);
    await simulation.advance(50);
    second.connection!.shutdown();
    await simulation.advance(1);
    assert.ok(second.endedAt !== null);
    await simulation.advance(1000);
    assert.deepEqual(answers([third]), ["200 at 200"]);
    assert.deepEqual(simulation.accessLines.toSorted(), [
      "GET /?k=a 200 2 200",
      "GET /?k=a 200 2 200",
      "GET /?k=a 499 0 -",
    ]);
    await simulation.finish();
  });

  test("a client that resets while it waits leaves nothing behind", async () => {
    const simulation = await begin(limited(tenPerSecond, "zone=one burst=2"));
    ask(simulation);
    await simulation.advance(0);
    const second = ask(simulation);
    await simulation.advance(50);
    second.connection!.reset();
    await simulation.advance(1);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
  });

  test("a stop while requests wait leaves nothing behind", async () => {
    const simulation = await begin(limited(tenPerSecond, "zone=one burst=2"));
    ask(simulation);
    ask(simulation);
    await simulation.advance(50);
    simulation.gateway.stopNow();
    await simulation.finish();
  });

  test("keeps what it knows when the configuration is read again, also with another rate", async () => {
    const simulation = await begin(limited("$arg_k zone=one:1m rate=1r/m", "zone=one burst=1 nodelay"));
    assert.equal(await statusOf(simulation), "200");
    assert.equal(await statusOf(simulation), "200");
    await simulation.configure(limited("$arg_k zone=one:1m rate=1r/m", "zone=one burst=1 nodelay"));
    assert.equal(await statusOf(simulation), "503");
    await simulation.configure(limited("$arg_k zone=one:1m rate=1r/s", "zone=one burst=1 nodelay"));
    assert.equal(await statusOf(simulation), "503");
    await simulation.advance(1000);
    assert.equal(await statusOf(simulation), "200");
    assert.equal(await statusOf(simulation), "503");
    await simulation.finish();
  });

  test("begins anew in a zone of another size", async () => {
    const simulation = await begin(limited("$arg_k zone=one:1m rate=1r/m", "zone=one"));
    assert.equal(await statusOf(simulation), "200");
    await simulation.configure(limited("$arg_k zone=one:2m rate=1r/m", "zone=one"));
    assert.equal(await statusOf(simulation), "200");
    assert.equal(await statusOf(simulation), "503");
    await simulation.finish();
  });

  test("a configuration that counts by another key in the same zone is refused, and changes nothing", async () => {
    const simulation = await begin(limited("$arg_k zone=one:1m rate=1r/m", "zone=one"));
    assert.equal(await statusOf(simulation), "200");
    await assert.rejects(simulation.configure(limited("$uri zone=one:1m rate=1r/m", "zone=one")), {
      message: 'limit_req "one" uses the "$uri" key while previously it used the "$arg_k" key',
    });
    assert.equal(await statusOf(simulation), "503");
    assert.equal(await statusOf(simulation, "b"), "200");
    await simulation.finish();
  });

  test("a zone that a configuration lacked once is a new one", async () => {
    const simulation = await begin(limited("$arg_k zone=one:1m rate=1r/m", "zone=one"));
    assert.equal(await statusOf(simulation), "200");
    await simulation.configure("server { listen 10.0.0.1:80; location / { return 204; } }");
    assert.equal(await statusOf(simulation), "204");
    await simulation.configure(limited("$uri zone=one:1m rate=1r/m", "zone=one"));
    assert.equal(await statusOf(simulation), "200");
    await simulation.finish();
  });
});
