import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BalanceRequest, PeerOutcome, Selection } from "./balancer.ts";
import { PeerSet } from "./peer-set.ts";
import { ALL_METHODS, balanceRequest, lettered, type Method } from "./peer.fixture.ts";
import type { Peer } from "./peer.ts";

const peerArbitrary = fc.record({
  weight: fc.integer({ min: 1, max: 12 }),
  maxConns: fc.integer({ min: 0, max: 3 }),
  maxFails: fc.integer({ min: 0, max: 3 }),
  failTimeoutMs: fc.integer({ min: 0, max: 5 }).map((seconds) => seconds * 1000),
  backup: fc.boolean(),
  down: fc.boolean(),
});

/** A step of a history; numbers name the request, held selection or chance that it is about. */
const stepArbitrary = fc.record({
  act: fc.constantFrom<("begin" | PeerOutcome)[]>("begin", "begin", "ok", "failed", "skipped"),
  which: fc.nat(1000),
  seconds: fc.nat(3),
});

interface Held {
  readonly selection: Selection;
  readonly offered: Set<Peer>;
  peer: Peer;
}

/** Takes a peer, and checks what must hold of it. */
function take(selection: Selection, offered: Set<Peer>, set: PeerSet, held: Held[]): void {
  const { table } = set;
  const available = (peer: Peer): boolean => peer.maxConns === 0 || table.conns[peer.slot]! < peer.maxConns;
  const before = new Map([...set.peers, ...(set.backup?.peers ?? [])].map((peer) => [peer, available(peer)]));
  const peer = selection.next();
  if (peer === null) return;
  assert.equal(peer.down, false, "a peer that is down");
  assert.equal(before.get(peer), true, "a peer at max_conns");
  assert.equal(offered.has(peer), false, "a peer a second time");
  offered.add(peer);
  held.push({ selection, offered, peer });
}

function runHistory(
  method: Method,
  peers: Parameters<typeof lettered>[0],
  steps: readonly { act: "begin" | PeerOutcome; which: number; seconds: number }[],
): void {
  const options = lettered(peers).map((peer) => (method.knowsBackup ? peer : { ...peer, backup: false }));
  const set = PeerSet.of(options);
  const balancer = method.balancer(set);
  const held: Held[] = [];
  let nowMs = 0;
  for (const { act, which, seconds } of steps) {
    nowMs += seconds * 1000;
    const at = nowMs;
    const request: BalanceRequest = {
      ...balanceRequest(String(which), `10.${which & 255}.${which >> 2}.1`),
      random: () => (which % 97) / 97,
      nowMs: () => at,
    };
    if (act === "begin") {
      const selection = balancer.begin(request);
      if (selection.tries > 0) take(selection, new Set(), set, held);
      continue;
    }
    const [done] = held.splice(which % Math.max(1, held.length), 1);
    if (done === undefined) continue;
    done.selection.release(done.peer, act);
    if (act !== "ok" && done.selection.tries > 0) take(done.selection, done.offered, set, held);
  }
  const conns = set.table.conns.reduce((sum, count) => sum + count, 0);
  assert.equal(conns, held.length, "connections counted");
  for (const { selection, peer } of held) selection.release(peer, "ok");
  assert.ok(set.table.conns.every((count) => count === 0));
}

for (const method of ALL_METHODS) {
  test(`${method.name} never takes a peer that is down, at max_conns or tried before`, () => {
    fc.assert(
      fc.property(
        fc.array(peerArbitrary, { minLength: 1, maxLength: 40 }),
        fc.array(stepArbitrary, { maxLength: 80 }),
        (peers, steps) => runHistory(method, peers, steps),
      ),
      { numRuns: 60 },
    );
  });
}
