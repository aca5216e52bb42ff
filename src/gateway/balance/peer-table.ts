import type { Peer } from "./peer.ts";

const COLUMNS = 6;

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
  /**
   * The share of this thread in `conns`, where threads share the table: what a thread that dies would hold
   * for ever is taken back by it.
   */
  held: Int32Array | null = null;

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
  }

  effectiveWeight(peer: Peer): number {
    return Math.max(0, peer.weight - this.lostWeight[peer.slot]!);
  }

  /** False for a peer that is down, in its `fail_timeout`, or at `max_conns`. */
  isAvailable(peer: Peer, nowSeconds: number): boolean {
    if (peer.down) return false;
    const slot = peer.slot;
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

  /** Gives back the connections that a dead thread has held: `held` of its table. */
  freeAll(held: Int32Array): void {
    for (let slot = 0; slot < held.length; slot++) {
      if (held[slot] !== 0) Atomics.sub(this.conns, slot, held[slot]!);
      held[slot] = 0;
    }
  }

  /** Makes a row fresh for another peer. */
  clear(slot: number): void {
    this.conns[slot] = 0;
    this.fails[slot] = 0;
    this.accessed[slot] = 0;
    this.checked[slot] = 0;
    this.currentWeight[slot] = 0;
    this.lostWeight[slot] = 0;
  }

  /** Gives the peer its share of a round, and back some lost weight; returns the share. */
  weigh(peer: Peer): number {
    const slot = peer.slot;
    const share = this.effectiveWeight(peer);
    Atomics.add(this.currentWeight, slot, share);
    if (share < peer.weight) this.lostWeight[slot] = peer.weight - share - 1;
    return share;
  }

  /** The peer won a round in which `total` was shared out. */
  charge(peer: Peer, total: number): void {
    Atomics.sub(this.currentWeight, peer.slot, total);
  }

  /** Begins a new window, when the old one is over: a success from now on clears the failures. */
  check(peer: Peer, nowSeconds: number): void {
    const slot = peer.slot;
    if (nowSeconds - this.checked[slot]! > peer.failTimeoutSeconds) this.checked[slot] = nowSeconds;
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

  clearFails(peer: Peer): void {
    if (this.fails[peer.slot] !== 0) Atomics.store(this.fails, peer.slot, 0);
  }

  private hold(slot: number, count: number): void {
    if (this.held !== null) this.held[slot]! += count;
  }
}
