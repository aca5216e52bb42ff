import type { PeerOptions } from "./peer.ts";
import type { PeerTable } from "./peer-table.ts";

/** Rows by key: see `PeerRows`. */
export type RowMap = ReadonlyMap<string, number>;

/**
 * The rows of one table for all upstreams of a process, given out while a configuration is compiled.
 *
 * A peer that was in the configuration before keeps its row, and with it its connections, its failures
 * and its place in the round. The row of one that is gone is free for another when its last connection is.
 */
export class PeerRows {
  /** Far more than there are peers in any configuration; rows that nobody uses cost no memory. */
  static readonly capacity = 32_768;

  readonly table: PeerTable;
  private readonly before: RowMap;
  private readonly assigns: boolean;
  private readonly used = new Map<string, number>();
  private readonly taken: Set<number>;
  private nextRow = 0;

  /** `assigns` is false for workers: they find all rows in the map that the main thread has made. */
  constructor(table: PeerTable, before: RowMap, assigns: boolean) {
    this.table = table;
    this.before = before;
    this.assigns = assigns;
    this.taken = new Set(before.values());
  }

  /** A row for each peer of an upstream. @throws Error when there are none left */
  rowsOf(upstream: string, peers: readonly Pick<PeerOptions, "name" | "backup">[]): number[] {
    return peers.map((peer) => {
      const name = `${upstream} ${peer.name} ${peer.backup ? "backup " : ""}`;
      let number = 0;
      while (this.used.has(name + number)) number += 1;
      const key = name + number;
      const row = this.before.get(key) ?? this.assign();
      this.used.set(key, row);
      return row;
    });
  }

  /** The rows as they are when this configuration is in use: for the next one, and for the workers. */
  get rows(): RowMap {
    const rows = new Map(this.used);
    for (const [key, row] of this.before) {
      if (this.table.conns[row] !== 0) rows.set(key, row);
    }
    return rows;
  }

  private assign(): number {
    if (!this.assigns) throw new Error("a peer is not among those that the main thread has seen");
    while (this.taken.has(this.nextRow)) this.nextRow += 1;
    const row = this.nextRow;
    if (row >= PeerRows.capacity) throw new Error("too many servers in upstreams");
    this.taken.add(row);
    this.table.clear(row);
    return row;
  }
}
