import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer } from "./balancer.ts";
import { PeerSet } from "./peer-set.ts";
import { balanceRequest, choices, lettered, START_MS } from "./peer.fixture.ts";
import type { PeerOptions } from "./peer.ts";
import { RoundRobin } from "./round-robin.ts";

function roundRobin(...options: Partial<PeerOptions>[]): Balancer {
  return new RoundRobin(PeerSet.of(lettered(options)));
}

function order(balancer: Balancer, count: number, nowMs = START_MS): string {
  const requests = Array.from({ length: count }, () => balanceRequest("", "", nowMs));
  return choices(balancer, requests)
    .map((name) => name?.charAt(0) ?? "-")
    .join("");
}

/** Fails on every peer that one request is offered; returns their letters. */
function failEverywhere(balancer: Balancer, nowMs = START_MS): string {
  const selection = balancer.begin(balanceRequest("", "", nowMs));
  let letters = "";
  for (let peer = selection.next(); peer !== null; peer = selection.next()) {
    letters += peer.name.charAt(0);
    selection.release(peer, "failed");
  }
  return letters;
}

test("heavy peers are spread among light ones", () => {
  assert.equal(order(roundRobin({ weight: 5 }, {}, {}), 14), "aabacaaaabacaa");
  assert.equal(order(roundRobin({}, {}, {}), 6), "abcabc");
});

test("peers marked down are passed over and give no tries", () => {
  const balancer = roundRobin({ down: true }, {}, { down: true, backup: true }, {});
  assert.equal(order(balancer, 4), "bdbd");
  assert.equal(balancer.begin(balanceRequest("")).tries, 2);
});

test("a request is offered each peer once, then the backup peers, then nobody", () => {
  const balancer = roundRobin({}, { backup: true }, {}, { backup: true });
  assert.equal(balancer.begin(balanceRequest("")).tries, 4);
  assert.equal(failEverywhere(balancer), "acbd");
});

test("when all peers failed there is nobody until fail_timeout is over", () => {
  const balancer = roundRobin({}, {});
  assert.equal(failEverywhere(balancer), "ab");
  assert.equal(order(balancer, 2, START_MS + 10_000), "--");
  assert.equal(order(balancer, 2, START_MS + 11_000).length, 2);
  assert.doesNotMatch(order(balancer, 2, START_MS + 11_000), /-/);
});

test("backup peers serve while the others are out of use", () => {
  const balancer = roundRobin({}, { backup: true }, {});
  const selection = balancer.begin(balanceRequest(""));
  for (let at = 0; at < 2; at++) assert.equal(selection.release(selection.next()!, "failed"), true);
  assert.equal(order(balancer, 3), "bbb");
  assert.match(order(balancer, 2, START_MS + 20_000), /^[ac]{2}$/);
});

test("a lone peer stays in use whatever happens and is tried once", () => {
  const balancer = roundRobin({ maxFails: 1, maxConns: 1 });
  const selection = balancer.begin(balanceRequest(""));
  const peer = selection.next()!;
  assert.equal(balancer.begin(balanceRequest("")).next(), null);
  assert.equal(selection.release(peer, "failed"), false);
  assert.equal(selection.tries, 0);
  assert.equal(order(balancer, 2), "aa");
});

test("a peer that was skipped is not blamed, but is not offered again", () => {
  const balancer = roundRobin({}, {});
  const selection = balancer.begin(balanceRequest(""));
  assert.equal(selection.release(selection.next()!, "skipped"), false);
  assert.equal(selection.tries, 1);
  assert.equal(selection.next()!.name, "b:1");
  assert.equal(selection.next(), null);
  assert.equal(order(balancer, 4), "baba");
});

test("more than 32 peers are remembered as tried", () => {
  const balancer = roundRobin(...Array.from({ length: 70 }, () => ({ maxFails: 0 })));
  const selection = balancer.begin(balanceRequest(""));
  const names = new Set<string>();
  for (let peer = selection.next(); peer !== null; peer = selection.next()) {
    assert.ok(!names.has(peer.name));
    names.add(peer.name);
    selection.release(peer, "failed");
  }
  assert.equal(names.size, 70);
  assert.equal(selection.tries, 0);
});
