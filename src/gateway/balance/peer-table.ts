import type { Peer } from "./peer.ts";

const COLUMNS = 14;

/** What one thread has counted in columns of a table: by this it is taken back when the thread dies. */
export class HeldRows {
  readonly conns: Int32Array;
  readonly users: Int32Array;
  readonly waiting: Int32Array;
  readonly waitingSince: Int32Array;

  /** Bytes for a table of so many peers. */
  static byteLength(capacity: number): number {
    return 4 * capacity * Int32Array.BYTES_PER_ELEMENT;
  }

  constructor(capacity: number, buffer: ArrayBufferLike) {
    const column = (place: number): Int32Array =>
      new Int32Array(buffer, place * capacity * Int32Array.BYTES_PER_ELEMENT, capacity);
    this.conns = column(0);
    this.users = column(1);
    this.waiting = column(2);
    this.waitingSince = column(3);
  }
}

/** Parts of a weight of 1 that a slow start goes through. */
export const rampScale = 256;

/** Rounds that a peer may lose to the sessions that are bound to it. */
const boundRoundsMax = 100;

/** Added to `users` while a row changes hands. */
const changing = -0x4000_0000;

/**
 * What changes about peers: one row for each, one column for each fact.
 *
 * A table over a `SharedArrayBuffer` serves all workers. Memory full of zeros is a fresh table, so
 * that a worker may attach to it without anybody having prepared it. Connections and failures are
 * counted atomically and are exact across workers; weights and times may be written over by a
 * neighbour, which costs smoothness of the order and nothing else.
 */
export class PeerTable {
  /** Connections in use. */
  readonly conns: Int32Array;
  readonly fails: Int32Array;
  /** When the peer last failed, in seconds. */
  readonly accessed: Int32Array;
  /** When the window of `fail_timeout` began, in seconds. */
  readonly checked: Int32Array;
  readonly currentWeight: Int32Array;
  /** What failures took from the weight: the effective weight is the configured one less this. */
  readonly lostWeight: Int32Array;
  /** When a slow start began, in milliseconds as 32 bits count them; 0: none is under way. */
  readonly startedMs: Int32Array;
  /** Not 0 while health checks keep requests away from the peer. */
  readonly unhealthy: Int32Array;
  /** Moving averages of the time until the answer's head and its end, in 1/16 ms; 0: none is known. */
  readonly headTime: Int32Array;
  readonly lastByteTime: Int32Array;
  /** Requests whose answer is waited for, and the sum of the times when they began, in 1/16 s. */
  readonly waiting: Int32Array;
  readonly waitingSince: Int32Array;
  /** Of a row for a peer that comes and goes: what tells the peer from others, and how many sets have it. */
  readonly claim: Int32Array;
  readonly users: Int32Array;
  /** The shares of this thread, where threads share the table. */
  held: HeldRows | null = null;

  /** Bytes that a table of so many peers needs. */
  static byteLength(capacity: number): number {
    return capacity * COLUMNS * Int32Array.BYTES_PER_ELEMENT;
  }

  /** `byteOffset` must be a multiple of 4. */
  constructor(
    capacity: number,
    buffer: ArrayBufferLike = new ArrayBuffer(PeerTable.byteLength(capacity)),
    byteOffset = 0,
  ) {
    const column = (place: number): Int32Array =>
      new Int32Array(buffer, byteOffset + place * capacity * Int32Array.BYTES_PER_ELEMENT, capacity);
    this.conns = column(0);
    this.fails = column(1);
    this.accessed = column(2);
    this.checked = column(3);
    this.currentWeight = column(4);
    this.lostWeight = column(5);
    this.startedMs = column(6);
    this.unhealthy = column(7);
    this.headTime = column(8);
    this.lastByteTime = column(9);
    this.claim = column(10);
    this.users = column(11);
    this.waiting = column(12);
    this.waitingSince = column(13);
  }

