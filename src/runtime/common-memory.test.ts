import assert from "node:assert/strict";
import { test } from "node:test";
import { CommonMemory } from "./common-memory.ts";

const dayMs = 24 * 60 * 60 * 1000;

test("the secret of session tickets outlives the reloads of a day, and no more", () => {
  const memory = new CommonMemory();
  const first = memory.begin(0).ticketSecret;
  assert.equal(first.length, 48);
  assert.deepEqual(memory.begin(dayMs - 1).ticketSecret, first);
  const second = memory.begin(dayMs).ticketSecret;
  assert.notDeepEqual(second, first);
  assert.deepEqual(memory.begin(dayMs + 1).ticketSecret, second);
});
