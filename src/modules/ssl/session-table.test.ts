import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { SessionTable } from "./session-table.ts";

const zoneBytes = 32 * 1024;

function makeTables(count: number): SessionTable[] {
  const region = new SharedArrayBuffer(SessionTable.byteLength(zoneBytes));
  return Array.from({ length: count }, (_, worker) => new SessionTable(region, zoneBytes, worker));
}

const id = (number: number): string => number.toString(16).padStart(64, "0");

test("sessions of any length come back whole, in other workers too", () => {
  const [one, two] = makeTables(2);
  for (const length of [1, 130, 255, 256, 257, 512, 1500, 4096]) {
    const session = randomBytes(length);
    one!.set(id(length), session);
    assert.deepEqual(two!.get(id(length)), session, String(length));
  }
});

test("an unknown one, and one that is too long, are not there", () => {
  const [table] = makeTables(1);
  table!.set(id(1), randomBytes(4097));
  assert.equal(table!.get(id(1)), null);
  assert.equal(table!.get(""), null);
  assert.equal(table!.get("00"), null);
});

test("old ones give way, and none comes back in part", () => {
  const [table] = makeTables(1);
  const sessions = Array.from({ length: 500 }, () => randomBytes(300));
  for (const [number, session] of sessions.entries()) table!.set(id(number), session);
  assert.equal(table!.get(id(0)), null);
  assert.deepEqual(table!.get(id(499)), sessions[499]);
  for (const [number, session] of sessions.entries()) {
    const found = table!.get(id(number));
    if (found !== null) assert.deepEqual(found, session);
  }
});
