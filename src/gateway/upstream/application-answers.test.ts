import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RecordType, recordHeadBytes, writeRecordHead } from "../../cgi/fastcgi-record.ts";
import { Simulation, livelyWeather, stillWeather } from "../simulation.fixture.ts";

const http = `
  server {
    listen 10.0.0.1:80;
    location /fastcgi { fastcgi_read_timeout 2s; fastcgi_pass 10.0.0.9:9000; }
    location /scgi { scgi_read_timeout 2s; scgi_pass 10.0.0.9:9000; }
    location /uwsgi { uwsgi_read_timeout 2s; uwsgi_pass 10.0.0.9:9000; }
  }`;

/** A record, padded as the specification recommends. */
function record(type: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const target = Buffer.alloc(recordHeadBytes + bytes.length + (-bytes.length & 7));
  bytes.copy(target, writeRecordHead(target, 0, type, bytes.length));
  return target;
}

const end = record(RecordType.endRequest, "\0".repeat(8));

/** What each protocol's application answers: the same for all clients. */
const answers: Readonly<Record<string, Buffer>> = {
  fastcgi: Buffer.concat([
    record(RecordType.stderr, "a notice\n"),
    record(RecordType.stdout, "Status: 201 Made\r\nX-A: 1\r\nConte"),
    record(RecordType.stdout, "nt-Length: 8\r\n\r\nbod"),
    record(RecordType.stderr, "another"),
    record(RecordType.stdout, "y8888"),
    end,
  ]),
  scgi: Buffer.from("Status: 201 Made\r\nX-A: 1\r\nContent-Length: 8\r\n\r\nbody8888"),
  uwsgi: Buffer.from("HTTP/1.0 201 Made\r\nX-A: 1\r\nContent-Length: 8\r\n\r\nbody8888"),
};

function request(protocol: string): string {
  return `GET /${protocol} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
}

describe("an application's answer", () => {
  for (const [protocol, answer] of Object.entries(answers)) {
    test(`by ${protocol} is the same wherever it is cut`, async () => {
      const simulation = await Simulation.start({ http, seed: 7, weather: livelyWeather });
      let cut = 0;
      await simulation.origin(9000, (wire) => {
        wire.onBytes = () => {
          wire.onBytes = null;
          wire.send(answer.subarray(0, cut));
          simulation.network.clock.timer(5, () => {
            wire.send(answer.subarray(cut));
            wire.end();
          });
        };
      });
      for (cut = 0; cut <= answer.length; cut += 3) {
        const { startLine, fields, body } = await simulation.ask(request(protocol));
        assert.deepEqual(
          [startLine, fields.get("x-a"), body.toString()],
          ["HTTP/1.1 201 Made", "1", "body8888"],
          `cut at ${cut}`,
        );
      }
      await simulation.finish();
    });

    test(`by ${protocol} that ends anywhere before its body is told of, and leaves nothing`, async () => {
      const simulation = await Simulation.start({ http, weather: stillWeather });
      let cut = 0;
      await simulation.origin(9000, (wire) => {
        wire.onBytes = () => {
          wire.onBytes = null;
          wire.send(answer.subarray(0, cut));
          wire.end();
        };
      });
      const head = answer.indexOf("\r\n\r\n") + 4;
      for (cut = 0; cut < head; cut += 5) {
        const { startLine } = await simulation.ask(request(protocol));
        assert.equal(startLine, "HTTP/1.1 502 Bad Gateway", `cut at ${cut}`);
      }
      const lines = simulation.errorLines.filter((line) => line.includes("prematurely closed connection"));
      assert.equal(lines.length, Math.ceil(head / 5));
      await simulation.finish();
    });
  }
});

test("of errors without end so much is logged, and the answer is passed on", async () => {
  const simulation = await Simulation.start({ http, weather: stillWeather });
  await simulation.origin(9000, (wire) => {
    wire.onBytes = () => {
      wire.onBytes = null;
      for (let at = 0; at < 100; at++) wire.send(record(RecordType.stderr, "x".repeat(65_000)));
      wire.send(record(RecordType.stdout, "X-A: 1\r\n\r\nfine"));
      wire.send(end);
    };
  });
  const { body } = await simulation.ask(request("fastcgi"));
  assert.equal(body.toString(), "fine");
  const told = simulation.errorLines.filter((line) => line.includes("in stderr"));
  const last =
    /\[warn\] .* FastCGI sent more than 1048576 bytes in stderr, the rest is not logged while reading/;
  assert.match(told.at(-1)!, last);
  assert.ok(told.join("").length < 2 * 1_048_576, `${told.join("").length} bytes were logged`);
  await simulation.finish();
});

test("an application that says nothing is given up in time", async () => {
  for (const protocol of Object.keys(answers)) {
    const simulation = await Simulation.start({ http, weather: stillWeather });
    await simulation.origin(9000, () => undefined);
    const { startLine } = await simulation.ask(request(protocol));
    assert.equal(startLine, "HTTP/1.1 504 Gateway Time-out");
    assert.match(simulation.errorLines.join("\n"), new RegExp(`upstream: "${protocol}://10.0.0.9:9000"`));
    await simulation.finish();
  }
});
