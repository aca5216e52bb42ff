import type { BalanceRequest, Balancer, Selection } from "./balancer.ts";
import { crc32 } from "./crc32.ts";
import { REHASHES_MAX } from "./hash.ts";
import { ketamaRing, type Ring, ringPlace } from "./ketama.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";
import { RoundRobinSelection } from "./round-robin.ts";

/** `hash key consistent;`: a ring of points, so that a new server takes keys only for itself. */
export class ConsistentHash implements Balancer {
  readonly #peers: PeerSet;
  readonly #ring: Ring;

  constructor(peers: PeerSet) {
    this.#peers = peers;
    this.#ring = ketamaRing(peers.peers);
  }

  begin(request: BalanceRequest): Selection {
    return new ConsistentHashSelection(this.#peers, request, this.#ring);
  }

  homeOf(request: BalanceRequest): readonly string[] {
    const { peers, table } = this.#peers;
    const { owners, members } = this.#ring;
    const key = request.key();
    if (key === "" || owners.length === 0) return [];
    const now = Math.floor(request.nowMs() / 1000);
    const first = ringPlace(this.#ring, crc32(key));
    for (let step = 0; step <= REHASHES_MAX; step++) {
      const indexes = members[owners[(first + step) % owners.length]!]!;
      if (indexes.some((index) => table.isAvailable(peers[index]!, now)))
        return indexes.map((index) => peers[index]!.name);
    }
    return [];
  }
}

class ConsistentHashSelection extends RoundRobinSelection {
  readonly #ring: Ring;
  readonly #keyed: boolean;
  #place: number;
  #misses = 0;

  constructor(peers: PeerSet, request: BalanceRequest, ring: Ring) {
    super(peers, request);
    const key = request.key();
    this.#ring = ring;
    this.#keyed = key !== "";
    this.#place = ringPlace(ring, crc32(key));
  }

  override next(): Peer | null {
    const peers = this.peers.peers;
    if (this.#misses > REHASHES_MAX || peers.length < 2 || !this.#keyed) return this.nextInTurn();
    const { owners, members } = this.#ring;
    const now = this.nowSeconds();
    do {
      const index = this.richest(members[owners[this.#place % owners.length]!]!, now);
      if (index >= 0 && this.take(index, now)) return peers[index]!;
      this.#place++;
    } while (++this.#misses <= REHASHES_MAX);
    return this.nextInTurn();
  }
}
