import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPairs } from "../../gateway/serve/drain.fixture.ts";
import { writeClose, writeFrame } from "../../websocket/frame-writer.ts";

const mask = 0x01_02_03_04;

/** The lines that a WebSocket leaves which the client closes after a message, but for the access log's. */
async function linesFor(directives: string, reason = "bye"): Promise<string[]> {
  const { simulation, pairs } = await openPairs(1, { directives: `access_log off; ${directives}` });
  const { client, server } = pairs[0]!;
  client.send(writeFrame(1, Buffer.from("hello"), { mask }));
  await simulation.advance(1_500);
  server.send(writeFrame(1, Buffer.from("welcome")));
  client.send(writeClose(4001, reason, mask));
  await simulation.advance(500);
  server.send(writeClose(4001, ""));
  server.end();
  await simulation.advance(10);
  await simulation.finish();
  return simulation.accessLines;
}

describe("websocket_log", () => {
  test("writes a line that people read", async () => {
    const [line = "", ...more] = await linesFor("websocket_log w.log;");
    assert.deepEqual(more, []);
    assert.match(
      line,
      /^\S+ \[.+\] "GET \/ HTTP\/1\.1" closed by client with 4001 "bye" after 2\.00\ds \(idle 0\.50\ds\), received 1\/5, sent 1\/7, upstream 10\.0\.0\.9:9000, cause ""$/,
    );
  });

  test("writes a line that programs read, whatever the reason is", async () => {
    const reason = 'a "b" \\ é \n';
    const [line = ""] = await linesFor("websocket_log w.log websocket_json;", reason);
    const record = JSON.parse(Buffer.from(line, "latin1").toString("utf8")) as Record<string, unknown>;
    const { time, client, duration, idle, ...others } = record;
    assert.ok(Number(duration) >= 2 && Number(idle) >= 0.5);
    assert.match(String(time), /^2030-01-01T/);
    assert.match(String(client), /^[\d.]+$/);
    assert.deepEqual(others, {
      server: "",
      uri: "/",
      upstream: "10.0.0.9:9000",
      closed_by: "client",
      close_code: 4001,
      close_reason: 'a "b" \\ é ?',
      close_cause: "",
      ping_rtt: "",
      messages_received: 1,
      messages_sent: 1,
      bytes_received: 5,
      bytes_sent: 7,
      upstream_moves: 0,
    });
  });

  test("writes where and when it is told to", async () => {
    assert.deepEqual(await linesFor("websocket_log off;"), []);
    assert.deepEqual(await linesFor("websocket_log w.log if=$arg_log;"), []);
    assert.equal((await linesFor("websocket_log w.log websocket if=$uri;")).length, 1);
    assert.equal((await linesFor("websocket_log w.log; websocket_log v.log line;")).length, 2);
  });

  test("has nothing to say of what is no WebSocket, and its variables are empty there", async () => {
    const { simulation } = await openPairs(0, {
      http:
        "log_format facts '$websocket_closed_by|$websocket_close_code|$websocket_duration'; websocket_log w.log;" +
        "server { listen 10.0.0.1:80; access_log a.log facts; return 204; }",
    });
    await simulation.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await simulation.finish();
    assert.deepEqual(simulation.accessLines, ["-|-|-"]);
  });

  test("refuses formats and parameters that it does not know", async () => {
    await assert.rejects(linesFor("websocket_log w.log nonsense;"), /unknown log format "nonsense"/);
    await assert.rejects(linesFor("websocket_log off if=1;"), /invalid parameter "if=1"/);
  });
});

test("websocket_limit_rate holds messages back, and hands them on one by one", async () => {
  const { simulation, pairs } = await openPairs(1, {
    directives: "websocket_limit_rate messages=10/s burst=0;",
  });
  const { client, server } = pairs[0]!;
  const from = simulation.now;
  const arrivals: number[] = [];
  let bytes = 0;
  server.onBytes = () => {
    for (; bytes + 7 <= server.inbox.length; bytes += 7) arrivals.push(simulation.now - from);
  };
  client.send(Buffer.concat(Array.from({ length: 20 }, () => writeFrame(1, Buffer.from("x"), { mask }))));
  await simulation.advance(5_000);
  assert.equal(arrivals.length, 20);
  for (const [index, atMs] of arrivals.entries()) {
    assert.ok(atMs >= index * 100 && atMs <= index * 100 + 30, `message ${index} after ${atMs} ms`);
  }
  await simulation.finish();
});
