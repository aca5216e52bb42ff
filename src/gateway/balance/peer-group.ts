import type { Balancer } from "./balancer.ts";
import type { PeerOptions } from "./peer.ts";
import { PeerSet } from "./peer-set.ts";
import type { PeerTable } from "./peer-table.ts";

/** A peer and its row. */
interface Seat {
  readonly options: PeerOptions;
  readonly row: number;
}

/** Where the peers of one upstream have their rows. */
export interface PeerRowPlan {
  readonly table: PeerTable;
  /** Of the peers of each `server` line that stay as they are; none for lines whose peers change. */
  readonly rows: readonly (readonly number[])[];
  /** For peers that come and go. */
  readonly spare: readonly number[];
}

/**
 * The peers of an upstream whose `server` lines may change theirs while requests run.
 *
 * Each change makes a new set and a new method over it; rows of peers that stay are the same, so their
 * connections and failures go on. A request keeps the set with which it began.
 */
export class PeerGroup {
  balancer: Balancer;
  /** The set in use. */
  peers: PeerSet;
  /** Called when the set has changed, before a request sees it. */
  readonly watchers: (() => void)[] = [];
  private readonly plan: PeerRowPlan;
  private readonly make: (peers: PeerSet) => Balancer;
  private readonly lines: Seat[][];
  private closed = false;

  constructor(
    lines: readonly (readonly PeerOptions[])[],
    plan: PeerRowPlan,
    make: (peers: PeerSet) => Balancer,
  ) {
    this.plan = plan;
    this.make = make;
    this.lines = lines.map((line, index) =>
      line.map((options, place) => ({ options, row: plan.rows[index]![place]! })),
    );
    this.peers = this.build();
    this.balancer = make(this.peers);
  }

  /**
   * Gives a `server` line these peers instead of those it had, in this order. Peers that find no room are
   * left out and returned.
   */
  replace(line: number, wanted: readonly PeerOptions[], nowMs: number): PeerOptions[] {
    if (this.closed) return [];
    const { table } = this.plan;
    const before = this.lines[line]!;
    const left = new Map(before.map((seat) => [keyOf(seat.options), seat]));
    const seats: Seat[] = [];
    const fresh: PeerOptions[] = [];
    for (const options of wanted) {
      const known = left.get(keyOf(options));
      if (known === undefined) fresh.push(options);
      else seats.push({ options, row: known.row });
      left.delete(keyOf(options));
    }
    const same = fresh.length === 0 && left.size === 0;
    if (same && seats.every(({ options }, at) => options.weight === before[at]!.options.weight)) return [];
    for (const { row } of left.values()) table.unshare(row);
    this.lines[line] = seats;
    const refused: PeerOptions[] = [];
    for (const options of fresh) {
      const row = this.claim(keyOf(options));
      if (row < 0) {
        refused.push(options);
        continue;
      }
      if (before.length > 0) table.startSlowly(options.slowStartMs ?? 0, row, nowMs);
      seats.push({ options, row });
    }
    seats.sort((one, other) => wanted.indexOf(one.options) - wanted.indexOf(other.options));
    this.peers = this.build();
    this.balancer = this.make(this.peers);
    for (const changed of this.watchers) changed();
    return refused;
  }

  /** Forgets what health checks have found that are no more: so many are left. */
  keepChecks(count: number): void {
    const left = count === 0 ? 0 : 2 ** count - 1;
    for (const { row } of this.lines.flat()) Atomics.and(this.plan.table.unhealthy, row, left);
  }

  /** Nothing changes any more; rows of peers that came and went are free for others once requests have ended. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { table, spare } = this.plan;
    for (const { row } of this.lines.flat()) if (spare.includes(row)) table.unshare(row);
  }

  private build(): PeerSet {
    const seats = this.lines.flat();
    return PeerSet.of(
      seats.map(({ options }) => options),
      this.plan.table,
      seats.map(({ row }) => row),
    );
  }

  /** A row for a peer: its own of before, if there is one. */
  private claim(key: string): number {
    const { table, spare } = this.plan;
    const mark = markOf(key);
    const taken = new Set(this.lines.flat().map(({ row }) => row));
    const known = spare.find((row) => !taken.has(row) && table.claim[row] === mark && table.share(row, mark));
    return known ?? spare.find((row) => !taken.has(row) && table.share(row, mark)) ?? -1;
  }
}

function keyOf({ name, backup }: PeerOptions): string {
  return backup ? `${name} backup` : name;
}

/** FNV-1a, never 0. */
function markOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash === 0 ? 1 : hash;
}
