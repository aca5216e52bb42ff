import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../../gateway/simulation.fixture.ts";
import type { Origin } from "../../gateway/simulation.fixture.ts";
import { answering, incomplete, response } from "../../gateway/wire.fixture.ts";
import type { Message } from "../../gateway/wire.fixture.ts";
import { NameScript } from "../../net/name-server.fixture.ts";

const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function config(servers: string, more = ""): string {
  return `
    resolver 10.0.0.53 valid=10s;
    resolver_timeout 5s;
    upstream app { zone app 64k; ${servers} }
    ${more}
    server { listen 10.0.0.1:80; location / { proxy_pass http://app; } }`;
}

/** The configuration is read before there is a network to tell names to: a first one knows none. */
async function start(servers: string, names: Record<string, string[]> = {}, more = ""): Promise<Simulation> {
  const simulation = await Simulation.start({ http: "" });
  for (const [name, addresses] of Object.entries(names)) simulation.network.names.set(name, addresses);
  await simulation.configure(config(servers, more));
  return simulation;
}

/** A server on each address, which answers with the last number of it. */
async function origins(simulation: Simulation, ...addresses: string[]): Promise<Origin[]> {
  return Promise.all(
    addresses.map((address) =>
      simulation.origin(
        9000,
        (wire) => answering(wire, () => response("200 OK", address.split(".")[3]!)),
        address,
      ),
    ),
  );
}

/** What so many requests got, sorted: bodies, or the status where it is not 200. */
async function served(simulation: Simulation, count: number): Promise<string> {
  const bodies: string[] = [];
  for (let at = 0; at < count; at++) {
    const { startLine, body } = await simulation.ask(get);
    const status = startLine.split(" ")[1]!;
    bodies.push(status === "200" ? body.toString() : status);
  }
  return bodies.toSorted().join(" ");
}

test("a name's addresses are peers, before the first request comes", async () => {
  const simulation = await start("server app.test:9000 resolve;", { "app.test": ["10.0.1.1", "10.0.1.2"] });
  await origins(simulation, "10.0.1.1", "10.0.1.2");
  assert.equal(await served(simulation, 4), "1 1 2 2");
  await simulation.finish();
});

test("peers come and go with the name's addresses", async () => {
  const simulation = await start("server app.test:9000 resolve;", { "app.test": ["10.0.1.1", "10.0.1.2"] });
  await origins(simulation, "10.0.1.1", "10.0.1.2", "10.0.1.3");
  simulation.network.names.set("app.test", ["10.0.1.2", "10.0.1.3"]);
  assert.equal(await served(simulation, 2), "1 2");
  await simulation.advance(12_000);
  assert.equal(await served(simulation, 4), "2 2 3 3");
  simulation.network.names.set("app.test", ["10.0.1.1"]);
  await simulation.advance(12_000);
  assert.equal(await served(simulation, 2), "1 1");
  await simulation.finish();
});

test("a request goes on when its peer is taken away", async () => {
  const simulation = await start("server app.test:9000 resolve;", { "app.test": ["10.0.1.1"] });
  const slow = await simulation.origin(9000, () => undefined, "10.0.1.1");
  await origins(simulation, "10.0.1.2");
  const client = simulation.client();
  client.send(get);
  await simulation.until(() => slow.wires.length === 1);
  simulation.network.names.set("app.test", ["10.0.1.2"]);
  await simulation.advance(12_000);
  assert.equal(await served(simulation, 2), "2 2");
  slow.wires[0]!.send(response("200 OK", "late"));
  let message: Message | typeof incomplete = incomplete;
  await simulation.until(() => (message = client.take()) !== incomplete);
  assert.equal((message as unknown as Message).body.toString(), "late");
  await simulation.finish();
});

test("counts of peers that stay go on when others come", async () => {
  const simulation = await start("least_conn; server app.test:9000 resolve;", { "app.test": ["10.0.1.1"] });
  const slow = await simulation.origin(9000, () => undefined, "10.0.1.1");
  await origins(simulation, "10.0.1.2");
  simulation.client().send(get);
  await simulation.until(() => slow.wires.length === 1);
  simulation.network.names.set("app.test", ["10.0.1.1", "10.0.1.2"]);
  await simulation.advance(12_000);
  assert.equal(await served(simulation, 3), "2 2 2", "the first has one connection already");
  await simulation.finish();
});

