import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../simulation.fixture.ts";
import { answering, incomplete, response } from "../wire.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

/** Different times for everything, so that each test sees which one struck. */
const http = `
  client_header_timeout 7s;
  client_body_timeout 11s;
  send_timeout 13s;
  keepalive_timeout 17s;
  lingering_timeout 5s;
  lingering_time 19s;
  proxy_connect_timeout 23s;
  proxy_send_timeout 29s;
  proxy_read_timeout 31s;
  client_max_body_size 0;
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://10.0.0.9:9000; proxy_request_buffering off; }
    location /whole { proxy_pass http://10.0.0.9:9000; }
    location /own { return 200 "own"; }
    location /hasty { lingering_close off; return 200 "own"; }
    location /black-hole { proxy_pass http://10.0.0.66:9000; }
    location /reset { reset_timedout_connection on; proxy_pass http://10.0.0.9:9000; }
  }`;

const kernelBytesMax = 100_000;

function begin(): Promise<Simulation> {
  return Simulation.start({
    http,
    weather: { delayMsMin: 0, delayMsMax: 0, partialWriteChance: 0, kernelBytesMax },
  });
}

/** An answer that no kernel takes whole. */
const large = response("200 OK", Buffer.alloc(20 * kernelBytesMax, "x"));

/** The lines without the size of the gateway's own error page. */
function withoutSize(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ (\d+) (\d+)$/, " $2"));
}

function ended(wire: Wire): number {
  assert.notEqual(wire.endedAt ?? wire.closedAt, null, "the connection lives on");
  return wire.endedAt ?? wire.closedAt!;
}

describe("the client's times", () => {
  test("a head must come within client_header_timeout, however often a part of it comes", async () => {
    const simulation = await begin();
    const [silent, slow] = [simulation.client(), simulation.client()];
    slow.send("GET / HTTP/1.1\r\n");
    for (let second = 1; second < 9; second++) {
      await simulation.advance(1_000);
      slow.send(`X-${second}: y\r\n`);
    }
    assert.equal(ended(silent), 7_000);
    assert.equal(ended(slow), 7_000);
    assert.equal(slow.text, "");
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET / 408 0 -"]);
  });

  test("a body must go on within client_body_timeout after each piece", async () => {
    const simulation = await begin();
    await simulation.origin(9000, () => undefined);
    const client = simulation.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    await simulation.advance(10_000);
    client.send("def");
    await simulation.advance(10_999);
    assert.equal(client.endedAt, null);
    await simulation.advance(1);
    assert.equal(ended(client), 21_000);
    assert.equal(client.text, "");
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["POST / 408 0 -"]);
  });

  test("a kept connection is closed after keepalive_timeout, counted from the answer", async () => {
    const simulation = await begin();
    const client = simulation.client();
    client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(16_000);
    client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(60_000);
    assert.equal(ended(client), 33_000);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET /own 200 3 -", "GET /own 200 3 -"]);
  });

  test("the next head on a kept connection has client_header_timeout from its first byte", async () => {
    const simulation = await begin();
    const client = simulation.client();
    client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(10_000);
    client.send("G");
    await simulation.advance(60_000);
    assert.equal(ended(client), 17_000);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 2);
  });

  test("a client that takes nothing is dropped after send_timeout", async () => {
    const simulation = await begin();
    await simulation.origin(9000, (wire) => answering(wire, () => large));
    const client = simulation.client();
    await simulation.advance(1_000);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.connection!.pause();
    await simulation.advance(12_999);
    assert.equal(simulation.gateway.connections.size, 1);
    await simulation.advance(1);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
    assert.match(simulation.accessLines.join("\n"), /^GET \/ 200 \d+ 200$/);
    assert.ok(
      simulation.errorLines.some((line) => line.includes("client timed out (110: Connection timed out)")),
    );
  });

  test("a client that takes a little now and then is not", async () => {
    const simulation = await begin();
    const body = Buffer.alloc(2 * kernelBytesMax);
    await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", body)));
    const client = simulation.client();
    client.readSlowly(40_000, 9_000);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.until(() => client.take() !== incomplete, 24 * 3_600_000);
    assert.ok(simulation.now > 20_000, "the client was not slow");
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, [`GET / 200 ${body.length} 200`]);
  });

  test("reset_timedout_connection resets instead", async () => {
    const simulation = await begin();
    await simulation.origin(9000, (wire) => answering(wire, () => large));
    const client = simulation.client();
    client.send("GET /reset HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.until(() => client.connection !== null);
    client.connection!.pause();
    await simulation.advance(14_000);
    client.connection!.resume();
    await simulation.advance(0);
    assert.equal(client.closeCode, "ECONNRESET");
    await simulation.finish();
  });

  test("a body that nobody wants is waited for as long as a client that lingers", async () => {
    const simulation = await begin();
    const [silent, busy] = [simulation.client(), simulation.client()];
    for (const client of [silent, busy])
      client.send("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    for (let second = 0; second < 30; second++) {
      await simulation.advance(1_000);
      if (busy.closedAt === null) busy.send("x");
    }
    assert.equal(ended(silent), 5_000);
    assert.equal(ended(busy), 19_000);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["POST /own 200 3 -", "POST /own 200 3 -"]);
  });

  test("lingering_close off does not wait at all", async () => {
    const simulation = await begin();
    const client = simulation.client();
    client.endsAlong = false;
    await simulation.advance(1_000);
    client.send("GET /hasty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await simulation.advance(1);
    assert.match(client.text, /own$/);
    assert.equal(simulation.gateway.connections.size, 0);
    await simulation.finish();
  });

  test("lingering ends after lingering_timeout of silence, or after lingering_time in all", async () => {
    const simulation = await begin();
    const [silent, busy] = [simulation.client(), simulation.client()];
    for (const client of [silent, busy]) {
      client.endsAlong = false;
      client.send("POST /own HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n");
    }
    for (let second = 0; second < 30; second++) {
      await simulation.advance(1_000);
      if (busy.closedAt === null) busy.send("x");
    }
    assert.match(silent.text, /own$/);
    assert.equal(silent.endedAt, 0);
    assert.equal(silent.closedAt, null);
    assert.equal(simulation.gateway.connections.size, 0);
    const [silentEnd, busyEnd] = simulation.ends;
    assert.ok(!silentEnd!.open && !busyEnd!.open);
    assert.equal(busy.closedAt, 19_000);
    await simulation.finish();
  });
});

