import type { BalanceRequest, Balancer, Selection } from "./balancer.ts";
import { CRC32_START, crc32Final, crc32Update } from "./crc32.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";
import { RoundRobinSelection } from "./round-robin.ts";

/** Steps to further places of the hash before turning to round robin; nginx's number. */
export const REHASHES_MAX = 20;

/**
 * `hash key;`: the key's checksum picks a place on the line of all weights, as Cache::Memcached
 * does. A new peer moves most keys.
 */
export class Hash implements Balancer {
  readonly #peers: PeerSet;

  constructor(peers: PeerSet) {
    this.#peers = peers;
  }

  begin(request: BalanceRequest): Selection {
    return new HashSelection(this.#peers, request);
  }
}

class HashSelection extends RoundRobinSelection {
  readonly #key: string;
  #hash = 0;
  #rehash = 0;
  #misses = 0;

  constructor(peers: PeerSet, request: BalanceRequest) {
    super(peers, request);
    this.#key = request.key();
  }

  override next(): Peer | null {
    const { peers, totalWeight } = this.peers;
    if (this.#misses > REHASHES_MAX || peers.length < 2 || this.#key === "") return this.nextInTurn();
    const now = this.nowSeconds();
    do {
      this.#advance();
      const index = indexByWeight(peers, this.#hash % totalWeight);
      if (this.takeIfFree(index, now)) return peers[index]!;
    } while (++this.#misses <= REHASHES_MAX);
    return this.nextInTurn();
  }

  /** Adds the checksum of the key, from the second time on prefixed with the count of rehashes. */
  #advance(): void {
    const prefix = this.#rehash > 0 ? crc32Update(CRC32_START, String(this.#rehash)) : CRC32_START;
    this.#hash += (crc32Final(crc32Update(prefix, this.#key)) >>> 16) & 0x7fff;
    this.#rehash++;
  }
}

/** The peer that covers `place` when the peers' weights are laid end to end. */
export function indexByWeight(peers: readonly Peer[], place: number): number {
  let index = 0;
  while (place >= peers[index]!.weight) place -= peers[index++]!.weight;
  return index;
}
