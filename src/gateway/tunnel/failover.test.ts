import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { writeClose, writeFrame } from "../../websocket/frame-writer.ts";
import { httpFor, mask, say, serverOf, stage, visit } from "./websocket-stage.fixture.ts";
import type { Stage, StageOptions, Visitor } from "./websocket-stage.fixture.ts";

interface One extends Stage {
  readonly visitor: Visitor;
}

async function openOne(options: StageOptions = {}): Promise<One> {
  const whole = await stage(options);
  return { ...whole, visitor: await visit(whole.simulation) };
}

const moves = ({ simulation }: Stage): string[] =>
  simulation.errorLines.filter((line) => line.includes("WebSocket moved"));

describe("a WebSocket whose server is lost", () => {
  test("goes on with another one, which is told so", async () => {
    const one = await openOne();
    const { simulation, visitor } = one;
    say(visitor, "one");
    await simulation.advance(1);
    const first = serverOf(one);
    assert.equal(first.last.handshake.fields.get("longhaul-resumed"), undefined);
    first.last.wire.connection!.reset();
    await simulation.advance(1);
    say(visitor, "two");
    await simulation.advance(1);
    const second = serverOf(one);
    assert.notEqual(second, first);
    assert.deepEqual(visitor.messages, [`${first.name}: one`, `${second.name}: two`]);
    const { fields, startLine } = second.last.handshake;
    assert.equal(fields.get("longhaul-resumed"), "1");
    assert.equal(fields.get("sec-websocket-key"), first.last.handshake.fields.get("sec-websocket-key"));
    assert.equal(startLine, first.last.handshake.startLine);
    second.last.wire.end();
    await simulation.advance(1);
    assert.equal(serverOf(one).last.handshake.fields.get("longhaul-resumed"), "2");
    assert.equal(moves(one).length, 2);
    assert.match(
      moves(one)[0]!,
      /\[warn\].*WebSocket moved in \d+ ms from 10\.0\.0\.9:900\d to 10\.0\.0\.9:900\d .*upstream: "http:\/\/10\.0\.0\.9:900\d\/"/,
    );
    assert.equal(visitor.closeCode, null);
    await simulation.finish();
  });

  test("is sent again whole what was under way, and nothing that the old server had got whole", async () => {
    const message = writeFrame(1, Buffer.from("under way"), { mask });
    for (let cut = 1; cut < message.length; cut++) {
      const one = await openOne();
      const { simulation, visitor, servers } = one;
      say(visitor, "whole");
      visitor.wire.send(message.subarray(0, cut));
      await simulation.advance(1);
      serverOf(one).last.wire.connection!.reset();
      await simulation.advance(1);
      visitor.wire.send(message.subarray(cut));
      await simulation.advance(1);
      const all = servers.flatMap(({ messages }) => messages);
      assert.deepEqual(all.toSorted(), ["under way", "whole"], `cut at ${cut}`);
      await simulation.finish();
    }
  });

  test("has what the client sends meanwhile held, up to the buffer", async () => {
    const one = await openOne({ directives: "websocket_failover buffer=2k timeout=10s;" });
    const { simulation, visitor, servers } = one;
    const first = serverOf(one);
    for (const server of servers) server.answers = false;
    first.last.wire.connection!.reset();
    await simulation.advance(1);
    for (let number = 0; number < 200; number++) say(visitor, `${number} ${"x".repeat(100)}`);
    await simulation.advance(5_000);
    for (const server of servers) server.answers = true;
    await simulation.advance(10_000);
    const numbers = servers.flatMap(({ messages }) => messages).map((text) => Number(text.split(" ")[0]));
    assert.deepEqual(numbers, [...Array(200).keys()]);
    await simulation.finish();
  });

  test("ends with 1014 when it had got half a message", async () => {
    const message = writeFrame(1, Buffer.from("half"), { fin: false });
    const one = await openOne();
    const { simulation, visitor } = one;
    const { wire } = serverOf(one).last;
    wire.send(message);
    await simulation.advance(1);
    wire.connection!.reset();
    await simulation.advance(1);
    assert.equal(visitor.closeCode, 1014);
    assert.deepEqual(moves(one), []);
    await simulation.finish();
  });

  test("ends with 1014 when a message was under way that is larger than the buffer", async () => {
    const one = await openOne({ directives: "websocket_failover buffer=1k;" });
    const { simulation, visitor } = one;
    visitor.wire.send(writeFrame(2, Buffer.alloc(3000), { mask }).subarray(0, 2000));
    await simulation.advance(1);
    serverOf(one).last.wire.connection!.reset();
    await simulation.advance(1);
    assert.equal(visitor.closeCode, 1014);
    await simulation.finish();
  });

  test("ends with 1014 when no other server goes on", async () => {
    const one = await openOne();
    const { simulation, visitor, servers } = one;
    const first = serverOf(one);
    for (const server of servers) await server.stop();
    first.last.wire.connection!.reset();
    await simulation.advance(1);
    assert.equal(visitor.closeCode, 1014);
    assert.match(visitor.closeReason, /^fail-over given up: /);
    await simulation.finish();
  });

  test("asks so many servers, each for so long", async () => {
    const one = await openOne({
      names: ["a", "b", "c", "d", "e"],
      directives: "websocket_failover tries=2 timeout=3s;",
    });
    const { simulation, visitor, servers } = one;
    const first = serverOf(one);
    for (const server of servers) server.answers = false;
    first.last.wire.connection!.reset();
    await simulation.advance(5_900);
    assert.equal(visitor.closeCode, null);
    await simulation.advance(200);
    assert.equal(visitor.closeCode, 1014);
    await simulation.finish();
  });

  test("passes over a server that refuses, and counts it in the log line", async () => {
    let count = 0;
    const answering = (): string => {
      count += 1;
      return count === 2 ? "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" : "";
    };
    const one = await openOne({ answering });
    const { simulation, visitor } = one;
    serverOf(one).last.wire.connection!.reset();
    await simulation.advance(1);
    say(visitor, "on");
    await simulation.advance(1);
    assert.equal(visitor.messages.length, 1);
    assert.ok(
      simulation.errorLines.some((line) => line.includes("upstream answered 503 while moving WebSocket")),
    );
    await simulation.finish();
  });

  test("lets a client close that has no server", async () => {
    const one = await openOne();
    const { simulation, visitor, servers } = one;
    const first = serverOf(one);
    for (const server of servers) server.answers = false;
    first.last.wire.connection!.reset();
    await simulation.advance(1);
    visitor.wire.send(writeClose(1000, "bye", mask));
    await simulation.advance(1);
    assert.equal(visitor.closeCode, 1000);
    await simulation.finish();
  });

  test("and whose client goes away leaves nothing behind", async () => {
    const one = await openOne();
    const { simulation, visitor, servers } = one;
    const first = serverOf(one);
    for (const server of servers) server.answers = false;
    first.last.wire.connection!.reset();
    await simulation.advance(1);
    visitor.wire.connection!.reset();
    await simulation.advance(1);
    assert.equal(simulation.gateway.tunnels.size, 0);
    await simulation.finish();
  });

  test("ends with it without the directive, and where the directive leaves it out", async () => {
    for (const directives of ["websocket_failover off;", "websocket_failover on=drain;", ""]) {
      const one = await openOne({ directives });
      serverOf(one).last.wire.connection!.reset();
      await one.simulation.advance(1);
      assert.equal(one.visitor.closeCode, 1014, directives);
      await one.simulation.finish();
    }
  });
});

