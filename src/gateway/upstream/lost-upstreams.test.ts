import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { Simulation, livelyWeather, stillWeather, steadyWeather } from "../simulation.fixture.ts";
import { answering, chunked, incomplete, response } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

const http = `
  client_max_body_size 0;
  upstream origin { server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://origin; }
    location /streamed { proxy_pass http://origin; proxy_request_buffering off; }
  }`;

const answers: Record<string, Buffer> = {
  "an answer with a length": response("200 OK", patternBytes(2_000, 3)),
  "an answer in chunks": Buffer.concat([
    Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    chunked(patternBytes(2_000, 3), 300),
  ]),
  "an answer until close": Buffer.concat([Buffer.from("HTTP/1.0 200 OK\r\n\r\n"), patternBytes(2_000, 3)]),
};

const departures: Record<string, (wire: Wire) => void> = {
  resets: (wire) => wire.connection!.reset(),
  ends: (wire) => wire.end(),
};

async function ask(
  simulation: Simulation,
  request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
): Promise<Message | null> {
  const client = simulation.client();
  client.send(request);
  let message: Message | typeof incomplete = incomplete;
  await simulation.until(() => (message = client.take()) !== incomplete || client.finished);
  return message === incomplete ? null : message;
}

describe("an upstream server that goes away", () => {
  for (const [what, answer] of Object.entries(answers)) {
    for (const [how, depart] of Object.entries(departures)) {
      test(`${how} in the middle of ${what}`, async () => {
        for (let at = 0; at < answer.length; at += at < 60 ? 3 : 97) {
          const simulation = await Simulation.start({
            http,
            seed: at + 1,
            weather: { ...livelyWeather, stallChance: 0 },
          });
          await simulation.origin(9000, (wire) =>
            answering(wire, () => {
              wire.send(answer.subarray(0, at));
              depart(wire);
              return null;
            }),
          );
          const message = await ask(simulation);
          const headEnd = answer.indexOf("\r\n\r\n") + 4;
          const untilClose = what.endsWith("close");
          // A reset overtakes what was sent before it, so that it may strike before the head is there.
          if (how === "ends" && at < headEnd) assert.match(message!.startLine, /^HTTP\/1.1 502 /, `at ${at}`);
          else if (how === "ends" && untilClose) assert.equal(message!.body.length, at - headEnd);
          else if (message !== null)
            assert.match(message.startLine, how === "ends" ? /never/ : / 502 | 200 /, `at ${at}`);
          await simulation.finish();
          assert.equal(simulation.accessLines.length, 1);
          assert.match(simulation.accessLines[0]!, /^GET \/ (502|200) /);
        }
      });
    }
  }

  test("while the request is being sent", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const simulation = await Simulation.start({
        http,
        seed,
        weather: { ...livelyWeather, stallChance: 0 },
      });
      await simulation.origin(9000, (wire) => {
        simulation.network.clock.timer(seed, () => departures[seed % 2 === 0 ? "resets" : "ends"]!(wire));
      });
      const body = patternBytes(200_000, seed);
      const path = seed % 3 === 0 ? "/streamed" : "/";
      const client = simulation.client();
      client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
      client.send(body);
      let message: Message | typeof incomplete = incomplete;
      await simulation.until(() => (message = client.take()) !== incomplete);
      assert.match((message as unknown as Message).startLine, / 502 /);
      // The body was read to its end, so that the connection can be kept.
      client.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
      await simulation.until(() => client.take() !== incomplete);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 2);
    }
  });
});

