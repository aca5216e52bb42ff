import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedRegions } from "../../../gateway/zones/shared-memory.ts";
import { UserIds } from "./user-ids.ts";

const origin = Uint8Array.of(127, 0, 0, 1);

test("threads that share the memory never make the same id", () => {
  const regions = new SharedRegions();
  const threads = [new UserIds(regions), new UserIds(regions), new UserIds(new SharedRegions(regions.used))];
  const seen = new Set<string>();
  for (let round = 0; round < 100; round++) {
    for (const ids of threads) {
      seen.add(ids.v2(origin, 1_700_000_000).toString("hex"));
      seen.add(ids.v1(0, 1_700_000_000).toString("hex"));
    }
  }
  assert.equal(seen.size, 600);
});

test("ids are made as nginx makes them", () => {
  const ids = new UserIds(new SharedRegions());
  const seconds = 0x65010203;
  const first = ids.v2(origin, seconds);
  assert.deepEqual([...first.subarray(0, 8)], [127, 0, 0, 1, 0x65, 1, 2, 3]);
  assert.equal(first.readUInt32BE(12), 0x03030302);
  assert.equal(ids.v2(origin, seconds).readUInt32BE(12), 0x03030402);
  assert.equal(ids.v2(origin, seconds).readUInt32BE(8), first.readUInt32BE(8));
  const old = ids.v1(258, seconds);
  assert.deepEqual([...old.subarray(0, 8)], [2, 1, 0, 0, 3, 2, 1, 0x65]);
  assert.equal(old.readUInt32LE(12), 1);
  assert.equal(ids.v1(258, seconds).readUInt32LE(12), 0x101);
});