describe("a WebSocket whose server closes it", () => {
  for (const code of [1012, 1013]) {
    test(`with ${code} goes on with another one where that is wanted`, async () => {
      const one = await openOne({ directives: "websocket_failover on=close:1012,close:1013;" });
      const { simulation, visitor } = one;
      const first = serverOf(one);
      const { wire } = first.last;
      wire.send(Buffer.concat([writeFrame(1, Buffer.from("last words")), writeClose(code, "restart")]));
      await simulation.advance(1);
      assert.equal(first.last.closeCode, code);
      say(visitor, "on");
      await simulation.advance(1);
      assert.deepEqual(visitor.messages, ["last words", `${serverOf(one).name}: on`]);
      assert.equal(visitor.closeCode, null);
      await simulation.finish();
    });
  }

  test("gets the server's code where no other goes on", async () => {
    const one = await openOne({ directives: "websocket_failover on=close:1012;", names: ["a"] });
    serverOf(one).last.wire.send(writeClose(1012, "restart"));
    await one.simulation.advance(1);
    assert.equal(one.visitor.closeCode, 1012);
    await one.simulation.finish();
  });

  test("ends with any other code, and with that one inside a message", async () => {
    for (const [before, code] of [
      [Buffer.alloc(0), 1000],
      [writeFrame(1, Buffer.from("half"), { fin: false }), 1012],
    ] as const) {
      const one = await openOne({ directives: "websocket_failover on=lost,close:1012;" });
      const { wire } = serverOf(one).last;
      wire.send(Buffer.concat([before, writeClose(code, "")]));
      await one.simulation.advance(1);
      assert.equal(one.visitor.closeCode, code);
      assert.deepEqual(moves(one), []);
      await one.simulation.finish();
    }
  });
});

