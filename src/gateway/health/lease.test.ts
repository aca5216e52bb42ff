import assert from "node:assert/strict";
import { test } from "node:test";
import { Lease } from "./lease.ts";

function setUp(): [Lease, Lease] {
  const memory = new SharedArrayBuffer(Lease.byteLength);
  return [new Lease(memory, 0, 10), new Lease(memory, 1, 10)];
}

test("one thread has it, and keeps it as long as it says so", () => {
  const [first, second] = setUp();
  for (const nowMs of [1_000, 9_000, 18_000]) {
    assert.equal(first.take(nowMs), true);
    assert.equal(second.take(nowMs), false);
  }
});

test("a thread that does not come back loses it", () => {
  const [first, second] = setUp();
  first.take(1_000);
  assert.equal(second.take(10_000), false);
  assert.equal(second.take(11_000), true);
  assert.equal(first.take(11_000), false);
});

test("who gives it back lets another take it at once", () => {
  const [first, second] = setUp();
  first.take(1_000);
  second.release();
  assert.equal(second.take(1_000), false);
  first.release();
  assert.equal(second.take(1_000), true);
});
