import type { BalanceRequest, Balancer, PeerKeeper, PeerOutcome, Selection, ServeTimes } from "./balancer.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";

const BITS = 32;

/**
 * Smooth weighted round robin: in each round every peer gains its weight, the richest one is taken
 * and pays for all. The other methods build on it and fall back to it.
 */
export class RoundRobin implements Balancer {
  readonly #peers: PeerSet;

  constructor(peers: PeerSet) {
    this.#peers = peers;
  }

  begin(request: BalanceRequest): Selection {
    return new TurnSelection(this.#peers, request);
  }
}

/**
 * What selections of all methods share: which peers were tried, the backup set, bound sessions, outcomes.
 * Picks in turn; other methods override `next`, `pick` or how loads compare.
 */
export class RoundRobinSelection implements Selection {
  tries: number;
  /** The set in use: the backup set, once the first one had nothing left to offer. */
  protected peers: PeerSet;
  protected readonly request: BalanceRequest;
  /** A bit for each of the first 32 peers, which is nearly always all of them. */
  #tried = 0;
  #triedBeyond: Uint32Array | null;
  #avoided: ReadonlySet<string> | null = null;

  constructor(peers: PeerSet, request: BalanceRequest) {
    this.peers = peers;
    this.request = request;
    this.tries = peers.tries;
    const most = Math.max(peers.peers.length, peers.backup?.peers.length ?? 0);
    this.#triedBeyond = most > BITS ? new Uint32Array(Math.ceil(most / BITS) - 1) : null;
  }

  avoid(names: ReadonlySet<string>): void {
    this.#avoided = names;
  }

  next(): Peer | null {
    return this.nextInTurn();
  }

  takeBound(route: string): Peer | null {
    const now = this.nowSeconds();
    for (;;) {
      const { peers, backup, table } = this.peers;
      const index = this.#indexOf(route);
      const peer = peers[index];
      if (peer !== undefined && !this.isTried(index) && table.isLive(peer, now) && this.take(index, now)) {
        this.noteBound(peer);
        return peer;
      }
      // Sessions reach backup peers only when the others have nothing to offer.
      if (backup === null || this.#anyFree(now)) return null;
      this.turnTo(backup);
    }
  }

  /** Of the first peer with the route; -1 when there is none. */
  #indexOf(route: string): number {
    const { peers } = this.peers;
    for (let index = 0; index < peers.length; index++) if (peers[index]!.route === route) return index;
    return -1;
  }

  #anyFree(now: number): boolean {
    const { length } = this.peers.peers;
    for (let index = 0; index < length; index++) if (this.isFree(index, now)) return true;
    return false;
  }

  release(peer: Peer, outcome: PeerOutcome, _times?: ServeTimes): boolean {
    const { peers } = this;
    this.tries = peers.single ? 0 : Math.max(0, this.tries - 1);
    if (peers.single || outcome !== "failed") {
      peers.settle(peer);
      return false;
    }
    const disabled = peers.table.recordFailure(peer, this.nowSeconds());
    peers.table.free(peer);
    return disabled;
  }

  get keeper(): PeerKeeper {
    return this.peers;
  }

  /** `pick`, first from the set in use and then from the backup set. */
  protected nextInTurn(): Peer | null {
    for (;;) {
      const peer = this.pick();
      if (peer !== null) return peer;
      const backup = this.peers.backup;
      if (backup === null) return null;
      this.turnTo(backup);
    }
  }

  protected turnTo(backup: PeerSet): void {
    this.peers = backup;
    this.#tried = 0;
    this.#triedBeyond?.fill(0);
  }

  /** A session has taken its peer. */
  protected noteBound(_peer: Peer): void {}

  /** Takes a peer of the set in use; null when none is available. */
  protected pick(): Peer | null {
    if (this.peers.single) {
      const peer = this.peers.peers[0]!;
      const { table } = this.peers;
      const open = !peer.closed && table.unhealthy[peer.slot] === 0;
      if (this.#avoided?.has(peer.name) === true) return null;
      return open && table.acquire(peer) ? peer : null;
    }
    const now = this.nowSeconds();
    for (;;) {
      const index = this.richest(this.peers.indexes, now);
      if (index < 0) return null;
      if (this.take(index, now)) return this.peers.peers[index]!;
    }
  }

  /** A round among the peers at `indexes`: the winner's index, or -1. */
  protected richest(indexes: readonly number[], now: number): number {
    const { peers, table, scale } = this.peers;
    const nowMs = this.rampMs();
    let best = -1;
    let bestWeight = 0;
    let total = 0;
    for (const index of indexes) {
      const peer = peers[index]!;
      if (this.isTried(index) || !table.isAvailable(peer, now)) continue;
      total += table.weigh(peer, scale, nowMs);
      const weight = table.currentWeight[peer.slot]!;
      if (best >= 0 && weight <= bestWeight) continue;
      best = index;
      bestWeight = weight;
    }
    if (best >= 0) table.charge(peers[best]!, total);
    return best;
  }

  /** Counts a connection on the peer at `index`; false when another worker took its last one. */
  protected take(index: number, now: number): boolean {
    const peer = this.peers.peers[index]!;
    if (!this.peers.table.acquire(peer)) return false;
    this.peers.table.check(peer, now);
    if (index < BITS) this.#tried |= 1 << index;
    else this.#triedBeyond![(index >>> 5) - 1]! |= 1 << (index & 31);
    return true;
  }

  protected isTried(index: number): boolean {
    const word = index < BITS ? this.#tried : this.#triedBeyond![(index >>> 5) - 1]!;
    if ((word & (1 << (index & 31))) !== 0) return true;
    return this.#avoided?.has(this.peers.peers[index]!.name) === true;
  }

  /** Not tried, available, and now taken. */
  protected takeIfFree(index: number, now: number): boolean {
    return this.isFree(index, now) && this.take(index, now);
  }

  protected isFree(index: number, now: number): boolean {
    return !this.isTried(index) && this.peers.table.isAvailable(this.peers.peers[index]!, now);
  }

  /** The time, where slow starts need it. */
  protected rampMs(): number {
    return this.peers.scale === 1 ? 0 : this.request.nowMs();
  }

  protected nowSeconds(): number {
    return Math.floor(this.request.nowMs() / 1000);
  }
}

/** Those whose turn it is without a session pay for what sessions have taken. */
class TurnSelection extends RoundRobinSelection {
  protected override noteBound(peer: Peer): void {
    this.peers.table.chargeBound(peer, this.peers.scale);
  }
}
