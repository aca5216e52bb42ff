import assert from "node:assert/strict";
import { test } from "node:test";
import { PeerGroup } from "./peer-group.ts";
import { PeerTable } from "./peer-table.ts";
import { balanceRequest, lettered, START_MS } from "./peer.fixture.ts";
import { RoundRobin } from "./round-robin.ts";

function setUp(spare: number, table = new PeerTable(spare)): { table: PeerTable; group: PeerGroup } {
  const plan = { table, rows: [[]], spare: Array.from({ length: spare }, (_, row) => row) };
  return { table, group: new PeerGroup([[]], plan, (peers) => new RoundRobin(peers)) };
}

const [a, b, c] = lettered([{}, {}, {}]) as [never, never, never];

function names({ peers }: PeerGroup): string {
  return peers.peers.map(({ name }) => name.charAt(0)).join("");
}

test("peers are those that were given last, in their order", () => {
  const { group } = setUp(3);
  assert.equal(names(group), "");
  group.replace(0, [b, c], START_MS);
  assert.equal(names(group), "bc");
  group.replace(0, [a, b], START_MS);
  assert.equal(names(group), "ab");
  group.replace(0, [], START_MS);
  assert.equal(names(group), "");
  assert.equal(group.balancer.begin(balanceRequest("")).next(), null);
});

test("a peer that goes and comes again while a request runs finds its count", () => {
  const { table, group } = setUp(2);
  group.replace(0, [a], START_MS);
  const selection = group.balancer.begin(balanceRequest(""));
  const peer = selection.next()!;
  group.replace(0, [b], START_MS);
  group.replace(0, [a, b], START_MS);
  assert.equal(table.conns[group.peers.peers[0]!.slot], 1);
  selection.release(peer, "ok");
  assert.equal(table.conns[group.peers.peers[0]!.slot], 0);
});

test("a row is not given away while its last request runs", () => {
  const { group } = setUp(1);
  group.replace(0, [a], START_MS);
  const selection = group.balancer.begin(balanceRequest(""));
  const peer = selection.next()!;
  assert.deepEqual(group.replace(0, [b], START_MS), [b]);
  selection.release(peer, "ok");
  assert.deepEqual(group.replace(0, [b], START_MS), []);
  assert.equal(names(group), "b");
});

test("groups over one table share the rows of peers that they both have", () => {
  const { table, group } = setUp(4);
  const other = setUp(4, table).group;
  group.replace(0, [a, b], START_MS);
  other.replace(0, [b, c], START_MS);
  const rowOf = ({ peers }: PeerGroup, name: string): number =>
    peers.peers.find((peer) => peer.name.startsWith(name))!.slot;
  assert.equal(rowOf(group, "b"), rowOf(other, "b"));
  assert.equal(new Set([rowOf(group, "a"), rowOf(group, "b"), rowOf(other, "c")]).size, 3);
  group.close();
  other.replace(0, [c], START_MS);
  other.close();
  assert.deepEqual([...table.users], [0, 0, 0, 0]);
});
