import assert from "node:assert/strict";
import { test } from "node:test";
import { ZoneLock } from "./zone-lock.ts";

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(16));
}

test("a free lock is taken and let go, again and again", () => {
  const shared = words();
  const locks = [new ZoneLock(shared, 0, 1), new ZoneLock(shared, 0, 2)];
  for (let round = 0; round < 1000; round++) {
    const lock = locks[round % 2]!;
    assert.equal(lock.acquire(), false);
    lock.release();
  }
});

test("the turn of a lock may overflow", () => {
  const shared = words();
  const lock = new ZoneLock(shared, 0, 1);
  shared[0] = 0x7fff_fffc;
  for (let round = 0; round < 3; round++) {
    assert.equal(lock.acquire(), false);
    lock.release();
  }
  assert.equal(shared[0]! & 3, 0);
});

test("a lock that its holder never lets go is taken from it, and it cannot open it any more", () => {
  const shared = words();
  const dead = new ZoneLock(shared, 0, 1);
  const heir = new ZoneLock(shared, 0, 2, 2);
  const third = new ZoneLock(shared, 0, 3, 2);
  dead.acquire();
  assert.equal(heir.acquire(), true, "what the lock guards has to be looked after");
  dead.release();
  assert.equal(third.acquire(), true, "it was still locked");
  heir.release();
  third.release();
  assert.equal(dead.acquire(), false);
});

test("the lock of a thread that has ended is taken at once, that of another is not", () => {
  const shared = words();
  const dead = new ZoneLock(shared, 0, 1);
  const main = new ZoneLock(shared, 0, 0);
  assert.equal(main.takeFrom(1), false, "it is free");
  dead.acquire();
  assert.equal(main.takeFrom(2), false);
  assert.equal(main.takeFrom(1), true);
  main.release();
  assert.equal(dead.acquire(), false);
});
