import { Peer, type PeerOptions } from "./peer.ts";
import type { PeerKeeper } from "./balancer.ts";
import { PeerTable, rampScale } from "./peer-table.ts";

/** The peers among which a method chooses, and the backup set behind them. */
export class PeerSet implements PeerKeeper {
  readonly peers: readonly Peer[];
  /** 0, 1, 2, … for each of the peers. */
  readonly indexes: readonly number[];
  readonly table: PeerTable;
  /** Of all peers, those that are down included: hashes must not shift when one is marked down. */
  readonly totalWeight: number;
  /** The only peer of the upstream: failures do not put it out of use, for there is no other. */
  readonly single: boolean;
  /** Peers not marked down, here and in the backup set. */
  readonly tries: number;
  readonly backup: PeerSet | null;
  /** What weights are multiplied by in rounds: see `PeerTable.weigh`. */
  readonly scale: number;

  constructor(peers: readonly Peer[], table: PeerTable, backup: PeerSet | null, single: boolean) {
    this.peers = peers;
    this.indexes = peers.map((_, index) => index);
    this.table = table;
    this.totalWeight = peers.reduce((sum, peer) => sum + peer.weight, 0);
    this.single = single;
    this.tries = peers.filter((peer) => !peer.down).length + (backup?.tries ?? 0);
    this.backup = backup;
    this.scale = peers.some((peer) => peer.slowStartMs > 0) ? rampScale : 1;
  }

  /**
   * The sets of one upstream, its peers in the order of configuration. `rows` are theirs in `table`,
   * backups included.
   */
  static of(
    options: readonly PeerOptions[],
    table: PeerTable = new PeerTable(options.length),
    rows: readonly number[] = options.map((_, index) => index),
  ): PeerSet {
    const peers = options.map((each, index) => new Peer(each, rows[index]!));
    const backups = peers.filter((peer) => peer.backup);
    const backup = backups.length > 0 ? new PeerSet(backups, table, null, false) : null;
    const primary = peers.filter((peer) => !peer.backup);
    return new PeerSet(primary, table, backup, backup === null && primary.length === 1);
  }

  /** A connection to the peer is over, and nothing speaks against it. */
  settle(peer: Peer): void {
    if (this.single) this.table.clearFails(peer);
    else this.table.recordSuccess(peer);
    this.table.free(peer);
  }
}
