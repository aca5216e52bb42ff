import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Http2Origin } from "../http2-origin.fixture.ts";
import type { OriginRequest } from "../http2-origin.fixture.ts";
import { Simulation, livelyWeather, steadyWeather, stillWeather } from "../simulation.fixture.ts";
import type { SimulationOptions } from "../simulation.fixture.ts";
import { incomplete } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";
import type { Http2Options } from "../../http2/options.ts";

const http = `
  client_max_body_size 0;
  proxy_http_version 2;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
    location /trailers { proxy_pass http://origin; proxy_pass_trailers on; }
    location /alone { proxy_pass http://10.0.0.9:9000; }
    location /chat {
      proxy_pass http://origin;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
    location /brief { proxy_pass http://origin; proxy_read_timeout 2s; proxy_send_timeout 3s; }
  }`;

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async function start(options: Partial<SimulationOptions> = {}): Promise<Simulation> {
  return Simulation.start({ http, weather: stillWeather, ...options });
}

/** A server for `act`, which gets each whole request; returns what came on each connection. */
async function serve(
  simulation: Simulation,
  act: (request: OriginRequest, connection: number) => void,
  options: Partial<Http2Options> = {},
): Promise<{ origins: Http2Origin[]; wires: Wire[] }> {
  const origins: Http2Origin[] = [];
  const { wires } = await simulation.origin(9000, (wire, connection) => {
    const origin = new Http2Origin(wire, simulation.network.clock, options);
    origin.onWhole = (request) => act(request, connection);
    origins.push(origin);
  });
  return { origins, wires };
}

const hello = (request: OriginRequest): void =>
  request.answer(200, { "x-path": request.head.requestUri }, "hello");

/** Sends requests at the same time, each on a connection of its own. */
async function askAll(simulation: Simulation, requests: readonly string[]): Promise<Message[]> {
  const clients = requests.map((request) => {
    const client = simulation.client();
    client.send(request);
    return client;
  });
  const messages: Message[] = [];
  for (const client of clients) {
    let message: Message | typeof incomplete = incomplete;
    await simulation.until(() => (message = client.take()) !== incomplete || client.finished);
    messages.push(message as unknown as Message);
  }
  return messages;
}

