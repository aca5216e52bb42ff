import assert from "node:assert/strict";
import { test } from "node:test";
import { peerOptions } from "./peer.fixture.ts";
import { HeldRows, PeerTable } from "./peer-table.ts";
import { Peer } from "./peer.ts";

const first = new Peer(peerOptions("a:1", { maxConns: 2, maxFails: 2, weight: 5 }), 0);
const second = new Peer(peerOptions("b:1", { maxFails: 0 }), 1);

test("tables over the same memory count together", () => {
  const memory = new SharedArrayBuffer(8 + PeerTable.byteLength(2));
  const here = new PeerTable(2, memory, 8);
  const there = new PeerTable(2, memory, 8);
  assert.equal(here.acquire(first), true);
  assert.equal(there.acquire(first), true);
  assert.equal(here.acquire(first), false);
  there.free(first);
  assert.equal(here.acquire(first), true);
  assert.equal(there.conns[1], 0);
  assert.deepEqual(new Int32Array(memory, 0, 2), new Int32Array(2));
});

test("a peer is out of use from its last allowed failure until fail_timeout is over", () => {
  const table = new PeerTable(2);
  assert.equal(table.recordFailure(first, 100), false);
  assert.equal(table.isAvailable(first, 100), true);
  assert.equal(table.recordFailure(first, 103), true);
  assert.equal(table.isAvailable(first, 113), false);
  assert.equal(table.isAvailable(first, 114), true);
});

test("a success clears failures only when the peer was tried after its window", () => {
  const table = new PeerTable(2);
  table.recordFailure(first, 100);
  table.check(first, 105);
  table.recordSuccess(first);
  assert.equal(table.fails[0], 1);
  table.check(first, 111);
  table.recordSuccess(first);
  assert.equal(table.fails[0], 0);
});

test("failures take weight, down to nothing, and rounds give it back", () => {
  const table = new PeerTable(2);
  table.recordFailure(first, 100);
  assert.equal(table.effectiveWeight(first), 3);
  table.recordFailure(first, 100);
  table.recordFailure(first, 100);
  assert.equal(table.effectiveWeight(first), 0);
  assert.equal(table.weigh(first), 0);
  assert.equal(table.weigh(first), 1);
  assert.equal(table.effectiveWeight(first), 2);
});

test("max_fails of 0 never puts a peer out of use", () => {
  const table = new PeerTable(2);
  for (let at = 0; at < 5; at++) assert.equal(table.recordFailure(second, 100), false);
  assert.equal(table.isAvailable(second, 100), true);
  assert.equal(table.effectiveWeight(second), 1);
});

test("what a dead thread held is free: its connections, and rows that nobody else uses", () => {
  const memory = new SharedArrayBuffer(PeerTable.byteLength(2));
  const held = new HeldRows(2, new SharedArrayBuffer(HeldRows.byteLength(2)));
  const dead = new PeerTable(2, memory);
  const living = new PeerTable(2, memory);
  dead.held = held;
  assert.ok(dead.share(0, 7) && dead.share(1, 8) && living.share(1, 8));
  dead.acquire(first);
  living.acquire(first);
  dead.countWaiting(0, 1, -5);
  living.countWaiting(0, 1, 9);
  assert.equal(living.share(0, 9), false);
  living.freeAll(held);
  assert.deepEqual([living.conns[0], living.waiting[0], living.waitingSince[0]], [1, 1, 9]);
  living.free(first);
  assert.equal(living.share(0, 9), true, "nobody has the first row");
  assert.equal(living.share(1, 9), false, "the second one is in use");
  assert.equal(living.users[1], 1);
});
