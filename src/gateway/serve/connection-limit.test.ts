import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../simulation.fixture.ts";
import { answering, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const http = `
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://10.0.0.9:9000; }
    location /own { return 200 "own"; }
  }`;
const own = "GET /own HTTP/1.1\r\nHost: a\r\n\r\n";
const proxied = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/** A head that has begun: the connection is not idle any more. */
const begun = "GET /own HTTP/1.1\r\n";

/** One listening socket and the master's channel are counted with the connections. */
async function begin(connections: number): Promise<Simulation> {
  const simulation = await Simulation.start({ http, events: `worker_connections ${connections};` });
  await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "back")));
  return simulation;
}

async function opened(simulation: Simulation, count: number, text: string): Promise<Wire[]> {
  const clients: Wire[] = [];
  for (let index = 0; index < count; index++) {
    const client = simulation.client();
    client.endsAlong = false;
    client.send(text);
    await simulation.advance(1);
    clients.push(client);
  }
  return clients;
}

function logged(simulation: Simulation, text: string): number {
  return simulation.errorLines.filter((line) => line.includes(text)).length;
}

describe("worker_connections", () => {
  test("closes what comes beyond, says so at most once a second, and goes on when there is room", async () => {
    const simulation = await begin(8);
    const clients = await opened(simulation, 9, begun);
    assert.deepEqual(
      clients.map((client) => client.finished),
      [false, false, false, false, false, false, true, true, true],
    );
    assert.equal(logged(simulation, "[alert] "), 1);
    assert.equal(logged(simulation, "8 worker_connections are not enough"), 1);
    clients[0]!.send("Host: a\r\nConnection: close\r\n\r\n");
    clients[0]!.end();
    await simulation.advance(10);
    assert.match(clients[0]!.text, /own$/);
    const [late] = await opened(simulation, 1, own);
    assert.match(late!.text, /own$/);
    simulation.errorLines.length = 0;
    await simulation.finish();
  });

  test("gives up the oldest idle connections first", async () => {
    const simulation = await begin(8);
    const clients = await opened(simulation, 10, own);
    for (const client of clients) assert.match(client.text, /own$/);
    assert.deepEqual(
      clients.map((client) => client.finished),
      [true, true, true, true, false, false, false, false, false, false],
    );
    assert.equal(logged(simulation, "[warn] "), 1);
    assert.equal(logged(simulation, "8 worker_connections are not enough, reusing connections"), 1);
    await simulation.finish();
  });

  test("holds for upstream servers, too: their requests get 500", async () => {
    const simulation = await begin(5);
    await opened(simulation, 2, begun);
    const [client] = await opened(simulation, 1, proxied);
    assert.match(client!.text, /^HTTP\/1.1 500 /);
    assert.equal(logged(simulation, "5 worker_connections are not enough while connecting to upstream"), 1);
    simulation.errorLines.length = 0;
    await simulation.finish();
  });

  test("must be enough for the listening sockets", async () => {
    await assert.rejects(begin(1), /1 worker_connections are not enough for 1 listening sockets/);
    await begin(2);
  });
});

describe("open files", () => {
  const few = { connections: 1000, listening: 1, openFiles: 64, sockets: 16 };

  test("are kept from running out: connections are closed, and accepted again later", async () => {
    const simulation = await begin(1000);
    simulation.gateway.limit.apply(few);
    const clients = await opened(simulation, 20, begun);
    // An eighth is kept for connections to servers.
    assert.equal(clients.filter((client) => !client.finished).length, 14);
    assert.equal(logged(simulation, "64 open files are not enough, new connections are closed"), 1);
    for (const client of clients.slice(0, 5)) client.connection!.reset();
    await simulation.advance(10);
    await opened(simulation, 1, own);
    assert.equal(logged(simulation, "connections are accepted again, 6 were closed"), 1);
    simulation.errorLines.length = 0;
    await simulation.finish();
  });

  test("suffice for the requests of those who were accepted", async () => {
    const simulation = await begin(1000);
    simulation.gateway.limit.apply(few);
    const clients = await opened(simulation, 20, begun);
    clients[3]!.send("Host: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(10);
    assert.match(clients[3]!.text, /back$/);
    simulation.errorLines.length = 0;
    await simulation.finish();
  });
});
