import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cutsOf } from "../http/cases/cuts.ts";
import { Fields } from "../http/fields.ts";
import { framesBytes } from "./cases/frame-text.ts";
import { SessionPeer } from "./cases/peer.ts";
import { sessionCases } from "./cases/session-cases.ts";
import type { SessionCase } from "./cases/session-cases.ts";
import { http2Limits } from "./limits.ts";
import { http2Options } from "./options.ts";

function peerFor({ options, open, answers }: SessionCase): SessionPeer {
  const all = { ...http2Options, ...options, limits: { ...http2Limits, ...options?.limits } };
  const peer = open === undefined ? SessionPeer.server(all) : SessionPeer.client(all);
  for (const method of open ?? []) {
    const start = { method, scheme: "http", authority: "a", path: "/", connectProtocol: null };
    assert.ok(peer.session.open(start, new Fields(), true, peer.log));
  }
  peer.take();
  if (answers === true) {
    peer.log.acts = (event, stream) => {
      if (/^request .* end$/.test(event)) stream!.sendHead(200, new Fields(), true);
    };
  }
  return peer;
}

function outcome(
  item: SessionCase,
  bytes: Buffer,
  ends: readonly number[],
): { events: string[]; output: string[] } {
  const peer = peerFor(item);
  peer.feed(bytes, ends);
  return { events: peer.log.events, output: peer.taken() };
}

describe("an HTTP/2 session", () => {
  for (const item of sessionCases) {
    it(`does, however cut: ${item.name}`, () => {
      const bytes = framesBytes(item.input);
      const whole = outcome(item, bytes, [bytes.length]);
      assert.deepEqual(whole, { events: item.events, output: item.output });
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(outcome(item, bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
      }
      const everyByte = Array.from({ length: bytes.length }, (_, index) => index + 1);
      assert.deepEqual(outcome(item, bytes, everyByte), whole, "byte by byte");
    });
  }

  it("does the same however cut, throws nothing and forgets no stream, whatever frames come", () => {
    const id = fc.constantFrom(0, 1, 1, 1, 3, 3, 5, 2);
    const shape = fc.constantFrom(
      "HEADERS END_HEADERS # @post",
      "HEADERS END_HEADERS # @post {content-length=2}",
      "HEADERS END_HEADERS|END_STREAM # @get",
      "HEADERS END_HEADERS|END_STREAM # {x=y}",
      "HEADERS END_HEADERS # @get {X=y}",
      "HEADERS - # @get",
      "CONTINUATION END_HEADERS #",
      "DATA - # 'ab'",
      "DATA END_STREAM # 'ab'",
      "DATA PADDED # 02 'a' 0000",
      "RST_STREAM - # 00000008",
      "WINDOW_UPDATE - # 00000005",
      "WINDOW_UPDATE - # 7fffffff",
      "PRIORITY - # 0000000010",
      "SETTINGS - 0 000400000010",
      "SETTINGS - 0 00040000ffff",
      "PING - 0 0102030405060708",
      "GOAWAY - 0 00000001 00000000",
      "type:99 - # 'abc'",
    );
    const frame = fc.tuple(shape, id).map(([text, stream]) => text.replace("#", String(stream)));
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.boolean(),
        (input, seed, answers) => {
          const item: SessionCase = { name: "", input, events: [], output: [], answers };
          const bytes = framesBytes(input);
          const whole = outcome(item, bytes, [bytes.length]);
          const cut = 1 + (seed % bytes.length);
          assert.deepEqual(outcome(item, bytes, [cut, bytes.length]), whole);
          const everyByte = Array.from({ length: bytes.length }, (_, index) => index + 1);
          assert.deepEqual(outcome(item, bytes, everyByte), whole);
          checkLives(whole.events);
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** Every stream has one beginning and at most one end, and nothing is told of it after that. */
function checkLives(events: readonly string[]): void {
  const states = new Map<string, string>();
  for (const event of events) {
    const [what, stream] = event.split(" ") as [string, string];
    if (!["request", "refused", "data", "trailers", "end", "reset", "closed", "writable"].includes(what))
      continue;
    const before = states.get(stream) ?? "idle";
    assert.notEqual(before, "closed", event);
    if (what === "request" || what === "refused") assert.equal(before, "idle", event);
    else assert.notEqual(before, "idle", event);
    if (before === "reset") assert.equal(what, "closed", event);
    if (before === "end") assert.ok(["reset", "closed", "writable"].includes(what), event);
    states.set(stream, what);
  }
}