describe("a kept upstream connection", () => {
  test("that the server closed while nobody used it is not used", async () => {
    for (const depart of Object.values(departures)) {
      const simulation = await Simulation.start({ http, weather: stillWeather });
      const origin = await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "x")));
      assert.match((await ask(simulation))!.startLine, / 200 /);
      depart(origin.wires[0]!);
      await simulation.advance(1);
      assert.match((await ask(simulation))!.startLine, / 200 /);
      assert.equal(origin.wires.length, 2);
      await simulation.finish();
      assert.deepEqual(simulation.accessLines, ["GET / 200 1 200", "GET / 200 1 200"]);
    }
  });

  test("that the server closes while the request is on its way is replaced by a new one", async () => {
    for (const depart of Object.values(departures)) {
      const simulation = await Simulation.start({
        http,
        weather: { ...stillWeather, delayMsMin: 10, delayMsMax: 10 },
      });
      const origin = await simulation.origin(9000, (wire, connection) =>
        answering(wire, (request) => {
          if (connection === 1 && request.startLine.includes("/second")) {
            depart(wire);
            return null;
          }
          return response("200 OK", "x");
        }),
      );
      assert.match((await ask(simulation))!.startLine, / 200 /);
      assert.match((await ask(simulation, "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"))!.startLine, / 200 /);
      assert.equal(origin.wires.length, 2);
      await simulation.finish();
      assert.equal(simulation.accessLines.length, 2);
    }
  });

  test("is not used again when the answer came before the whole request was sent", async () => {
    const simulation = await Simulation.start({
      http,
      weather: { ...steadyWeather, kernelBytesMax: 20_000 },
    });
    const origin = await simulation.origin(9000, (wire) => {
      let asked = false;
      wire.onBytes = () => {
        if (asked || !wire.text.includes("\r\n\r\n")) return;
        asked = true;
        wire.send(response("413 Too Large", "no"));
        wire.connection!.pause();
        simulation.network.clock.timer(10_000, () => wire.connection!.resume());
      };
    });
    for (const path of ["/", "/streamed"]) {
      const client = simulation.client();
      client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n`);
      client.send(Buffer.alloc(300_000));
      let message: Message | typeof incomplete = incomplete;
      await simulation.until(() => (message = client.take()) !== incomplete);
      assert.match((message as unknown as Message).startLine, / 413 /);
    }
    assert.equal(origin.wires.length, 2);
    await simulation.finish();
  });

  test("is not used again when the server sent more than its answer", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    const origin = await simulation.origin(9000, (wire) =>
      answering(wire, () =>
        Buffer.concat([response("200 OK", "x"), response("200 OK", "for somebody else")]),
      ),
    );
    assert.equal((await ask(simulation))!.body.toString(), "x");
    assert.equal((await ask(simulation))!.body.toString(), "x");
    assert.equal(origin.wires.length, 2);
    await simulation.finish();
  });

  test("may be used for longer than it may be idle", async () => {
    const idle = http.replace("keepalive 4;", "keepalive 4; keepalive_timeout 5s;");
    const simulation = await Simulation.start({ http: idle, weather: stillWeather });
    const origin = await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "x")));
    await ask(simulation);
    const client = simulation.client();
    client.send("POST /streamed HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
    for (let second = 0; second < 20; second++) {
      client.send("x");
      await simulation.advance(1_000);
    }
    const message = client.take();
    assert.ok(message !== incomplete && message.startLine.includes(" 200 "));
    assert.equal(origin.wires.length, 1);
    await simulation.finish();
  });

  test("may send a thousand interim answers, but not for ever", async () => {
    for (const [count, status] of [
      [1_000, "200 OK"],
      [1_001, "502 Bad Gateway"],
    ] as const) {
      const simulation = await Simulation.start({ http, weather: stillWeather });
      const interim = Buffer.from("HTTP/1.1 102 Processing\r\n\r\n".repeat(count));
      await simulation.origin(9000, (wire) =>
        answering(wire, () => Buffer.concat([interim, response("200 OK", "at last")])),
      );
      assert.equal((await ask(simulation))?.startLine, `HTTP/1.1 ${status}`);
      await simulation.finish();
    }
  });

  test("carries answers without a body of their own", async () => {
    const simulation = await Simulation.start({ http, weather: livelyWeather });
    const bare = ["204 No Content", "304 Not Modified"];
    const origin = await simulation.origin(9000, (wire) =>
      answering(wire, (request) => {
        if (request.startLine.startsWith("HEAD")) return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
        const status = bare.find((each) => request.startLine.includes(each.slice(0, 3)));
        const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        return status === undefined
          ? Buffer.concat([Buffer.from(interim), response("200 OK", "body")])
          : `HTTP/1.1 ${status}\r\n\r\n`;
      }),
    );
    const client = simulation.client();
    const seen: string[] = [];
    for (const line of ["HEAD /", "GET /204", "GET /304", "GET /", "HEAD /chunked"]) {
      client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
      let message: Message | typeof incomplete = incomplete;
      await simulation.until(
        () => (message = client.take({ headOnly: line.startsWith("HEAD") })) !== incomplete,
      );
      const { startLine, body } = message as unknown as Message;
      seen.push(`${startLine} ${body.toString()}`);
    }
    assert.deepEqual(seen, [
      "HTTP/1.1 200 OK ",
      "HTTP/1.1 204 No Content ",
      "HTTP/1.1 304 Not Modified ",
      "HTTP/1.1 200 OK body",
      "HTTP/1.1 200 OK ",
    ]);
    assert.equal(client.inbox.length, 0);
    assert.equal(origin.wires.length, 1);
    await simulation.finish();
    assert.equal(simulation.accessLines.length, 5);
  });

  test("is closed when its configuration has been replaced in the meantime", async () => {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    const origin = await simulation.origin(9000, (wire) =>
      answering(wire, () => {
        simulation.network.clock.timer(5_000, () => wire.send(response("200 OK", "x")));
        return null;
      }),
    );
    const client = simulation.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await simulation.advance(1_000);
    await simulation.configure(http);
    await simulation.until(() => client.take() !== incomplete);
    await simulation.advance(1);
    assert.equal(origin.wires[0]!.endedAt, 5_000);
    await simulation.finish();
  });
});
