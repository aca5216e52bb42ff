import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../memory/clock.ts";
import { ReceivedMemory } from "./received-memory.ts";

const MiB = 1024 * 1024;

test("memory is collected when much has come and nothing more comes, and not before", () => {
  const clock = new VirtualClock(0, (error) => assert.fail(String(error)));
  let collections = 0;
  const received = new ReceivedMemory(clock, () => collections++);
  const pass = (ms: number): void => {
    const end = clock.now() + ms;
    clock.timer(ms, () => undefined);
    while (clock.now() < end) clock.step();
  };
  received.count(7 * MiB);
  pass(1000);
  assert.equal(collections, 0);
  for (let count = 0; count < 20; count++) {
    received.count(MiB);
    pass(30);
  }
  assert.equal(collections, 0);
  pass(100);
  assert.equal(collections, 1);
  pass(1000);
  assert.equal(collections, 1);
});