  /**
   * One more user for a row that `mark` (not 0) claims, be it an unused row that is claimed now; false when
   * the row is another's. A peer that went and comes again while its last requests run finds its row.
   */
  share(slot: number, mark: number): boolean {
    const { users, claim, held } = this;
    if (Atomics.add(users, slot, 1) >= 0 && Atomics.load(claim, slot) === mark) {
      if (held !== null) held.users[slot]! += 1;
      return true;
    }
    Atomics.sub(users, slot, 1);
    if (Atomics.load(this.conns, slot) !== 0) return false;
    if (Atomics.compareExchange(users, slot, 0, changing) !== 0) return false;
    this.refresh(slot);
    Atomics.store(claim, slot, mark);
    Atomics.add(users, slot, 1 - changing);
    if (held !== null) held.users[slot]! += 1;
    return true;
  }

  /** One user less, of those that `share` has counted. */
  unshare(slot: number): void {
    Atomics.sub(this.users, slot, 1);
    if (this.held !== null) this.held.users[slot]! -= 1;
  }

  /** Makes a row fresh, be it claimed or not. */
  clear(slot: number): void {
    this.claim[slot] = 0;
    this.users[slot] = 0;
    this.refresh(slot);
  }

  private refresh(slot: number): void {
    this.conns[slot] = 0;
    this.fails[slot] = 0;
    this.accessed[slot] = 0;
    this.checked[slot] = 0;
    this.currentWeight[slot] = 0;
    this.lostWeight[slot] = 0;
    this.startedMs[slot] = 0;
    this.unhealthy[slot] = 0;
    this.headTime[slot] = 0;
    this.lastByteTime[slot] = 0;
    this.waiting[slot] = 0;
    this.waitingSince[slot] = 0;
  }

  /** A peer's weight, less what its failures have taken of it: nginx's `effective_weight`. */
  effectiveWeight(peer: Peer): number {
    return Math.max(0, peer.weight - this.lostWeight[peer.slot]!);
  }

  /** False for a peer that is down, in its `fail_timeout`, or at `max_conns`. */
  isAvailable(peer: Peer, nowSeconds: number): boolean {
    return !peer.closed && this.isLive(peer, nowSeconds);
  }

  /** The same for a session that is bound to the peer, which may be draining. */
  isLive(peer: Peer, nowSeconds: number): boolean {
    const slot = peer.slot;
    if (peer.down || this.unhealthy[slot] !== 0) return false;
    if (
      peer.maxFails !== 0 &&
      this.fails[slot]! >= peer.maxFails &&
      nowSeconds - this.checked[slot]! <= peer.failTimeoutSeconds
    ) {
      return false;
    }
    return peer.maxConns === 0 || this.conns[slot]! < peer.maxConns;
  }

  /** Counts a connection; false when `max_conns` is reached, be it by another worker just now. */
  acquire(peer: Peer): boolean {
    if (peer.maxConns === 0) {
      Atomics.add(this.conns, peer.slot, 1);
      this.hold(peer.slot, 1);
      return true;
    }
    for (;;) {
      const conns = Atomics.load(this.conns, peer.slot);
      if (conns >= peer.maxConns) return false;
      if (Atomics.compareExchange(this.conns, peer.slot, conns, conns + 1) === conns) {
        this.hold(peer.slot, 1);
        return true;
      }
    }
  }

  /** Uncounts a connection. */
  free(peer: Peer): void {
    Atomics.sub(this.conns, peer.slot, 1);
    this.hold(peer.slot, -1);
  }

  /** So many more (or fewer) requests wait for an answer, since then each. */
  countWaiting(slot: number, count: 1 | -1, since: number): void {
    Atomics.add(this.waiting, slot, count);
    Atomics.add(this.waitingSince, slot, count * since);
    if (this.held === null) return;
    this.held.waiting[slot]! += count;
    this.held.waitingSince[slot]! += count * since;
  }