test("a name that does not exist does not keep the gateway from starting", async () => {
  const simulation = await start("server app.test:9000 resolve;");
  await origins(simulation, "10.0.1.1");
  assert.equal(await served(simulation, 1), "502");
  assert.match(simulation.errorLines.join("\n"), /no live upstreams while connecting to upstream/);
  assert.match(simulation.errorLines.join("\n"), /app\.test could not be resolved \(3: Host not found\)$/m);
  simulation.network.names.set("app.test", ["10.0.1.1"]);
  await simulation.advance(10_000);
  assert.equal(await served(simulation, 1), "502", "nobody asks again before `valid` is over");
  await simulation.advance(1_000);
  assert.equal(await served(simulation, 1), "1");
  await simulation.finish();
});

test("addresses stay in use while name servers fail, and over a reload", async () => {
  const simulation = await start("server app.test:9000 resolve;", { "app.test": ["10.0.1.1"] });
  await origins(simulation, "10.0.1.1");
  simulation.network.nameServer.failure = "serverFailure";
  await simulation.advance(30_000);
  assert.equal(await served(simulation, 1), "1");
  await simulation.configure(config("server app.test:9000 resolve;"));
  assert.equal(await served(simulation, 1), "1");
  assert.match(simulation.errorLines.join("\n"), /app\.test could not be resolved \(2: Server failure\)$/m);
  await simulation.finish();
});

/** What so many requests got, in their order. */
async function sequence(simulation: Simulation, count: number): Promise<string> {
  const bodies: string[] = [];
  for (let at = 0; at < count; at++) bodies.push(await served(simulation, 1));
  return bodies.join(" ");
}

test("peers of addresses come first, then those of names, beginning with the last line", async () => {
  const servers = `keepalive 0; server one.test:9000 resolve; server two.test:9000 resolve; server 10.0.1.3:9000;`;
  const simulation = await start(servers, { "one.test": ["10.0.1.1"], "two.test": ["10.0.1.2"] });
  await origins(simulation, "10.0.1.1", "10.0.1.2", "10.0.1.3");
  assert.equal(await sequence(simulation, 6), "3 2 1 3 2 1");
  await simulation.finish();
});

/** A name server at 10.0.0.53 that goes by a script; a line changes it. */
function scripted(simulation: Simulation, text: string): NameScript {
  const script = new NameScript(text);
  simulation.network.serveDatagrams({ address: "10.0.0.53", port: 53 }, (question, answer) => {
    const said = script.answerTo(question, false);
    if (said !== null) answer(said);
  });
  return script;
}

test("what a later answer makes of the peers", async () => {
  const simulation = await Simulation.start({ http: "" });
  const script = scripted(simulation, "app.test 10.0.1.1\nb.test 10.0.1.2");
  await simulation.configure(config("server app.test:9000 resolve;"));
  await origins(simulation, "10.0.1.1", "10.0.1.2", "10.0.1.3");
  const after = async (line: string): Promise<string> => {
    script.tell(line);
    // Longer than an answer is valid, and than failures are waited for.
    await simulation.advance(16_000);
    return served(simulation, 1);
  };
  assert.equal(await after("app.test cname=b.test"), "2", "an alias is asked on");
  assert.equal(await after("app.test servfail"), "2");
  assert.equal(await after("app.test silent"), "2");
  assert.equal(await after("app.test 10.0.1.3 aaaa:servfail"), "2", "half an answer is none");
  assert.equal(await after("app.test 10.0.1.3"), "3");
  assert.equal(await after("app.test empty"), "502");
  assert.equal(await after("app.test 10.0.1.1"), "1");
  assert.equal(await after("app.test nxdomain"), "502");
  await simulation.finish();
});

test("a reload with another port uses the addresses that are known, within a zone", async () => {
  const simulation = await start("server app.test:9000 resolve;", { "app.test": ["10.0.1.1"] });
  await origins(simulation, "10.0.1.1");
  await simulation.origin(9001, (wire) => answering(wire, () => response("200 OK", "other")), "10.0.1.1");
  simulation.network.nameServer.failure = "serverFailure";
  await simulation.configure(config("server app.test:9001 resolve;"));
  assert.equal(await served(simulation, 1), "other");
  const elsewhere = config("server app.test:9001 resolve;").replace("zone app", "zone other");
  await simulation.configure(elsewhere);
  assert.equal(await served(simulation, 1), "502");
  await simulation.finish();
});

