import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SharedRegions } from "../../../gateway/zones/shared-memory.ts";
import { Zone } from "../../../gateway/zones/zones.ts";
import { ConnectionCounts, full, limited } from "./connection-counts.ts";
import { connectionZoneUse } from "./connection-zone.ts";

function zone(): Zone {
  const made = new Zone("one", connectionZoneUse, new SharedRegions());
  made.size = 32 * 1024;
  return made as Zone;
}

describe("the counts of a zone", () => {
  test("are one for all threads", () => {
    const shared = zone();
    const threads = [0, 1, 2].map((worker) => ConnectionCounts.of(shared, worker));
    const held = threads.map((counts) => counts.take("a", 3));
    assert.ok(held.every((node) => node > 0));
    for (const counts of threads) assert.equal(counts.take("a", 3), limited);
    threads[1]!.free(held[1]!);
    const again = threads[0]!.take("a", 3);
    assert.ok(again > 0);
    assert.equal(threads[2]!.take("a", 3), limited);
    threads[0]!.free(again);
    threads[0]!.free(held[0]!);
    threads[2]!.free(held[2]!);
    assert.equal(threads[0]!.memory.keyCount, 0);
  });

  test("a full zone takes no other key, but more of those that it has", () => {
    const shared = zone();
    const threads = [0, 1, 2, 3].map((worker) => ConnectionCounts.of(shared, worker));
    const taken = Array.from({ length: 383 }, (_, number) => threads[0]!.take(String(number), 9));
    assert.ok(taken.every((node) => node > 0));
    assert.equal(threads[1]!.take("another", 9), full);
    for (const counts of threads) {
      for (let number = 0; number < 383; number++) assert.ok(counts.take(String(number), 9) > 0);
    }
    assert.equal(threads[3]!.take("another", 9), full);
  });

  test("what a thread has counted is free when it has died", () => {
    const shared = zone();
    const living = ConnectionCounts.of(shared, 1);
    const dead = ConnectionCounts.of(shared, 2);
    const kept = living.take("a", 5);
    for (let count = 0; count < 4; count++) dead.take("a", 5);
    dead.take("b", 1);
    dead.memory.lock();
    assert.notEqual(kept, limited);
    const main = ConnectionCounts.of(shared, 0);
    main.freeAll(2);
    for (let count = 0; count < 4; count++) assert.ok(living.take("a", 5) > 0);
    assert.equal(living.take("a", 5), limited);
    assert.ok(living.take("b", 1) > 0);
  });
});
