import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
});