describe("the upstream's times", () => {
  test("a connection must be made within proxy_connect_timeout", async () => {
    const simulation = await begin();
    simulation.network.blackHoles.add("10.0.0.66");
    const client = simulation.client();
    client.send("GET /black-hole HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.until(() => client.take() !== incomplete);
    assert.equal(simulation.now, 23_000);
    await simulation.finish();
    assert.deepEqual(withoutSize(simulation.accessLines), ["GET /black-hole 504 504"]);
  });

  test("an answer's head must come within proxy_read_timeout of the request, in pieces or not", async () => {
    const simulation = await begin();
    const origin = await simulation.origin(9000, (wire) => {
      answering(wire, () => "HTTP/1.1 200 OK\r\n");
    });
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(20_000);
    origin.wires[0]!.send("X-Late: 1\r\n");
    await simulation.until(() => client.take() !== incomplete);
    assert.equal(simulation.now, 31_000);
    await simulation.finish();
    assert.deepEqual(withoutSize(simulation.accessLines), ["GET / 504 504"]);
  });

  test("an answer's body must go on within proxy_read_timeout after each piece", async () => {
    const simulation = await begin();
    const origin = await simulation.origin(9000, (wire) => {
      answering(wire, () => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na");
    });
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(30_000);
    origin.wires[0]!.send("b");
    await simulation.until(() => client.endedAt !== null);
    assert.equal(simulation.now, 61_000);
    assert.match(client.text, /\r\n\r\nab$/);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET / 200 2 200"]);
  });

  test("a server that takes nothing of the request is given up after proxy_send_timeout", async () => {
    const simulation = await begin();
    await simulation.origin(9000, (wire) => wire.connection!.pause());
    const client = simulation.client();
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${10 * kernelBytesMax}\r\n\r\n`);
    client.send(Buffer.alloc(10 * kernelBytesMax));
    await simulation.until(() => client.take() !== incomplete);
    assert.equal(simulation.now, 29_000);
    await simulation.finish();
    assert.deepEqual(withoutSize(simulation.accessLines), ["POST / 504 504"]);
  });

  for (const [how, path] of [
    ["as it comes", "/"],
    ["in one go", "/whole"],
  ] as const) {
    test(`a server that takes a request, sent ${how}, slowly has proxy_read_timeout from its end on`, async () => {
      const simulation = await begin();
      const total = 6 * kernelBytesMax;
      let wholeAt = 0;
      await simulation.origin(9000, (wire) => {
        wire.onBytes = () => {
          if (wire.receivedBytes >= total) wholeAt ||= simulation.now;
        };
        wire.readSlowly(20_000, 2_000);
      });
      const client = simulation.client();
      client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
      client.send(Buffer.alloc(total));
      await simulation.until(() => client.take() !== incomplete);
      assert.ok(wholeAt > 31_000, "the request was sent too fast for this test");
      // The last bytes wait in the server's kernel for a while.
      assert.ok(simulation.now <= wholeAt + 31_000 && simulation.now > wholeAt + 15_000);
      await simulation.finish();
      assert.deepEqual(withoutSize(simulation.accessLines), [`POST ${path} 504 504`]);
    });
  }
});