describe("requests by HTTP/2", () => {
  test("have pseudo-headers, and none of the fields of a connection", async () => {
    const simulation = await start();
    const { origins } = await serve(simulation, hello);
    const message = await simulation.ask(
      "GET /a%20b?c HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\nTE: trailers\r\nConnection: keep-alive, x-hop\r\n" +
        "Keep-Alive: 5\r\nUpgrade: h2c\r\nExpect: \r\n\r\n",
    );
    assert.equal(message.startLine, "HTTP/1.1 200 OK");
    assert.equal(message.body.toString(), "hello");
    const { head } = origins[0]!.requests[0]!;
    assert.equal(head.method, "GET");
    assert.equal(head.requestUri, "/a%20b?c");
    assert.equal(head.fields.get("host"), "origin");
    assert.deepEqual(
      head.fields.names.filter((name) => name !== "host"),
      ["x-own"],
    );
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["GET /a%20b?c 200 20 200"]);
  });

  test("share one connection, which is kept when they are over", async () => {
    const simulation = await start({ weather: steadyWeather });
    const held: OriginRequest[] = [];
    const { origins, wires } = await serve(simulation, (request) => {
      held.push(request);
      if (held.length < 50) return;
      for (const each of held) hello(each);
    });
    const messages = await askAll(simulation, Array<string>(50).fill(get));
    assert.ok(messages.every(({ body }) => body.toString() === "hello"));
    held.length = 49;
    await simulation.ask(get);
    assert.equal(wires.length, 1);
    assert.equal(origins[0]!.requests.length, 51);
    await simulation.finish();
  });

  test("never exceed the streams that the server allows", async () => {
    const simulation = await start({ weather: steadyWeather });
    let open = 0;
    const { origins, wires } = await serve(
      simulation,
      (request) => {
        open = Math.max(open, request.stream.session.streams.size);
        simulation.network.clock.timer(50, () => hello(request));
      },
      { maxConcurrentStreams: 4 },
    );
    const messages = await askAll(simulation, Array<string>(21).fill(get));
    assert.ok(messages.every(({ startLine }) => startLine === "HTTP/1.1 200 OK"));
    assert.ok(open <= 4);
    assert.equal(wires.length, 6);
    assert.deepEqual(
      origins.map(({ requests }) => requests.length).toSorted((a, b) => a - b),
      [1, 4, 4, 4, 4, 4],
    );
    await simulation.finish();
    assert.deepEqual(
      simulation.errorLines.filter((line) => !line.includes("[info]")),
      [],
    );
  });

  test("that have no upstream block get a connection each", async () => {
    const simulation = await start();
    const { wires } = await serve(simulation, hello);
    for (let count = 1; count <= 3; count++) {
      const message = await simulation.ask("GET /alone HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal(message.body.toString(), "hello");
      assert.equal(wires.length, count);
    }
    await simulation.finish();
  });

  test("bring bodies of any size, gathered or as they come, through small windows", async () => {
    for (const path of ["/", "/streamed"]) {
      for (const [seed, length] of [0, 1, 70_000, 500_000].entries()) {
        const simulation = await start({ seed: seed + 1, weather: { ...livelyWeather, stallChance: 0 } });
        const { origins } = await serve(simulation, hello, { initialWindowSize: 20_000 });
        const body = patternBytes(length, seed);
        const client = simulation.client();
        client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
        client.send(body);
        await simulation.until(() => client.take() !== incomplete);
        const [request] = origins[0]!.requests;
        assert.ok(request!.body.equals(body), `${path} ${length}`);
        assert.equal(request!.head.contentLength, length);
        await simulation.finish();
      }
    }
  });

  test("bring bodies in chunks without a length", async () => {
    const simulation = await start();
    const { origins } = await serve(simulation, hello);
    const client = simulation.client();
    client.send("POST /streamed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await simulation.until(() => origins[0]?.requests[0]?.body.toString() === "abc");
    client.send("2\r\nde\r\n0\r\n\r\n");
    await simulation.until(() => client.take() !== incomplete);
    const [request] = origins[0]!.requests;
    assert.equal(request!.body.toString(), "abcde");
    assert.equal(request!.head.contentLength, null);
    await simulation.finish();
  });
});

describe("requests that ask for another protocol", () => {
  test("go by HTTP/1.1 where the others go by HTTP/2", async () => {
    const simulation = await start();
    let got = "";
    const { wires } = await simulation.origin(9000, (wire, connection) => {
      if (connection === 1) {
        new Http2Origin(wire, simulation.network.clock).onWhole = hello;
        return;
      }
      wire.onBytes = () => {
        got += wire.takeBytes().toString("latin1");
        if (got.endsWith("\r\n\r\n"))
          wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n");
      };
    });
    const plain = await simulation.ask("GET /chat HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.equal(plain.body.toString(), "hello");
    const client = simulation.client();
    client.send("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n");
    await simulation.until(() => client.text.includes("101 Switching"));
    client.send("to the server");
    await simulation.until(() => got.endsWith("\r\n\r\nto the server"));
    assert.match(got, /^GET \/chat HTTP\/1\.1\r\n/);
    assert.equal(wires.length, 2);
    await simulation.finish();
  });
});

describe("answers by HTTP/2", () => {
  test("of any size come whole, and a slow client holds back its own stream alone", async () => {
    const simulation = await start({ weather: { ...steadyWeather, kernelBytesMax: 20_000 } });
    const large = patternBytes(800_000, 7);
    const { wires } = await serve(simulation, (request) =>
      request.head.requestUri === "/large" ? request.answer(200, {}, large) : hello(request),
    );
    const slow = simulation.client();
    slow.readSlowly(10_000, 100);
    slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.until(() => slow.receivedBytes > 20_000);
    const before = simulation.now;
    for (let count = 0; count < 5; count++)
      assert.equal((await simulation.ask(get)).body.toString(), "hello");
    assert.ok(simulation.now - before < 100);
    // No more than the window went ahead of the client.
    assert.ok(wires[0]!.connection!.queued < 600_000);
    let message: Message | typeof incomplete = incomplete;
    await simulation.until(() => (message = slow.take()) !== incomplete);
    assert.ok((message as unknown as Message).body.equals(large));
    assert.equal(wires.length, 1);
    await simulation.finish();
  });

  test("without a body have a length of 0, those to HEAD the one that is told", async () => {
    const simulation = await start();
    await serve(simulation, (request) => {
      if (request.head.method === "HEAD") request.answer(200, { "content-length": "77" });
      else request.answer(request.head.requestUri === "/204" ? 204 : 200, {});
    });
    const client = simulation.client();
    const seen: (string | undefined)[] = [];
    for (const line of ["GET /", "HEAD /", "GET /204"]) {
      client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
      let message: Message | typeof incomplete = incomplete;
      await simulation.until(
        () => (message = client.take({ headOnly: line.startsWith("H") })) !== incomplete,
      );
      seen.push((message as unknown as Message).fields.get("content-length"));
    }
    assert.deepEqual(seen, ["0", "77", undefined]);
    await simulation.finish();
  });

  test("bring trailers, where they are wanted", async () => {
    const simulation = await start();
    await serve(simulation, (request) => request.answer(200, {}, "x", { "x-sum": "1" }));
    const client = simulation.client();
    client.send("GET /trailers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await simulation.until(() => client.finished);
    assert.match(client.text, /\r\n1\r\nx\r\n0\r\nx-sum: 1\r\n\r\n$/);
    await simulation.finish();
  });

  test("may come before the whole request: the rest is not sent, the connection goes on", async () => {
    const simulation = await start();
    const { origins, wires } = await serve(simulation, hello, { initialWindowSize: 1000 });
    const client = simulation.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
    client.send(Buffer.alloc(5000));
    await simulation.until(() => origins.length === 1);
    origins[0]!.onAsked = (request) => {
      request.reads = false;
      request.answer(413, {}, "no");
    };
    let message: Message | typeof incomplete = incomplete;
    await simulation.until(() => (message = client.take()) !== incomplete);
    assert.match((message as unknown as Message).startLine, / 413 /);
    assert.equal((await simulation.ask(get)).body.toString(), "no");
    assert.equal(wires.length, 1);
    await simulation.finish();
  });
});

describe("an HTTP/2 server that goes away", () => {
  const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";

  test("with GOAWAY gets what it did not look at on a new connection, whatever the method", async () => {
    const simulation = await start({ weather: { ...stillWeather, delayMsMin: 5, delayMsMax: 5 } });
    const { origins, wires } = await serve(simulation, (request, connection) => {
      const { requests, session } = request.origin;
      if (connection > 1 || requests.length === 1) return hello(request);
      // Of those that came later only the first was looked at.
      if (requests.length < 3) return;
      session.writer.goAway(requests[1]!.stream.id, 0, "");
      hello(requests[1]!);
    });
    await simulation.ask(get);
    const messages = await askAll(simulation, [post, post]);
    assert.deepEqual(
      messages.map(({ body }) => body.toString()),
      ["hello", "hello"],
    );
    assert.equal(wires.length, 2);
    assert.equal(origins[1]!.requests[0]!.body.toString(), "hi");
    assert.equal(simulation.errorLines.filter((line) => line.includes("goaway with error 0")).length, 1);
    await simulation.finish();
  });

  test("with REFUSED_STREAM has another server asked, even by POST", async () => {
    const simulation = await start({
      http: http.replace("server 10.0.0.9:9000;", "server 10.0.0.9:9000; server 10.0.0.9:9001 backup;"),
    });
    await serve(simulation, (request) => request.stream.reset(7));
    await simulation.origin(9001, (wire) => {
      new Http2Origin(wire, simulation.network.clock).onWhole = hello;
    });
    const message = await simulation.ask(post);
    assert.equal(message.body.toString(), "hello");
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["POST / 200 20 502, 200"]);
    assert.match(simulation.errorLines[0]!, /upstream refused the stream while reading response header/);
  });

  test("by reset of a stream ends that request alone", async () => {
    const simulation = await start({ weather: steadyWeather });
    const { wires } = await serve(simulation, (request) => {
      if (request.head.requestUri === "/broken") request.stream.reset(2);
      else simulation.network.clock.timer(50, () => hello(request));
    });
    const broken = get.replace("/", "/broken");
    const messages = await askAll(simulation, [get, broken, get]);
    assert.deepEqual(
      messages.map(({ startLine }) => startLine.slice(9, 12)),
      ["200", "502", "200"],
    );
    assert.equal(wires.length, 1);
    await simulation.finish();
    assert.match(
      simulation.errorLines[0]!,
      /upstream rejected request with error 2 \(INTERNAL_ERROR\) while reading response header from upstream/,
    );
  });

  test("by loss of the connection fails each of its requests, and no other", async () => {
    for (const how of ["reset", "end"] as const) {
      const simulation = await start({ weather: steadyWeather });
      const { wires } = await serve(simulation, (request, connection) => {
        if (connection > 1) hello(request);
      });
      const clients = [1, 2, 3].map(() => {
        const client = simulation.client();
        client.send(post);
        return client;
      });
      await simulation.advance(50);
      assert.equal(wires.length, 1);
      if (how === "reset") wires[0]!.connection!.reset();
      else wires[0]!.end();
      const seen: string[] = [];
      for (const client of clients) {
        let message: Message | typeof incomplete = incomplete;
        await simulation.until(() => (message = client.take()) !== incomplete);
        seen.push((message as unknown as Message).startLine);
      }
      assert.deepEqual(seen, Array(3).fill("HTTP/1.1 502 Bad Gateway"));
      await simulation.advance(10_001);
      assert.equal((await simulation.ask(get)).body.toString(), "hello");
      await simulation.finish();
    }
  });

  test("before its settings have come loses all that wait for them", async () => {
    const simulation = await start({ weather: steadyWeather });
    await simulation.origin(9000, (wire) => {
      wire.onBytes = () => wire.connection!.reset();
    });
    const messages = await askAll(simulation, [get, get, get]);
    assert.deepEqual(
      messages.map(({ startLine }) => startLine.slice(9, 12)),
      ["502", "502", "502"],
    );
    await simulation.finish();
  });

  test("in the middle of an answer cuts that answer short", async () => {
    const simulation = await start();
    await serve(simulation, (request) => {
      request.answer(200, { "content-length": "10" }, "half");
      request.origin.session.flush();
      request.stream.reset(2);
    });
    const client = simulation.client();
    client.send(get);
    await simulation.until(() => client.finished);
    assert.match(client.text, /200 OK/);
    await simulation.finish();
  });

  test("that does not speak HTTP/2 is told by name", async () => {
    const simulation = await start();
    await simulation.origin(9000, (wire) => {
      wire.onBytes = () => wire.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    assert.match((await simulation.ask(get)).startLine, / 502 /);
    await simulation.finish();
    assert.match(simulation.errorLines[0]!, /upstream broke HTTP\/2: .* while reading response header/);
  });
});

describe("times of exchanges by HTTP/2", () => {
  test("a server that does not answer is left alone, and nobody else joins that connection", async () => {
    const simulation = await start();
    const { wires, origins } = await serve(simulation, (request, connection) => {
      if (connection > 1) hello(request);
    });
    const brief = get.replace("/", "/brief");
    const began = simulation.now;
    assert.match((await simulation.ask(brief)).startLine, / 504 /);
    assert.equal(simulation.now - began, 2000);
    assert.equal(origins[0]!.requests[0]!.resetCode, 8);
    await simulation.advance(10_001);
    assert.equal((await simulation.ask(brief)).body.toString(), "hello");
    assert.equal(wires.length, 2);
    await simulation.finish();
    assert.match(
      simulation.errorLines[0]!,
      /upstream timed out .* while reading response header from upstream/,
    );
  });

  test("a server that takes nothing of the body is given up", async () => {
    const simulation = await start();
    const { origins } = await serve(simulation, hello, { initialWindowSize: 1000 });
    const client = simulation.client();
    client.send("POST /brief HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    await simulation.advance(10);
    client.send(Buffer.alloc(500_000));
    await simulation.until(() => origins.length === 1);
    origins[0]!.onAsked = (request) => (request.reads = false);
    const began = simulation.now;
    let message: Message | typeof incomplete = incomplete;
    await simulation.until(() => (message = client.take()) !== incomplete);
    assert.match((message as unknown as Message).startLine, / 504 /);
    assert.equal(simulation.now - began, 3000);
    await simulation.finish();
    assert.match(simulation.errorLines.join("\n"), /upstream timed out .* while sending request to upstream/);
  });

  test("a client that leaves has its stream cancelled, and no other", async () => {
    const simulation = await start({ weather: steadyWeather });
    const { origins, wires } = await serve(simulation, (request) => {
      if (request.head.requestUri === "/slow") return;
      simulation.network.clock.timer(500, () => hello(request));
    });
    const other = simulation.client();
    other.send(get);
    const client = simulation.client();
    client.send(get.replace("/", "/slow"));
    await simulation.advance(100);
    client.leave();
    await simulation.until(() => other.take() !== incomplete);
    const slow = origins[0]!.requests.find(({ head }) => head.requestUri === "/slow");
    assert.equal(slow!.resetCode, 8);
    assert.equal(wires.length, 1);
    await simulation.finish();
  });

  test("a connection rests, and is worn by requests as any other", async () => {
    const simulation = await start({
      http: http.replace("keepalive 4;", "keepalive 4; keepalive_requests 3;"),
    });
    const { wires } = await serve(simulation, hello);
    for (let count = 0; count < 7; count++) await simulation.ask(get);
    assert.equal(wires.length, 3);
    await simulation.advance(59_000);
    assert.equal(wires[2]!.closedAt, null);
    await simulation.advance(2000);
    assert.notEqual(wires[2]!.closedAt, null);
    await simulation.finish();
  });
});
