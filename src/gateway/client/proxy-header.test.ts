import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { incomplete } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

const http = `
  server {
    listen 10.0.0.1:80 proxy_protocol;
    listen 10.0.0.1:81;
    client_header_timeout 10s;
    location / { return 200 "$proxy_protocol_addr $proxy_protocol_port"; }
  }`;

const request = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
const text = Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.2 51234 443\r\n");
const binary = Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000201c6336402c82201bb", "hex");

function start(): Promise<Simulation> {
  return Simulation.start({ http, weather: stillWeather });
}

async function answer(simulation: Simulation, client: Wire): Promise<string> {
  let message: Message | typeof incomplete = incomplete;
  await simulation.until(() => (message = client.take()) !== incomplete);
  return (message as unknown as Message).body.toString("latin1");
}

describe("a PROXY protocol header", () => {
  for (const [name, header] of [
    ["text", text],
    ["binary", binary],
  ] as const) {
    test(`of ${name} is taken off a connection, wherever header and request are cut`, async () => {
      const simulation = await start();
      const bytes = Buffer.concat([header, request]);
      for (let cut = 1; cut <= bytes.length; cut++) {
        const client = simulation.client();
        client.send(bytes.subarray(0, cut));
        await simulation.advance(5);
        client.send(bytes.subarray(cut));
        assert.equal(await answer(simulation, client), "192.0.2.1 51234", `cut at ${cut}`);
        client.send(request);
        assert.equal(await answer(simulation, client), "192.0.2.1 51234");
        client.leave();
      }
      await simulation.finish();
      for (const line of simulation.errorLines)
        assert.match(line, /client 127.0.0.1 closed keepalive connection$/);
    });

    test(`of ${name} is waited for byte by byte, for as long as for a request's head`, async () => {
      const simulation = await start();
      const client = simulation.client();
      for (const byte of header.subarray(0, 20)) {
        client.send(Buffer.from([byte]));
        await simulation.advance(400);
      }
      assert.ok(!client.over);
      await simulation.advance(2500);
      assert.ok(client.over);
      assert.match(simulation.errorLines[0]!, /client timed out .* while reading PROXY protocol/);
      client.leave();
      await simulation.finish();
      assert.equal(simulation.errorLines.length, 1);
      assert.deepEqual(simulation.accessLines, []);
    });
  }

  test("leaves the rest of the time for the request's head", async () => {
    const simulation = await start();
    const client = simulation.client();
    await simulation.advance(8000);
    client.send(text);
    await simulation.advance(2500);
    assert.ok(client.over);
    client.leave();
    await simulation.finish();
    assert.equal(simulation.errorLines.length, 1);
    assert.match(simulation.errorLines[0]!, /client timed out .* while waiting for request, client: /);
  });

  test("is waited for no longer than otherwise when the gateway stops", async () => {
    const simulation = await start();
    const clients = ["", "PROXY TCP4"].map((beginning) => {
      const client = simulation.client();
      client.send(beginning);
      return client;
    });
    await simulation.advance(50);
    let stopped = false;
    void simulation.gateway.stopGracefully().then(() => (stopped = true));
    await simulation.advance(50);
    for (const client of clients) assert.ok(!client.over);
    await simulation.advance(10_500);
    assert.ok(stopped);
    for (const client of clients) assert.ok(client.over);
    for (const client of clients) client.leave();
    await simulation.finish();
  });

  test("is awaited from the connections that begin after a reload", async () => {
    const simulation = await start();
    const before = simulation.client(81);
    before.send(request);
    assert.equal(await answer(simulation, before), " ");
    await simulation.configure(http.replace("81;", "81 proxy_protocol;"));
    before.send(request);
    assert.equal(await answer(simulation, before), " ");
    const after = simulation.client(81);
    after.send(Buffer.concat([text, request]));
    assert.equal(await answer(simulation, after), "192.0.2.1 51234");
    const bare = simulation.client(81);
    bare.send(request);
    await simulation.until(() => bare.over);
    assert.match(simulation.errorLines.at(-1)!, /broken header: "G.* while reading PROXY protocol/);
    for (const client of [before, after, bare]) client.leave();
    await simulation.finish();
  });
});
