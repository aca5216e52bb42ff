import type { BalanceRequest, Balancer, Selection } from "./balancer.ts";
import { indexByWeight, REHASHES_MAX } from "./hash.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";
import { RoundRobinSelection } from "./round-robin.ts";

/** What stands for the address of a client on a unix socket. */
const NO_ADDRESS = new Uint8Array(3);

/** `ip_hash;`: by the first three bytes of an IPv4 address, or the whole of an IPv6 address. */
export class IpHash implements Balancer {
  readonly #peers: PeerSet;

  constructor(peers: PeerSet) {
    this.#peers = peers;
  }

  begin(request: BalanceRequest): Selection {
    return new IpHashSelection(this.#peers, request);
  }
}

class IpHashSelection extends RoundRobinSelection {
  readonly #address: Uint8Array;
  readonly #length: number;
  #hash = 89;
  #misses = 0;

  constructor(peers: PeerSet, request: BalanceRequest) {
    super(peers, request);
    const address = request.clientAddress;
    this.#address = address.length > 0 ? address : NO_ADDRESS;
    this.#length = address.length === 16 ? 16 : 3;
  }

  override next(): Peer | null {
    const { peers, totalWeight } = this.peers;
    if (this.#misses > REHASHES_MAX || peers.length < 2) return this.nextInTurn();
    const now = this.nowSeconds();
    let hash = this.#hash;
    for (; this.#misses <= REHASHES_MAX; this.#misses++) {
      for (let at = 0; at < this.#length; at++) hash = (hash * 113 + this.#address[at]!) % 6271;
      const index = indexByWeight(peers, hash % totalWeight);
      if (!this.takeIfFree(index, now)) continue;
      this.#hash = hash;
      return peers[index]!;
    }
    return this.nextInTurn();
  }
}
