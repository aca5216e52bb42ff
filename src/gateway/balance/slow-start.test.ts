import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer } from "./balancer.ts";
import { LeastConn } from "./least-conn.ts";
import { PeerGroup } from "./peer-group.ts";
import { PeerSet } from "./peer-set.ts";
import { PeerTable } from "./peer-table.ts";
import { balanceRequest, choices, lettered, START_MS } from "./peer.fixture.ts";
import { RoundRobin } from "./round-robin.ts";

/** How many of so many requests the peer with this letter gets at a time. */
function share(balancer: Balancer, letter: string, count: number, nowMs: number): number {
  const requests = Array.from({ length: count }, () => balanceRequest("", "", nowMs));
  return choices(balancer, requests).filter((name) => name?.startsWith(letter)).length;
}

const slow = { slowStartMs: 10_000 };

test("a peer that has come back gains its weight step by step", () => {
  const balancer = new RoundRobin(PeerSet.of(lettered([slow, {}])));
  const selection = balancer.begin(balanceRequest(""));
  assert.equal(selection.release(selection.next()!, "failed"), true);
  const backMs = START_MS + 11_000;
  assert.ok(share(balancer, "a", 20, backMs) <= 1);
  const early = share(balancer, "a", 100, backMs + 2_000);
  const late = share(balancer, "a", 100, backMs + 8_000);
  assert.ok(early > 5 && early < 25, `${early} after a fifth of the time`);
  assert.ok(late > 35 && late < 50, `${late} after four fifths`);
  assert.equal(share(balancer, "a", 100, backMs + 10_000), 50);
});

test("nobody starts slowly at the beginning", () => {
  assert.equal(share(new RoundRobin(PeerSet.of(lettered([slow, slow]))), "a", 10, START_MS), 5);
});

test("a peer that is added starts slowly, the first ones do not", () => {
  const [first, second] = lettered([slow, slow]);
  const table = new PeerTable(4);
  const plan = { table, rows: [[]], spare: [0, 1, 2, 3] };
  const group = new PeerGroup([[]], plan, (peers) => new RoundRobin(peers));
  group.replace(0, [first!], START_MS);
  assert.equal(table.startedMs[0], 0);
  group.replace(0, [first!, second!], START_MS);
  assert.ok(share(group.balancer, "b", 20, START_MS) <= 1);
  assert.equal(share(group.balancer, "b", 20, START_MS + 10_000), 10);
});

test("least_conn counts the growing weight", () => {
  const peers = PeerSet.of(lettered([slow, {}]));
  const balancer = new LeastConn(peers);
  peers.table.startSlowly(10_000, 0, START_MS);
  const names = Array.from(
    { length: 6 },
    () => balancer.begin(balanceRequest("", "", START_MS + 2_000)).next()!.name,
  );
  assert.equal(names.filter((name) => name === "a:1").length, 1, "one for each five of the other");
});