describe("a WebSocket whose server a reload removes", () => {
  test("moves between two messages, and loses none either way", async () => {
    const options: StageOptions = { directives: "websocket_failover on; websocket_drain 1s jitter=0;" };
    const one = await openOne(options);
    const { simulation, visitor } = one;
    const first = serverOf(one);
    first.speaks = false;
    first.last.wire.send(writeFrame(1, Buffer.from("server half"), { fin: false }));
    await simulation.advance(1);
    const others = ["a", "b", "c"].filter((name) => name !== first.name);
    await simulation.configure(httpFor({ ...options, listed: others }));
    await simulation.advance(2_000);
    assert.equal(serverOf(one), first);
    say(visitor, "to the old one");
    await simulation.advance(1);
    first.last.wire.send(writeFrame(0, Buffer.from(" and half")));
    await simulation.advance(1);
    const second = serverOf(one);
    assert.notEqual(second, first);
    assert.equal(first.last.closeCode, 1001);
    say(visitor, "to the new one");
    await simulation.advance(1);
    assert.deepEqual(visitor.messages, ["server half and half", `${second.name}: to the new one`]);
    assert.deepEqual(first.messages, ["to the old one"]);
    assert.deepEqual(second.messages, ["to the new one"]);
    assert.match(moves(one)[0]!, /\[info\].*a reload removed the upstream server, WebSocket moved/);
    await simulation.finish();
  });

  test("is closed with 1012 when the moment does not come", async () => {
    const options: StageOptions = { directives: "websocket_failover on; websocket_drain 0 grace=3s;" };
    const one = await openOne(options);
    const { simulation, visitor } = one;
    const first = serverOf(one);
    first.last.wire.send(writeFrame(1, Buffer.from("half"), { fin: false }));
    await simulation.advance(1);
    await simulation.configure(
      httpFor({ ...options, listed: ["a", "b", "c"].filter((n) => n !== first.name) }),
    );
    await simulation.advance(2_900);
    assert.equal(visitor.closeCode, null);
    await simulation.advance(200);
    assert.equal(visitor.closeCode, 1012);
    await simulation.finish();
  });
});

test("a reload that turns it off, or changes it, counts for WebSockets that are open", async () => {
  for (const [directives, code] of [
    ["websocket_failover off;", 1014],
    ["websocket_failover on=drain;", 1014],
    ["websocket_failover on=close:1012,lost;", null],
  ] as const) {
    const one = await openOne();
    await one.simulation.configure(httpFor({ directives }));
    serverOf(one).last.wire.connection!.reset();
    await one.simulation.advance(1);
    assert.equal(one.visitor.closeCode, code, directives);
    await one.simulation.finish();
  }
});

describe("another server", () => {
  const offer =
    "Sec-WebSocket-Protocol: chat, other\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  const forgets = "permessage-deflate; server_no_context_takeover";
  const rows: readonly (readonly [what: string, first: string, second: string, goesOn: boolean])[] = [
    ["the same subprotocol", "Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Protocol: chat\r\n", true],
    ["another subprotocol", "Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Protocol: other\r\n", false],
    ["no subprotocol", "Sec-WebSocket-Protocol: chat\r\n", "", false],
    ["a subprotocol where there was none", "", "Sec-WebSocket-Protocol: chat\r\n", false],
    [
      "the same extension",
      `Sec-WebSocket-Extensions: ${forgets}\r\n`,
      `Sec-WebSocket-Extensions: ${forgets}; client_no_context_takeover\r\n`,
      true,
    ],
    ["no extension", `Sec-WebSocket-Extensions: ${forgets}\r\n`, "", false],
    [
      "other parameters",
      `Sec-WebSocket-Extensions: ${forgets}\r\n`,
      `Sec-WebSocket-Extensions: ${forgets}; server_max_window_bits=9\r\n`,
      false,
    ],
    [
      "an extension that remembers",
      `Sec-WebSocket-Extensions: ${forgets}\r\n`,
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      false,
    ],
    [
      "the same after a first one that remembers",
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      false,
    ],
  ];
  for (const [what, first, second, goesOn] of rows) {
    test(`${goesOn ? "goes on" : "does not go on"} that has agreed to ${what}`, async () => {
      const answering: StageOptions["answering"] = ({ fields }) =>
        fields.has("longhaul-resumed") ? second : first;
      const whole = await stage({ answering, names: ["a", "b"] });
      const { simulation } = whole;
      const visitor = await visit(simulation, "/", offer);
      const { handshake, wire } = serverOf(whole).last;
      assert.equal(
        handshake.fields.get("sec-websocket-extensions"),
        "permessage-deflate; client_max_window_bits; server_no_context_takeover; client_no_context_takeover",
      );
      if (first.includes(forgets))
        assert.equal(
          visitor.answer.fields.get("sec-websocket-extensions"),
          `${forgets}; client_no_context_takeover`,
        );
      wire.connection!.reset();
      await simulation.advance(1);
      assert.equal(visitor.closeCode, goesOn ? null : 1014);
      await simulation.finish();
    });
  }

  test("is not told by a client that it goes on", async () => {
    const whole = await stage();
    await visit(whole.simulation, "/", "Longhaul-Resumed: 7\r\n");
    assert.equal(serverOf(whole).last.handshake.fields.has("longhaul-resumed"), false);
    await whole.simulation.finish();
  });
});
