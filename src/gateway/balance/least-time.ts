import type { BalanceRequest, Balancer, PeerKeeper, PeerOutcome, Selection, ServeTimes } from "./balancer.ts";
import { LeastConnSelection } from "./least-conn.ts";
import type { PeerSet } from "./peer-set.ts";
import type { PeerTable } from "./peer-table.ts";
import type { Peer } from "./peer.ts";

/** Averages are kept in so many parts of a millisecond. */
const parts = 16;

/** A new time counts for this much of the average. */
const newShare = 1 / 8;

/** Times since when requests wait are kept in units of this. */
const waitUnitMs = 1000 / 16;

/** Times that differ by less are alike. */
const stepMs = 20;

/** Nothing is left of a time of days then. */
const halvingsMax = 31;

/** What `least_time` looks at. */
export interface TimeRule {
  /** Until the answer's head, or until its last byte. */
  readonly until: "header" | "last_byte";
  /** Requests whose answer is waited for count by the time that they have waited. */
  readonly inflight: boolean;
}

/**
 * `least_time;`: the least average time to an answer, multiplied by connections, for its weight; round robin among
 * equals. Times count in steps of 20 ms, and half as much for each `fail_timeout` and a second that a peer has not been
 * chosen, so that one that was slow once is asked again some day. That is what nginx 1.31 was seen to do.
 */
export class LeastTime implements Balancer {
  readonly #peers: PeerSet;
  readonly #rule: TimeRule;

  constructor(peers: PeerSet, rule: TimeRule) {
    this.#peers = peers;
    this.#rule = rule;
  }

  begin(request: BalanceRequest): Selection {
    const { table } = this.#peers;
    return new TimedSelection(new LeastTimeSelection(this.#peers, request, this.#rule), table, request);
  }
}

class LeastTimeSelection extends LeastConnSelection {
  readonly #rule: TimeRule;

  constructor(peers: PeerSet, request: BalanceRequest, rule: TimeRule) {
    super(peers, request);
    this.#rule = rule;
  }

  protected override compareLoad(one: Peer, other: Peer): number {
    const { table } = this.peers;
    const nowMs = this.request.nowMs();
    return timeLoad(table, one, this.#rule, nowMs) - timeLoad(table, other, this.#rule, nowMs);
  }
}

/** What a further request would find at a peer. A peer of which nothing is known is as good as the fastest. */
function timeLoad(table: PeerTable, peer: Peer, { until, inflight }: TimeRule, nowMs: number): number {
  const { slot } = peer;
  const known = (until === "header" ? table.headTime : table.lastByteTime)[slot]! / parts;
  const waiting = inflight ? table.waiting[slot]! : 0;
  let time = known;
  if (waiting > 0) {
    const units = (Math.imul(waiting, waitUnits(nowMs)) - table.waitingSince[slot]!) | 0;
    time = Math.max(known, (units * waitUnitMs) / waiting);
  }
  const unusedSeconds = Math.floor(nowMs / 1000) - table.checked[slot]!;
  const halvings = Math.max(0, Math.floor(unusedSeconds / (peer.failTimeoutSeconds + 1)));
  const steps = Math.floor(Math.floor(time / stepMs) / 2 ** Math.min(halvings, halvingsMax));
  return ((steps + 1) * (table.conns[slot]! + 1)) / (peer.weight * table.ramp(peer, nowMs));
}

/** Notes how long peers take to answer. */
class TimedSelection implements Selection {
  readonly #inner: Selection;
  readonly #table: PeerTable;
  readonly #request: BalanceRequest;
  /** When the request to the peer in use began, in units; null when nothing is waited for. */
  #since: number | null = null;

  constructor(inner: Selection, table: PeerTable, request: BalanceRequest) {
    this.#inner = inner;
    this.#table = table;
    this.#request = request;
  }

  get tries(): number {
    return this.#inner.tries;
  }

  set tries(count: number) {
    this.#inner.tries = count;
  }

  get keeper(): PeerKeeper {
    return this.#inner.keeper;
  }

  avoid(names: ReadonlySet<string>): void {
    this.#inner.avoid(names);
  }

  next(): Peer | null {
    return this.#begin(this.#inner.next());
  }

  takeBound(route: string): Peer | null {
    return this.#begin(this.#inner.takeBound(route));
  }

  answered(peer: Peer, { headerMs, responseMs }: ServeTimes): void {
    this.#end(peer);
    const { headTime, lastByteTime } = this.#table;
    if (headerMs < 0) return;
    average(headTime, peer.slot, headerMs);
    average(lastByteTime, peer.slot, responseMs < 0 ? headerMs : responseMs);
  }

  release(peer: Peer, outcome: PeerOutcome, times?: ServeTimes): boolean {
    this.#end(peer);
    if (times !== undefined && outcome === "ok") this.answered(peer, times);
    return this.#inner.release(peer, outcome);
  }

  #begin(peer: Peer | null): Peer | null {
    if (peer === null) return null;
    this.#since = waitUnits(this.#request.nowMs());
    this.#table.countWaiting(peer.slot, 1, this.#since);
    return peer;
  }

  #end({ slot }: Peer): void {
    if (this.#since === null) return;
    this.#table.countWaiting(slot, -1, this.#since);
    this.#since = null;
  }
}

function waitUnits(ms: number): number {
  return Math.floor(ms / waitUnitMs) | 0;
}

/** Takes a time into a moving average. Another thread may do so at once: then one of the two is lost. */
function average(column: Int32Array, slot: number, ms: number): void {
  const before = column[slot]!;
  const now = ms * parts;
  const after = before === 0 ? now : before + (now - before) * newShare;
  column[slot] = Math.min(0x7fff_ffff, Math.max(1, Math.round(after)));
}