  /** Gives back what a dead thread has held: connections, requests that wait, its part in peers that come and go. */
  freeAll(held: HeldRows): void {
    takeBack(this.conns, held.conns);
    takeBack(this.users, held.users);
    takeBack(this.waiting, held.waiting);
    takeBack(this.waitingSince, held.waitingSince);
  }

  /**
   * Gives the peer its share of a round, and back some lost weight; returns the share. `scale` is 1, or
   * `rampScale` for sets with slow starts, whose shares are parts of a weight.
   */
  weigh(peer: Peer, scale = 1, nowMs = 0): number {
    const slot = peer.slot;
    const weight = this.effectiveWeight(peer);
    const share = scale === 1 ? weight : Math.ceil(weight * scale * this.ramp(peer, nowMs));
    Atomics.add(this.currentWeight, slot, share);
    if (weight < peer.weight) this.lostWeight[slot] = peer.weight - weight - 1;
    return share;
  }

  /** A peer with `slow_start` has come back or is new: its weight grows from nothing. */
  startSlowly(slowStartMs: number, slot: number, nowMs: number): void {
    if (slowStartMs > 0) this.startedMs[slot] = nowMs | 0 || 1;
  }

  /** The part of its weight that the peer has: 1 unless it is in a slow start. */
  ramp(peer: Peer, nowMs: number): number {
    const started = this.startedMs[peer.slot]!;
    if (started === 0) return 1;
    const elapsed = ((nowMs | 0) - started) | 0;
    if (elapsed >= 0 && elapsed < peer.slowStartMs) return elapsed / peer.slowStartMs;
    this.startedMs[peer.slot] = 0;
    return 1;
  }

  /** The peer won a round in which `total` was shared out. */
  charge(peer: Peer, total: number): void {
    Atomics.sub(this.currentWeight, peer.slot, total);
  }

  /**
   * A session took the peer out of turn, which costs it its weight: requests without a session go elsewhere the
   * sooner. What it owes has a limit, as after a thousand sessions nobody means a thousand rounds without it.
   */
  chargeBound(peer: Peer, scale: number): void {
    const share = peer.weight * scale;
    if (this.currentWeight[peer.slot]! > -boundRoundsMax * share) this.charge(peer, share);
  }

  /** Begins a new window, when the old one is over: a success from now on clears the failures. */
  check(peer: Peer, nowSeconds: number): void {
    const slot = peer.slot;
    if (nowSeconds - this.checked[slot]! <= peer.failTimeoutSeconds) return;
    this.checked[slot] = nowSeconds;
    if (peer.maxFails !== 0 && this.fails[slot]! >= peer.maxFails)
      this.startSlowly(peer.slowStartMs, slot, nowSeconds * 1000);
  }

  /** Counts a failure; true when the peer is out of use until its `fail_timeout` is over. */
  recordFailure(peer: Peer, nowSeconds: number): boolean {
    const slot = peer.slot;
    const fails = Atomics.add(this.fails, slot, 1) + 1;
    this.accessed[slot] = nowSeconds;
    this.checked[slot] = nowSeconds;
    if (peer.maxFails === 0) return false;
    const loss = this.lostWeight[slot]! + Math.trunc(peer.weight / peer.maxFails);
    this.lostWeight[slot] = Math.min(peer.weight, loss);
    return fails >= peer.maxFails;
  }

  /** Marks the peer live, when it was tried again after its window. */
  recordSuccess(peer: Peer): void {
    if (this.accessed[peer.slot]! < this.checked[peer.slot]!) this.clearFails(peer);
  }

  /** Forgets failures: the peer counts as live. */
  clearFails(peer: Peer): void {
    if (this.fails[peer.slot] !== 0) Atomics.store(this.fails, peer.slot, 0);
  }

  private hold(slot: number, count: number): void {
    if (this.held !== null) this.held.conns[slot]! += count;
  }
}

function takeBack(column: Int32Array, share: Int32Array): void {
  for (let slot = 0; slot < share.length; slot++) {
    if (share[slot] !== 0) Atomics.sub(column, slot, share[slot]!);
    share[slot] = 0;
  }
}
