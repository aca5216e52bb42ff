import type { Zone } from "../../../gateway/zones/zones.ts";
import { slabStates } from "../../../gateway/zones/slab.ts";
import { ZoneTable, nodeHeadBytes } from "../../../gateway/zones/zone-table.ts";
import type { TableShape } from "../../../gateway/zones/zone-table.ts";

const nodeBytes = 64;
// Behind the table's part of a node: how many are counted, and the number of the thread that has them.
const countWord = nodeHeadBytes / 4;
const workerWord = countWord + 1;
const keyOffset = 32;

/**
 * Each thread has a node of its own for a key, so that what it held can be freed when it dies. Room for
 * these is beyond the zone's size; memory that is never touched costs nothing.
 */
const nodesPerKey = 4;

/** The limit is reached. */
export const limited = -1;
/** The zone is full. */
export const full = 0;

/** The counts of a `limit_conn_zone`: for each key how many requests are under way. */
export class ConnectionCounts {
  private readonly table: ZoneTable;
  private readonly worker: number;

  /** `worker`: number of this thread. */
  constructor(region: SharedArrayBuffer, size: number, worker: number) {
    this.table = new ZoneTable(region, shapeOf(size), worker);
    this.worker = worker;
  }

  /** The counts in a zone's shared memory, for one thread. */
  static of(zone: Zone, worker: number): ConnectionCounts {
    const region = zone.region(ZoneTable.byteLength(shapeOf(zone.size)));
    return new ConnectionCounts(region, zone.size, worker);
  }

  /** The memory, for what is not about requests. */
  get memory(): ZoneTable {
    return this.table;
  }

  /** Counts one more for a key. What it gives is passed to `free` later, unless it is `limited` or `full`. */
  take(key: string, limit: number): number {
    const { table } = this;
    table.select(key);
    table.lock();
    const node = this.count(limit);
    table.unlock();
    return node;
  }

  /** Counts one less, where `take` has counted one more. */
  free(node: number): void {
    const { table } = this;
    const at = table.word(node) + countWord;
    table.lock();
    table.words[at]! -= 1;
    if (table.words[at] === 0) table.remove(node);
    table.unlock();
  }

  /** A thread has ended: all that it held is free. */
  freeAll(worker: number): void {
    const { table } = this;
    table.unlockFor(worker);
    table.lock();
    table.each((node) => {
      if (table.words[table.word(node) + workerWord] === worker) table.remove(node);
    });
    table.unlock();
  }

  private count(limit: number): number {
    const { table, worker } = this;
    let own = 0;
    let sum = 0;
    for (let node = table.first(); node !== 0; node = table.next(node)) {
      const at = table.word(node);
      sum += table.words[at + countWord]!;
      if (table.words[at + workerWord] === worker) own = node;
    }
    if (sum >= limit) return limited;
    if (own !== 0) {
      table.words[table.word(own) + countWord]! += 1;
      return own;
    }
    const node = table.insert();
    if (node === 0) return full;
    table.words[table.word(node) + countWord] = 1;
    table.words[table.word(node) + workerWord] = worker;
    return node;
  }
}

function shapeOf(size: number): TableShape {
  const keysMax = slabStates(size, nodeBytes);
  return { keysMax, nodesMax: keysMax * nodesPerKey, nodeBytes, keyOffset };
}
