import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation, livelyWeather } from "../../../gateway/simulation.fixture.ts";
import type { SimulationOptions } from "../../../gateway/simulation.fixture.ts";
import { answering, incomplete, response } from "../../../gateway/wire.fixture.ts";
import type { Wire } from "../../../gateway/wire.fixture.ts";

function limited(zone = "$arg_k zone=one:1m", connections = 2): string {
  return `
    limit_conn_zone ${zone};
    proxy_read_timeout 3s;
    server {
      listen 10.0.0.1:80;
      limit_conn one ${connections};
      error_page 504 502 /elsewhere;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
      location / { proxy_pass http://10.0.0.9:9000; }
      location /late { proxy_pass http://10.0.0.9:9000; proxy_ignore_client_abort on; }
      location /gone { proxy_pass http://10.0.0.9:9001; }
      location /elsewhere { proxy_pass http://10.0.0.9:9000/late; }
    }`;
}

/** Answers at once; "/late" after two seconds, "/never" never, and upgrades. */
async function begin(options: Partial<SimulationOptions> = {}): Promise<Simulation> {
  const simulation = await Simulation.start({ http: limited(), ...options });
  await simulation.origin(9000, (wire) =>
    answering(wire, ({ fields, startLine }) => {
      if (fields.has("upgrade")) {
        wire.onBytes = null;
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
      }
      if (startLine.includes("/never")) return null;
      if (!startLine.includes("/late")) return response("200 OK", "ok");
      simulation.network.clock.timer(2000, () => wire.send(response("200 OK", "late")));
      return null;
    }),
  );
  return simulation;
}

function ask(simulation: Simulation, path: string, fields = ""): Wire {
  const client = simulation.client();
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  return client;
}

function upgrade(simulation: Simulation): Wire {
  return ask(simulation, "/chat?k=a", "Upgrade: x\r\nConnection: upgrade\r\n");
}

function status(client: Wire): string {
  const head = client.take({ headOnly: true });
  return head === incomplete ? "none" : head.startLine.slice(9, 12);
}

/** How many tunnels there may still be. */
async function placesLeft(simulation: Simulation): Promise<number> {
  const clients = Array.from({ length: 4 }, () => upgrade(simulation));
  await simulation.until(() => clients.every((client) => client.text.includes("\r\n\r\n")), 5000);
  const places = clients.filter((client) => status(client) === "101").length;
  for (const client of clients) client.leave();
  await simulation.advance(2000);
  return places;
}

describe("limit_conn", () => {
  test("counts tunnels over a reload, and frees them when they end", async () => {
    const simulation = await begin();
    const tunnel = upgrade(simulation);
    await simulation.advance(0);
    assert.equal(status(tunnel), "101");
    await simulation.configure(limited());
    assert.equal(await placesLeft(simulation), 1);
    await simulation.configure(limited("$arg_k zone=one:1m", 3));
    assert.equal(await placesLeft(simulation), 2);
    tunnel.leave();
    await simulation.advance(100);
    assert.equal(await placesLeft(simulation), 3);
    await simulation.finish();
  });

  test("a zone of another size begins anew, and a tunnel of the one before is no part of it", async () => {
    const simulation = await begin();
    const tunnel = upgrade(simulation);
    await simulation.advance(0);
    await simulation.configure(limited("$arg_k zone=one:2m"));
    assert.equal(await placesLeft(simulation), 2);
    tunnel.leave();
    await simulation.advance(100);
    assert.equal(await placesLeft(simulation), 2);
    await simulation.finish();
  });

  test("another key in the same zone is refused", async () => {
    const simulation = await begin();
    await assert.rejects(simulation.configure(limited("$uri zone=one:1m")), {
      message: 'limit_conn_zone "one" uses the "$uri" key while previously it used the "$arg_k" key',
    });
    await simulation.finish();
  });

  test("a request that goes on without its client stays counted to its end", async () => {
    const simulation = await begin();
    const client = ask(simulation, "/late?k=a");
    await simulation.advance(10);
    client.leave();
    await simulation.advance(10);
    assert.equal(await placesLeft(simulation), 1);
    assert.equal(await placesLeft(simulation), 2);
    await simulation.finish();
  });

  test("whatever way a request ends, it is free, once", async () => {
    const paths = ["/?k=a", "/late?k=a", "/never?k=a", "/gone?k=a", "/elsewhere?k=a", "chat"];
    for (let seed = 1; seed <= 60; seed++) {
      const simulation = await begin({ seed, weather: livelyWeather });
      for (let round = 0; round < 12; round++) {
        const kind = (seed * 5 + round * 7) % paths.length;
        const client = kind === 5 ? upgrade(simulation) : ask(simulation, paths[kind]!);
        const afterMs = [1, 20, 90, 1500, 4000][(seed + round * 3) % 5]!;
        const how = (seed + round) % 4;
        simulation.network.clock.timer(afterMs, () => {
          if (how === 0) client.end();
          else if (how === 1) client.connection?.reset();
          else if (how === 2) client.leave();
          else client.send(Buffer.alloc(50, "x"));
        });
        await simulation.advance((round * 67) % 400);
      }
      if (seed % 3 === 0) simulation.gateway.stopNow();
      await simulation.advance(120_000);
      assert.equal(await placesLeft(simulation), 2, `with seed ${seed}`);
      await simulation.finish();
    }
  });
});
