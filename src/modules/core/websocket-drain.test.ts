import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { outcome, testReading } from "../../config/test-reading.ts";
import type { WebSocketDrain } from "../../gateway/serve/drain.ts";
import { readWebSocketDrain } from "./websocket-drain.ts";

/** What `websocket_drain` with these arguments stands for, or the error. */
function reading(args: string): WebSocketDrain | null | string {
  const { scope } = testReading([]);
  const directive = {
    name: "websocket_drain",
    args: args.split(" "),
    block: null,
    file: "f",
    line: 1,
    startLine: 1,
  };
  let drain: WebSocketDrain | null = null;
  const error = outcome(() => {
    drain = readWebSocketDrain(directive, scope);
  });
  return error === "ok" ? drain : error;
}

function refusal(args: string): string {
  const result = reading(args);
  assert.ok(typeof result === "string", `"${args}" was taken`);
  return result;
}

describe("websocket_drain", () => {
  test("takes a window, and gives a tenth of it to chance", () => {
    assert.deepEqual(reading("30s"), { windowMs: 30_000, jitterMs: 3_000, graceMs: 10_000, code: null });
    assert.deepEqual(reading("0"), { windowMs: 0, jitterMs: 0, graceMs: 10_000, code: null });
  });

  test("takes jitter, grace and code in any order", () => {
    const drain = { windowMs: 60_000, jitterMs: 1_500, graceMs: 2_000, code: 4000 };
    assert.deepEqual(reading("1m code=4000 grace=2s jitter=1500ms"), drain);
  });

  test("takes off, alone", () => {
    assert.equal(reading("off"), null);
    assert.match(refusal("off grace=1s"), /invalid parameter "grace=1s"/);
  });

  for (const parameter of [
    "jitter",
    "jitter=",
    "jitter=x",
    "grace=-1",
    "code=999",
    "code=1005",
    "code=1006",
    "x=1",
  ])
    test(`refuses ${parameter}`, () => {
      assert.ok(refusal(`30s ${parameter}`).includes(`invalid parameter "${parameter}"`));
    });

  test("refuses a window that is no time", () => {
    assert.match(refusal("soon"), /"websocket_drain" directive invalid value/);
  });
});
