import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer } from "./balancer.ts";
import { LeastTime } from "./least-time.ts";
import { PeerSet } from "./peer-set.ts";
import { balanceRequest, lettered, START_MS } from "./peer.fixture.ts";

/** A request that takes so long wherever it goes; returns its peer's letter. */
function serve(balancer: Balancer, took: Record<string, number>, nowMs = START_MS): string {
  const selection = balancer.begin(balanceRequest("", "", nowMs));
  const peer = selection.next()!;
  const letter = peer.name.charAt(0);
  selection.release(peer, "ok", { headerMs: took[letter]!, responseMs: took[letter]! * 10 });
  return letter;
}

function serveMany(balancer: Balancer, count: number, took: Record<string, number>): string {
  return Array.from({ length: count }, () => serve(balancer, took)).join("");
}

test("each peer is tried once, then the one that answers soonest is taken", () => {
  const balancer = new LeastTime(PeerSet.of(lettered([{}, {}, {}])), { until: "header", inflight: false });
  const took = { a: 30, b: 10, c: 20 };
  assert.equal(serveMany(balancer, 6, took), "abcbbb");
});

test("times are alike within steps of 20 ms", () => {
  for (const [slower, served] of [
    [0, "abababab"],
    [8, "abababab"],
    [19, "abababab"],
    [20, "abaaaaaa"],
    [45, "abaaaaaa"],
  ] as const) {
    const balancer = new LeastTime(PeerSet.of(lettered([{}, {}])), { until: "last_byte", inflight: false });
    assert.equal(serveMany(balancer, 8, { a: 0, b: slower / 10 }), served, `${slower}`);
  }
});

/** Milliseconds after which a peer is asked that was slow once, of requests ten times a second. */
function askedAgain(failTimeoutMs: number, untilMs: number): number[] {
  const peers = PeerSet.of(lettered([{ failTimeoutMs }, { failTimeoutMs }]));
  const balancer = new LeastTime(peers, { until: "header", inflight: false });
  assert.equal(serve(balancer, { a: 300, b: 1 }, START_MS + 400), "a");
  const times: number[] = [];
  for (let ms = 500; ms < untilMs; ms += 100)
    if (serve(balancer, { a: 1, b: 1 }, START_MS + ms) === "a") times.push(ms - 400);
  return times;
}

test("a peer that was slow once is asked again when its time has been halved often enough", () => {
  assert.deepEqual(askedAgain(0, 13_000), [3700, 7700, 11_700]);
  assert.deepEqual(askedAgain(1000, 9000), [7700]);
  assert.deepEqual(askedAgain(10_000, 50_000), [43_700]);
});

test("a fast peer with many connections gives way", () => {
  const balancer = new LeastTime(PeerSet.of(lettered([{}, {}])), { until: "header", inflight: false });
  serveMany(balancer, 2, { a: 10, b: 45 });
  const busy = Array.from({ length: 6 }, () => balancer.begin(balanceRequest("")).next()!.name.charAt(0));
  assert.equal(busy.join(""), "aaabaa", "3 steps of b are as much as 3 connections of a");
});

test("the last byte counts, when told so", () => {
  const balancer = new LeastTime(PeerSet.of(lettered([{}, {}])), { until: "last_byte", inflight: false });
  for (const [headerMs, responseMs] of [
    [10, 500],
    [20, 50],
  ] as const) {
    const selection = balancer.begin(balanceRequest(""));
    selection.release(selection.next()!, "ok", { headerMs, responseMs });
  }
  assert.equal(serve(balancer, { a: 1, b: 1 }), "b");
});

test("a peer that got slow loses its requests, step by step", () => {
  const balancer = new LeastTime(PeerSet.of(lettered([{}, {}])), { until: "header", inflight: false });
  serveMany(balancer, 2, { a: 10, b: 20 });
  assert.match(serveMany(balancer, 20, { a: 100, b: 20 }), /^a+[ab]*b{10}$/);
});

test("requests in flight count by the time that they have waited", () => {
  const plain = PeerSet.of(lettered([{}, {}]));
  plain.table.checked.fill(START_MS / 1000);
  for (const inflight of [false, true]) {
    const balancer = new LeastTime(plain, { until: "header", inflight });
    plain.table.headTime.set([160, 1600]);
    const stuck = balancer.begin(balanceRequest(""));
    const peer = stuck.next()!;
    assert.equal(peer.name, "a:1");
    const later = balancer.begin(balanceRequest("", "", START_MS + 10_000));
    const second = later.next()!;
    assert.equal(second.name, inflight ? "b:1" : "a:1");
    later.release(second, "ok");
    stuck.release(peer, "ok");
    assert.deepEqual([...plain.table.waiting, ...plain.table.waitingSince], [0, 0, 0, 0]);
  }
});

test("a tunnel counts until it begins, failures not at all", () => {
  const peers = PeerSet.of(lettered([{}, {}]));
  const balancer = new LeastTime(peers, { until: "last_byte", inflight: true });
  const tunnel = balancer.begin(balanceRequest(""));
  const peer = tunnel.next()!;
  tunnel.answered!(peer, { headerMs: 5, responseMs: -1 });
  assert.equal(peers.table.waiting[peer.slot], 0);
  assert.equal(peers.table.lastByteTime[peer.slot], 80);
  tunnel.release(peer, "ok");
  const failing = balancer.begin(balanceRequest(""));
  const other = failing.next()!;
  failing.release(other, "failed", { headerMs: 5, responseMs: 5 });
  assert.equal(peers.table.headTime[other.slot], 0);
});
