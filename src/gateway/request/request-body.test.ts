import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, livelyWeather, steadyWeather, stillWeather } from "../simulation.fixture.ts";
import { answering, chunked, incomplete, response } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

const http = `
  client_max_body_size 100k;
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://10.0.0.9:9000; error_page 502 504 = @other; }
    location @other { client_max_body_size 0; proxy_pass http://10.0.0.9:9001; }
    location /large { client_max_body_size 0; client_body_buffer_size 2m; proxy_pass http://10.0.0.9:9000; error_page 502 504 = @other; }
    location /streamed { proxy_pass http://10.0.0.9:9000; proxy_request_buffering off; error_page 502 504 = @other; }
    location /large-streamed { client_max_body_size 0; proxy_pass http://10.0.0.9:9000; proxy_request_buffering off; error_page 502 504 = @other; }
    location /nowhere { proxy_pass http://down; proxy_request_buffering off; }
    location /page { proxy_pass http://10.0.0.9:9000; error_page 502 /page-here; }
    location /page-here { return 200 "page"; }
    location /own { return 200 "own"; }
  }
  upstream down { server 10.0.0.9:9009 down; server 10.0.0.9:9010 down; }`;

function post(path: string, body: Buffer, inChunks = false): Buffer {
  const framing = inChunks ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const head = Buffer.from(`POST ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
  return Buffer.concat([head, inChunks ? chunked(body, 20_011) : body]);
}

async function answerTo(simulation: Simulation, client: Wire): Promise<Message> {
  let message: Message | typeof incomplete = incomplete;
  await simulation.until(() => (message = client.take()) !== incomplete);
  return message as unknown as Message;
}

function echoing(wire: Wire): void {
  answering(wire, (request) => response("200 OK", request.body));
}

describe("a request's body", () => {
  test("goes to the next location whole when the first server is down", async () => {
    for (const [path, size] of [
      ["/", 50_000],
      ["/streamed", 50_000],
      ["/large", 1_500_000],
    ] as const) {
      for (const inChunks of [false, true]) {
        const simulation = await Simulation.start({
          http,
          weather: { ...livelyWeather, segmentBytesMax: 60_000, kernelBytesMax: 300_000 },
        });
        await simulation.origin(9001, echoing);
        const body = patternBytes(size, 7);
        const client = simulation.client();
        client.send(post(path, body, inChunks));
        const answer = await answerTo(simulation, client);
        assert.match(answer.startLine, / 200 /, path);
        assert.ok(answer.body.equals(body), path);
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1);
      }
    }
  });

  test("goes there whole when the first server failed after it had been sent", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    await simulation.origin(9000, (wire) => answering(wire, () => "nonsense\r\n\r\n"));
    await simulation.origin(9001, echoing);
    const body = patternBytes(50_000, 7);
    const client = simulation.client();
    client.send(post("/", body));
    assert.ok((await answerTo(simulation, client)).body.equals(body));
    await simulation.finish();
  });

  test("is not sent in part: what was streamed away cannot be sent again", async () => {
    const simulation = await Simulation.start({ http, weather: steadyWeather });
    await simulation.origin(9000, (wire) => {
      wire.onBytes = () => {
        if (wire.receivedBytes > 1_500_000) wire.end();
      };
    });
    const other = await simulation.origin(9001, echoing);
    const client = simulation.client();
    client.send(post("/large-streamed", patternBytes(3_000_000, 7)));
    assert.match((await answerTo(simulation, client)).startLine, / 502 /);
    assert.equal(other.wires.length, 0);
    client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.equal((await answerTo(simulation, client)).body.toString(), "own");
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 2);
  });

  test("that nobody takes any more is read to its end", async () => {
    for (const path of ["/nowhere", "/page", "/own"]) {
      for (const inChunks of [false, true]) {
        for (let seed = 1; seed <= 10; seed++) {
          const simulation = await Simulation.start({ http, seed, weather: livelyWeather });
          const client = simulation.client();
          client.send(post(path, patternBytes(40_000, seed), inChunks));
          client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
          assert.match((await answerTo(simulation, client)).startLine, path === "/own" ? / 200 / : / 502 /);
          assert.equal((await answerTo(simulation, client)).body.toString(), "own");
          await simulation.finish();
          assert.equal(simulation.accessLines.length, 2);
        }
      }
    }
  });

  test("that is too large is refused with 413, which the client can read although it sends on", async () => {
    for (const inChunks of [false, true]) {
      for (let seed = 1; seed <= 8; seed++) {
        const simulation = await Simulation.start({ http, seed, weather: livelyWeather });
        await simulation.origin(9000, echoing);
        const client = simulation.client();
        client.send(post(inChunks ? "/streamed" : "/", Buffer.alloc(150_000, "x"), inChunks));
        assert.match((await answerTo(simulation, client)).startLine, / 413 /);
        await simulation.until(() => client.endedAt !== null || client.closedAt !== null);
        assert.notEqual(client.endedAt, null, "the connection was reset");
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1);
      }
    }
  });

  test("is asked for once with 100, and not at all after an error", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    await simulation.origin(9000, echoing);
    const client = simulation.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert.equal((await answerTo(simulation, client)).startLine, "HTTP/1.1 100 Continue");
    client.send("abc");
    assert.equal((await answerTo(simulation, client)).body.toString(), "abc");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n");
    assert.match((await answerTo(simulation, client)).startLine, / 413 /);
    await simulation.finish();
  });

  test("with broken chunks ends the request, and nothing behind it is served", async () => {
    for (const broken of ["5\r\nabcdeX", "-1\r\n", "5;\n", "ffffffffffffffffff\r\n"]) {
      for (const path of ["/", "/streamed", "/own"]) {
        const simulation = await Simulation.start({ http, weather: stillWeather });
        await simulation.origin(9000, echoing);
        const client = simulation.client();
        client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${broken}`);
        client.send("\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        await simulation.until(() => client.over);
        await simulation.finish();
        assert.equal(simulation.accessLines.length, 1, `${path} ${JSON.stringify(broken)}`);
        // Who wants no body answers by what has come of it until then.
        const expected = path === "/own" ? /^POST \/own (200|400)/ : /^POST \/\w* 400/;
        assert.match(simulation.accessLines[0]!, expected);
      }
    }
  });
});
