import assert from "node:assert/strict";
import { test } from "node:test";
import { slabStates } from "./slab.ts";

test("a zone holds as many states as nginx 1.22 was seen to hold", () => {
  assert.equal(slabStates(32 * 1024, 64), 383);
  assert.equal(slabStates(32 * 1024, 128), 191);
  assert.equal(slabStates(1024 * 1024, 128), 8095);
});
