import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, livelyWeather, steadyWeather } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { answering, chunked, incomplete, response } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

const proxied = `
  keepalive_requests 100000;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    client_max_body_size 0;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
    location /own { return 200 "own answer"; }
  }`;

/** Answers with what it was sent: the request line, then the body. */
function echo(request: Message): Buffer {
  const body = Buffer.concat([Buffer.from(`${request.startLine}\n`), request.body]);
  return request.startLine.includes("/chunked")
    ? Buffer.concat([
        Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        chunked(body, 777),
      ])
    : response("200 OK", body);
}

interface Asked {
  readonly bytes: Buffer;
  readonly line: string;
  readonly body: Buffer;
}

/** The nth request of a client: with and without a body, of any framing and size. */
function ask(seed: number, index: number): Asked {
  const kind = (seed * 7 + index * 5) % 8;
  const body =
    kind < 3 ? Buffer.alloc(0) : patternBytes([1, 300, 5_000, 70_000, 20_000][kind - 3]!, seed + index);
  const path = ["/own", "/plain", "/chunked", "/plain", "/streamed/chunked", "/own", "/streamed", "/chunked"][
    kind
  ]!;
  const asked = `${path}/${index}`;
  const method = body.length === 0 ? "GET" : "POST";
  const inChunks = body.length > 0 && (seed + index) % 2 === 0;
  const framing = inChunks
    ? "Transfer-Encoding: chunked\r\n"
    : body.length > 0
      ? `Content-Length: ${body.length}\r\n`
      : "";
  const head = Buffer.from(`${method} ${asked} HTTP/1.1\r\nHost: a\r\n${framing}\r\n`);
  return {
    bytes: Buffer.concat([head, inChunks ? chunked(body, 4_001) : body]),
    line: `${method} ${asked}`,
    body,
  };
}

async function startEchoing(options: Partial<SimulationOptions>): Promise<Simulation> {
  const simulation = await Simulation.start({ http: proxied, ...options });
  await simulation.origin(9000, (wire) => answering(wire, echo));
  return simulation;
}

function takeAll(wire: Wire): Message[] {
  const messages: Message[] = [];
  for (let message = wire.take(); message !== incomplete; message = wire.take()) messages.push(message);
  return messages;
}

describe("a kept client connection", () => {
  test("pipelined requests with bodies, cut anywhere, are answered whole and in order", async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const simulation = await startEchoing({ seed, weather: livelyWeather });
      const client = simulation.client();
      const asked = Array.from({ length: 8 }, (_, index) => ask(seed, index));
      client.send(Buffer.concat(asked.map(({ bytes }) => bytes)));
      const answers: Message[] = [];
      client.onBytes = () => answers.push(...takeAll(client));
      await simulation.until(() => answers.length === asked.length);
      for (const [index, { line, body }] of asked.entries()) {
        const answer = answers[index]!;
        assert.equal(answer.startLine, "HTTP/1.1 200 OK", `seed ${seed}`);
        if (line.includes("/own")) assert.equal(answer.body.toString(), "own answer");
        else
          assert.ok(
            answer.body.equals(Buffer.concat([Buffer.from(`${line} HTTP/1.1\n`), body])),
            `seed ${seed}`,
          );
      }
      await simulation.finish();
      assert.deepEqual(
        simulation.accessLines.map((each) => each.split(" ").slice(0, 3).join(" ")),
        asked.map(({ line }) => `${line} 200`),
      );
    }
  });

  test("a head may be larger than the first buffer and come in any pieces", async () => {
    const field = `X-Long: ${"y".repeat(6_000)}\r\n`;
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = await startEchoing({ seed, weather: { ...livelyWeather, segmentBytesMax: 50 } });
      const client = simulation.client();
      client.send(
        `GET /plain/1 HTTP/1.1\r\nHost: a\r\n${field}${field}\r\nGET /own HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      const answers: Message[] = [];
      client.onBytes = () => answers.push(...takeAll(client));
      await simulation.until(() => answers.length === 2);
      assert.deepEqual(
        answers.map(({ body }) => body.toString()),
        ["GET /plain/1 HTTP/1.1\n", "own answer"],
      );
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 2);
    }
  });

  test("what follows a request with `Connection: close` is not served", async () => {
    const simulation = await startEchoing({});
    const client = simulation.client();
    client.send(
      "GET /own/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /own/2 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    await simulation.until(() => client.over);
    assert.deepEqual(
      takeAll(client).map(({ fields }) => fields.get("connection")),
      ["close"],
    );
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET /own/1 200 10 -"]);
  });

  test("a client that has ended still gets the answers to what it sent before", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = await startEchoing({ seed, weather: livelyWeather });
      const client = simulation.client();
      client.send("GET /own/1 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(40));
      client.end();
      await simulation.until(() => client.over);
      assert.equal(takeAll(client).length, 40);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 40);
    }
  });

  test("a head that the client breaks off is logged and not answered", async () => {
    const simulation = await startEchoing({});
    const client = simulation.client();
    client.send("GET /own/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /own/2 HTTP/1.1\r\nHo");
    client.end();
    await simulation.until(() => client.over);
    assert.equal(takeAll(client).length, 1);
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET /own/1 200 10 -", "GET /own/2 400 0 -"]);
  });

  test("the last of keepalive_requests says close", async () => {
    const simulation = await Simulation.start({
      http: "keepalive_requests 3; server { listen 10.0.0.1:80; location / { return 200 x; } }",
    });
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5));
    await simulation.until(() => client.over);
    assert.deepEqual(
      takeAll(client).map(({ fields }) => fields.get("connection")),
      ["keep-alive", "keep-alive", "close"],
    );
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 3);
  });
});

describe("a client that sends without reading", () => {
  test("fills neither the memory with answers nor with requests", async () => {
    const simulation = await Simulation.start({
      http: `keepalive_requests 100000; server { listen 10.0.0.1:80; location / { return 200 ${"x".repeat(3_900)}; } }`,
      weather: { ...steadyWeather, kernelBytesMax: 50_000 },
    });
    const client = simulation.client();
    client.readSlowly(200_000, 10);
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const count = 8_000;
    client.send(request.repeat(count));
    await simulation.until(() => client.connection !== null);
    client.connection!.pause();
    await simulation.advance(5_000);
    const [end] = simulation.ends;
    assert.ok(end!.queued < 100_000, `${end!.queued} bytes wait for a client that reads nothing`);
    assert.ok(client.unsent > 0, "the gateway took in all that a client can send");
    assert.ok(simulation.accessLines.length < 100);
    client.connection!.resume();
    let answers = 0;
    let queuedMax = 0;
    await simulation.until(() => {
      answers += takeAll(client).length;
      queuedMax = Math.max(queuedMax, end!.queued);
      return answers === count;
    });
    assert.ok(queuedMax < 100_000);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, count);
  });

  test("is answered a part of its requests at a time, so that others have their turn", async () => {
    const simulation = await startEchoing({});
    const client = simulation.client();
    client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000));
    await simulation.until(() => simulation.accessLines.length > 0);
    assert.ok(simulation.accessLines.length <= 128, `${simulation.accessLines.length} answers in one go`);
    await simulation.until(() => simulation.accessLines.length === 1_000);
    await simulation.finish();
  });

  test("is read on when its requests are worked off", async () => {
    const simulation = await startEchoing({});
    const client = simulation.client();
    let answers = 0;
    client.onBytes = () => {
      answers += takeAll(client).length;
    };
    const count = 4_000;
    client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n".repeat(count));
    await simulation.until(() => answers === count);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, count);
  });
});
