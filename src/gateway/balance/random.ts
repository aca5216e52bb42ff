import type { BalanceRequest, Balancer, Selection } from "./balancer.ts";
import { REHASHES_MAX } from "./hash.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";
import { RoundRobinSelection } from "./round-robin.ts";

/**
 * `random;` takes a peer at random by weight; `random two;` the one of two such that has fewer
 * connections for its weight.
 */
export class Random implements Balancer {
  readonly #peers: PeerSet;
  readonly #two: boolean;
  /** Where each peer's share of the weights begins. */
  readonly #starts: Int32Array;

  constructor(peers: PeerSet, two: boolean) {
    this.#peers = peers;
    this.#two = two;
    this.#starts = new Int32Array(peers.peers.length);
    let start = 0;
    peers.peers.forEach((peer, index) => {
      this.#starts[index] = start;
      start += peer.weight;
    });
  }

  begin(request: BalanceRequest): Selection {
    return new RandomSelection(this.#peers, request, this.#starts, this.#two);
  }
}

class RandomSelection extends RoundRobinSelection {
  readonly #starts: Int32Array;
  readonly #two: boolean;
  #misses = 0;

  constructor(peers: PeerSet, request: BalanceRequest, starts: Int32Array, two: boolean) {
    super(peers, request);
    this.#starts = starts;
    this.#two = two;
  }

  override next(): Peer | null {
    const { peers } = this.peers;
    if (this.#misses > REHASHES_MAX || peers.length < 2) return this.nextInTurn();
    const index = this.#two ? this.#takeBetterOfTwo() : this.#takeOne();
    return index < 0 ? this.nextInTurn() : peers[index]!;
  }

  #takeOne(): number {
    const now = this.nowSeconds();
    do {
      const index = this.#peek();
      if (this.takeIfFree(index, now)) return index;
    } while (++this.#misses <= REHASHES_MAX);
    return -1;
  }

  #takeBetterOfTwo(): number {
    const { peers, table } = this.peers;
    const now = this.nowSeconds();
    let first = -1;
    do {
      const index = this.#peek();
      if (index === first || this.isTried(index) || !table.isAvailable(peers[index]!, now)) continue;
      if (first < 0) {
        first = index;
        continue;
      }
      const better = this.#isLighter(peers[first]!, peers[index]!) ? first : index;
      if (this.take(better, now)) return better;
      first = -1;
    } while (++this.#misses <= REHASHES_MAX);
    return -1;
  }

  #isLighter(one: Peer, other: Peer): boolean {
    const { conns } = this.peers.table;
    return conns[other.slot]! * one.weight > conns[one.slot]! * other.weight;
  }

  /** An index at random, in proportion to the weights. */
  #peek(): number {
    const place = Math.floor(this.request.random() * this.peers.totalWeight);
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (place < this.#starts[middle]!) high = middle;
      else low = middle;
    }
    return low;
  }
}
