import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cutsOf } from "../http/cases/cuts.ts";
import { frameBytes } from "./cases/frame-text.ts";
import { headCases } from "./cases/head-cases.ts";
import { SessionPeer } from "./cases/peer.ts";
import { http2Options } from "./options.ts";
import { http2HeadLimits } from "./request-head.ts";

const ending = " while reading client request headers";

describe("the head of an HTTP/2 request", () => {
  for (const item of headCases) {
    it(`is read, however cut: ${item.name}`, () => {
      const literals = item.fields.map((field) => `{${field}}`).join(" ");
      const bytes = frameBytes(`HEADERS END_HEADERS|END_STREAM 1 ${literals}`);
      const options = { ...http2Options, requestHead: { ...http2HeadLimits, ...item.limits } };
      const outcome = (cuts: readonly number[]): readonly unknown[] => {
        const peer = SessionPeer.server(options);
        peer.feed(bytes, cuts);
        return [peer.log.events, peer.heads];
      };
      const peer = SessionPeer.server(options);
      peer.feed(bytes, [bytes.length]);
      if (item.refused !== undefined) {
        const [status, reason] = item.refused;
        assert.deepEqual(peer.log.events, [`refused 1 ${status} ${reason}${ending}`]);
      } else {
        const [head] = peer.heads;
        assert.ok(head, peer.log.events.join());
        const actual = head as unknown as Record<string, unknown>;
        for (const [key, value] of Object.entries(item.head ?? {})) assert.deepEqual(actual[key], value, key);
        const list = head.fields.names.map((name, index) => `${name}: ${head.fields.valueAt(index)}`);
        if (item.list !== undefined) assert.deepEqual(list, item.list);
        assert.deepEqual([head.versionMajor, head.protocol, head.chunked], [2, "HTTP/2.0", false]);
      }
      const whole = outcome([bytes.length]);
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(outcome([cut, bytes.length]), whole, `cut at ${cut}`);
      }
    });
  }
});