test("of more addresses than there is room for, some are used, and one line tells of the others", async () => {
  const simulation = await Simulation.start({ http: "" });
  scripted(simulation, "app.test many=200 aaaa:empty");
  await simulation.configure(config("server app.test:9000 resolve;"));
  const addresses = Array.from({ length: 200 }, (_, at) => `127.0.0.${at + 1}`);
  await origins(simulation, ...addresses);
  await simulation.advance(60_000);
  assert.equal(new Set((await served(simulation, 100)).split(" ")).size, 64);
  assert.deepEqual(
    simulation.errorLines.map((line) => line.replace(/^.*?\[/, "[").replace(/\d+#\d+: /, "")),
    ['[alert] no room for 136 servers of app.test in upstream "app"'],
  );
  simulation.errorLines.length = 0;
  await simulation.finish();
});

test("services and targets that cannot be found are told of", async () => {
  const simulation = await Simulation.start({ http: "" });
  const script = scripted(
    simulation,
    `_http._tcp.app.test srv=1:1:9000:one.test srv=1:1:9000:none.test
     one.test 10.0.1.1`,
  );
  await simulation.configure(config("server app.test service=http resolve;"));
  await origins(simulation, "10.0.1.1");
  assert.equal(await served(simulation, 1), "1");
  script.tell("_http._tcp.app.test servfail");
  await simulation.advance(12_000);
  assert.equal(await served(simulation, 1), "1");
  const log = simulation.errorLines.join("\n");
  assert.match(
    log,
    /none\.test could not be resolved \(3: Host not found\) while resolving service http of app\.test$/m,
  );
  assert.match(log, /service http of app\.test could not be resolved \(2: Server failure\)$/m);
  await simulation.finish();
});

test("static servers, names and backups stand side by side", async () => {
  const servers =
    "keepalive 0; server 10.0.1.1:9000; server app.test:9000 resolve; server spare.test:9000 resolve backup;";
  const simulation = await start(servers, { "app.test": ["10.0.1.2"], "spare.test": ["10.0.1.3"] });
  const [first, second] = await origins(simulation, "10.0.1.1", "10.0.1.2", "10.0.1.3");
  assert.equal(await served(simulation, 4), "1 1 2 2");
  await first!.stop();
  await second!.stop();
  assert.equal(await served(simulation, 2), "3 3");
  await simulation.finish();
});

test("a service's records give ports, weights and backups", async () => {
  const simulation = await Simulation.start({ http: "" });
  const { names, services } = simulation.network.nameServer;
  names.set("one.test", ["10.0.1.1"]);
  names.set("two.test", ["10.0.1.2"]);
  names.set("three.test", ["10.0.1.3"]);
  services.set("_http._tcp.app.test", [
    { target: "one.test", port: 9000, priority: 1, weight: 1 },
    { target: "two.test", port: 9000, priority: 1, weight: 3 },
    { target: "three.test", port: 9000, priority: 5, weight: 1 },
  ]);
  await simulation.configure(config("keepalive 0; server app.test service=http resolve;"));
  const [first, second] = await origins(simulation, "10.0.1.1", "10.0.1.2", "10.0.1.3");
  assert.equal(await served(simulation, 4), "1 2 2 2");
  await first!.stop();
  await second!.stop();
  assert.equal(await served(simulation, 1), "3");
  await simulation.finish();
});

test("a service name with a dot is taken as it is", async () => {
  const simulation = await Simulation.start({ http: "" });
  simulation.network.names.set("one.test", ["10.0.1.1"]);
  simulation.network.nameServer.services.set("a._tcp.app.test", [
    { target: "one.test", port: 9000, priority: 1, weight: 0 },
  ]);
  await simulation.configure(config("server app.test service=a._tcp resolve;"));
  await origins(simulation, "10.0.1.1");
  assert.equal(await served(simulation, 1), "1");
  await simulation.finish();
});

test("a configuration that is gone asks no more", async () => {
  const simulation = await start("server app.test:9000 resolve;", { "app.test": ["10.0.1.1"] });
  await simulation.configure("server { listen 10.0.0.1:80; }");
  await simulation.advance(1_000);
  assert.equal(simulation.network.clock.nextAt, Infinity, "timers are left");
  await simulation.finish();
});

test("names to be resolved need a resolver", async () => {
  const http = "upstream app { server app.test resolve; } server { listen 10.0.0.1:80; }";
  await assert.rejects(Simulation.start({ http }), /no resolver defined to resolve names at run time/);
});
