import assert from "node:assert/strict";
import { test } from "node:test";
import { refuse } from "../../config/slots.ts";
import type { DirectiveSpec } from "../../config/module.ts";
import { buildOf } from "../build/http-build.ts";
import type { HttpModule } from "../build/http-module.ts";
import { DONE } from "../request/handler.ts";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { readPass } from "./target.ts";
import type { AddressForm, Pass } from "./target.ts";
import { passHandler } from "./target-search.ts";

/** A protocol without a port of its own; the word before addresses may be left out, as for `grpc_pass`. */
const form: AddressForm = {
  schemes: [
    { prefix: "toy://", defaultPort: 0, tls: false },
    { prefix: "toys://", defaultPort: 0, tls: true },
  ],
  withoutScheme: { prefix: "toy://", defaultPort: 0, tls: false },
  allowUri: false,
};

const directive: DirectiveSpec = {
  name: "toy_pass",
  contexts: ["location"],
  args: "1",
  default: null,
  inherited: "own",
  doc: "Tells where a request would be passed to.",
  set(scope, read) {
    const settings = scope.location(toy);
    if (settings.pass !== undefined) return refuse(scope, read, "is duplicate");
    settings.pass = readPass(scope, read, buildOf(scope), form);
  },
};

const toy: HttpModule<object, object, { pass?: Pass }> = {
  name: "toy",
  directives: [directive],
  location: { defaults: () => ({}) },
  attach(location, { pass }, { upstreams }) {
    if (pass === undefined) return;
    const search = { form, upstreams, ignoreClientAbort: false };
    location.content = passHandler(pass, search, (request, { scheme, upstream, host, port }) => {
      const selection = upstream.begin(request);
      const peer = selection.next()!;
      selection.release(peer, "ok");
      const text = `${scheme.prefix} ${scheme.tls} ${host} ${port} ${upstream.name} ${peer.name}`;
      request.response.status = 200;
      request.response.sendWhole(Buffer.from(text));
      return DONE;
    });
  },
};

function config(pass: string): string {
  return `
    resolver 10.0.0.53;
    upstream app { server 10.0.1.1:9000; }
    server { listen 10.0.0.1:80; location / { toy_pass ${pass}; } }`;
}

async function start(pass: string): Promise<Simulation> {
  return Simulation.start({ http: config(pass), weather: stillWeather, modules: [toy] });
}

/** What a request is told of its target: the body, or the status where it is not 200. */
async function toldBy(simulation: Simulation, to: string): Promise<string> {
  const request = `GET /?to=${to} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  const { startLine, body } = await simulation.ask(request);
  return startLine.includes(" 200 ") ? body.toString() : startLine.split(" ")[1]!;
}

const targets: readonly [address: string, target: string][] = [
  ["10.0.1.2:9001", "toy:// false 10.0.1.2:9001 9001 10.0.1.2:9001 10.0.1.2:9001"],
  ["toy://10.0.1.2:9001", "toy:// false 10.0.1.2:9001 9001 10.0.1.2:9001 10.0.1.2:9001"],
  ["TOYS://10.0.1.2:9001", "toys:// true 10.0.1.2:9001 9001 10.0.1.2:9001 10.0.1.2:9001"],
  ["[::1]:9001", "toy:// false [::1]:9001 9001 [::1]:9001 [::1]:9001"],
  ["unix:/run/toy", "toy:// false localhost  unix:/run/toy unix:/run/toy"],
  ["app", "toy:// false app 0 app 10.0.1.1:9000"],
  ["toys://APP", "toys:// true APP 0 app 10.0.1.1:9000"],
];

for (const [address, target] of targets) {
  test(`${address} is one target, written or worked out`, async () => {
    const written = await start(address);
    assert.equal(await toldBy(written, ""), target);
    await written.finish();
    const workedOut = await start("$arg_to");
    assert.equal(await toldBy(workedOut, address), target);
    await workedOut.finish();
  });
}

test("a name that is worked out is asked for", async () => {
  const simulation = await start("$arg_to");
  simulation.network.names.set("app.test", ["10.0.1.5"]);
  const target = "toy:// false app.test:9001 9001 app.test:9001 10.0.1.5:9001";
  assert.equal(await toldBy(simulation, "app.test:9001"), target);
  assert.equal(await toldBy(simulation, "none.test:9001"), "502");
  await simulation.finish();
});

const mistakes: readonly [address: string, complaint: string][] = [
  ["10.0.1.2", 'no port in upstream "10.0.1.2"'],
  ["app.test", 'no port in upstream "app.test"'],
  ["toy://", 'no host in upstream ""'],
  ["10.0.1.2:x", 'invalid port in upstream "10.0.1.2:x"'],
  ["10.0.1.2:9001/path", 'invalid host in upstream "10.0.1.2:9001/path"'],
];

for (const [address, complaint] of mistakes) {
  test(`${address} is refused, written or worked out`, async () => {
    await assert.rejects(start(address), (error: Error) => error.message.startsWith(complaint));
    const simulation = await start("$arg_to");
    assert.equal(await toldBy(simulation, address), "500");
    const told = address === "toy://" ? 'invalid URL prefix in "toy://"' : complaint;
    assert.ok(simulation.errorLines.some((line) => line.includes(told)));
    await simulation.finish();
  });
}
