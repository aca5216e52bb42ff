import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PeerSet } from "./peer-set.ts";
import {
  balanceRequest,
  choices,
  CONSISTENT_HASH,
  HASH,
  IP_HASH,
  LEAST_CONN,
  lettered,
  RANDOM,
  RANDOM_TWO,
  ROUND_ROBIN,
  seededNumbers,
} from "./peer.fixture.ts";
import type { BalanceRequest } from "./balancer.ts";

/** Requests with keys, addresses and chances of their own. */
function* requests(count: number): Generator<BalanceRequest> {
  const number = seededNumbers(count);
  for (let at = 0; at < count; at++) {
    const address = `${number(256)}.${number(256)}.${number(256)}.1`;
    yield { ...balanceRequest(`key ${at}`, address), random: () => number(1_000_000) / 1_000_000 };
  }
}

function shares(names: readonly (string | null)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name ?? "", (counts.get(name ?? "") ?? 0) + 1);
  return counts;
}

test("a round of round robin gives each peer exactly its weight", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }), (weights) => {
      const peers = lettered(weights.map((weight) => ({ weight })));
      const round = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = shares(choices(ROUND_ROBIN.balancer(PeerSet.of(peers)), requests(round)));
      assert.deepEqual(
        peers.map((peer) => counts.get(peer.name)),
        weights,
      );
    }),
  );
});

for (const method of [HASH, CONSISTENT_HASH, IP_HASH, RANDOM]) {
  test(`${method.name} serves in proportion to weights`, () => {
    const weights = [1, 4, 2, 3];
    const peers = lettered(weights.map((weight) => ({ weight })));
    const counts = shares(choices(method.balancer(PeerSet.of(peers)), requests(20_000)));
    peers.forEach((peer, at) => {
      const share = counts.get(peer.name)! / 20_000;
      assert.ok(Math.abs(share - weights[at]! / 10) < 0.04, `${peer.name} got ${share}`);
    });
  });
}

for (const method of [HASH, CONSISTENT_HASH, IP_HASH]) {
  test(`${method.name} moves only the keys of a peer that is down`, () => {
    const before = lettered([{ weight: 2 }, {}, { weight: 3 }, {}]);
    const after = before.map((peer, at) => (at === 2 ? { ...peer, down: true } : peer));
    const were = choices(method.balancer(PeerSet.of(before)), requests(500));
    const are = choices(method.balancer(PeerSet.of(after)), requests(500));
    were.forEach((name, at) => {
      if (name === "c:1") assert.notEqual(are[at], "c:1");
      else assert.equal(are[at], name);
    });
  });
}

test("a new server takes keys of a consistent hash only for itself", () => {
  const peers = lettered([{}, {}, {}, {}, {}]);
  const were = choices(CONSISTENT_HASH.balancer(PeerSet.of(peers.slice(0, 4))), requests(2000));
  const are = choices(CONSISTENT_HASH.balancer(PeerSet.of(peers)), requests(2000));
  const moved = are.filter((name, at) => name !== were[at]);
  assert.ok(moved.length > 200 && moved.length < 600, `${moved.length} moved`);
  assert.deepEqual(new Set(moved), new Set(["e:1"]));
});

for (const method of [HASH, CONSISTENT_HASH]) {
  test(`${method.name} with an empty key is round robin`, () => {
    const balancer = method.balancer(PeerSet.of(lettered([{}, {}, {}])));
    const names = choices(
      balancer,
      [1, 2, 3, 4].map(() => balanceRequest("")),
    );
    assert.deepEqual(names, ["a:1", "b:1", "c:1", "a:1"]);
  });
}

test("addresses of one server take turns under a consistent hash", () => {
  const [a, b] = lettered([{}, {}]);
  const peers = [a!, { ...a!, name: "a2:1" }, b!];
  const balancer = CONSISTENT_HASH.balancer(PeerSet.of(peers));
  const counts = shares(choices(balancer, requests(3000)));
  assert.equal(Math.abs(counts.get("a:1")! - counts.get("a2:1")!) <= 1, true);
});

test("ip_hash keeps the clients of a /24 together, and those on unix sockets", () => {
  const balancer = IP_HASH.balancer(PeerSet.of(lettered([{}, {}, {}, {}, {}])));
  const neighbours = Array.from({ length: 256 }, (_, at) => balanceRequest("", `192.0.2.${at}`));
  assert.equal(shares(choices(balancer, neighbours)).size, 1);
  const local = Array.from({ length: 10 }, () => balanceRequest("", "unix:"));
  assert.equal(shares(choices(balancer, local)).size, 1);
});

test("least_conn evens out connections by weight", () => {
  const peers = PeerSet.of(lettered([{ weight: 3 }, {}, { weight: 2 }]));
  const balancer = LEAST_CONN.balancer(peers);
  for (let at = 0; at < 60; at++) balancer.begin(balanceRequest("")).next();
  assert.deepEqual([...peers.table.conns], [30, 10, 20]);
});

test("random two prefers the peer with fewer connections", () => {
  const peers = PeerSet.of(lettered([{}, {}]));
  const balancer = RANDOM_TWO.balancer(peers);
  for (const request of requests(100)) balancer.begin(request).next();
  assert.ok(Math.abs(peers.table.conns[0]! - peers.table.conns[1]!) <= 10, String(peers.table.conns));
});
