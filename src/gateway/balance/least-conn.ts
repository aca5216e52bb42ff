import type { BalanceRequest, Balancer, Selection } from "./balancer.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";
import { RoundRobinSelection } from "./round-robin.ts";

/** `least_conn;`: the peer with the fewest connections for its weight; round robin among equals. */
export class LeastConn implements Balancer {
  readonly #peers: PeerSet;

  constructor(peers: PeerSet) {
    this.#peers = peers;
  }

  begin(request: BalanceRequest): Selection {
    return new LeastConnSelection(this.#peers, request);
  }
}

/** The choice for one request: the least loaded of those that have not been tried. `least_time` compares in its own way. */
export class LeastConnSelection extends RoundRobinSelection {
  protected override pick(): Peer | null {
    if (this.peers.single) return super.pick();
    const now = this.nowSeconds();
    for (;;) {
      const index = this.#least(now);
      if (index < 0) return null;
      if (this.take(index, now)) return this.peers.peers[index]!;
    }
  }

  /** The index of the least loaded peer, or -1. */
  #least(now: number): number {
    const { peers, table } = this.peers;
    const nowMs = this.rampMs();
    let best = -1;
    let many = false;
    for (let index = 0; index < peers.length; index++) {
      const peer = peers[index]!;
      if (this.isTried(index) || !table.isAvailable(peer, now)) continue;
      const difference = best < 0 ? -1 : this.compareLoad(peer, peers[best]!, nowMs);
      if (difference < 0) {
        best = index;
        many = false;
      } else if (difference === 0) {
        many = true;
      }
    }
    return many ? this.#richestOfLeast(best, now, nowMs) : best;
  }

  /** Round robin among the peers that are loaded like the one at `first`, which is the first such. */
  #richestOfLeast(first: number, now: number, nowMs: number): number {
    const { peers, table, scale } = this.peers;
    let best = first;
    let total = 0;
    for (let index = first; index < peers.length; index++) {
      const peer = peers[index]!;
      if (this.isTried(index) || this.compareLoad(peer, peers[best]!, nowMs) !== 0) continue;
      if (!table.isAvailable(peer, now)) continue;
      total += table.weigh(peer, scale, nowMs);
      if (table.currentWeight[peer.slot]! > table.currentWeight[peers[best]!.slot]!) best = index;
    }
    table.charge(peers[best]!, total);
    return best;
  }

  /** Below 0 when `one` has fewer connections for its weight than `other`. */
  protected compareLoad(one: Peer, other: Peer, nowMs: number): number {
    const { table, scale } = this.peers;
    const { conns } = table;
    let weight = one.weight;
    let otherWeight = other.weight;
    if (scale !== 1) {
      weight *= table.ramp(one, nowMs);
      otherWeight *= table.ramp(other, nowMs);
    }
    return conns[one.slot]! * otherWeight - conns[other.slot]! * weight;
  }
}
