import { slabStates } from "../../gateway/zones/slab.ts";
import { ZoneTable, nodeHeadBytes } from "../../gateway/zones/zone-table.ts";
import type { ZoneUse } from "../../gateway/zones/zones.ts";
import type { Clock } from "../../net/clock.ts";

/** nginx has room for about 4000 sessions in a megabyte. */
const nodeBytes = 256;
// Behind the table's part of a node: until when the session is valid (wall clock, ms), and its server's route.
const untilNumber = Math.ceil(nodeHeadBytes / 8);
const lengthWord = (untilNumber + 1) * 2;
const routeWord = lengthWord + 1;

/** Bytes that a route may have: an MD5 in hex, or nginx's limit for `route=`. */
export const routeBytesMax = 32;

const keyOffset = Math.ceil((routeWord * 4 + routeBytesMax) / 8) * 8;

/** The memory of learned sessions, which all workers share. */
export interface SessionZone {
  readonly worker: number;
  /** Set when the configuration was read. */
  table: ZoneTable | null;
}

/** Opens a zone's table, and its lock where a thread has ended with it. */
export const stickyZoneUse: ZoneUse<SessionZone> = {
  name: "sticky",
  open(zone) {
    const data = zone.data!;
    data.table = sessionTable(zone.region(sessionBytes(zone.size)), zone.size, data.worker);
  },
  release(zone, worker) {
    zone.data!.table!.unlockFor(worker);
  },
};

/** Bytes of shared memory for a zone of that size in the configuration. */
export function sessionBytes(zoneSize: number): number {
  return ZoneTable.byteLength(shapeOf(zoneSize));
}

/** The table in memory of `sessionBytes`; `worker` is the number of this thread, for the lock. */
export function sessionTable(region: SharedArrayBuffer, zoneSize: number, worker: number): ZoneTable {
  return new ZoneTable(region, shapeOf(zoneSize), worker);
}

function shapeOf(zoneSize: number): ConstructorParameters<typeof ZoneTable>[1] {
  const keysMax = slabStates(zoneSize, nodeBytes);
  return { keysMax, nodesMax: keysMax, nodeBytes, keyOffset };
}

/** Sessions that were learned, and the routes of their servers. The one not used for longest makes room. */
export class LearnedSessions {
  private readonly zone: Pick<SessionZone, "table">;
  private readonly timeoutMs: number;
  private readonly clock: Clock;
  /** A route on its way in or out of the memory. */
  private readonly routeBytes = Buffer.from(new ArrayBuffer(routeBytesMax));
  private readonly routeWords = new Int32Array(this.routeBytes.buffer);

  constructor(zone: Pick<SessionZone, "table">, timeoutMs: number, clock: Clock) {
    this.zone = zone;
    this.timeoutMs = timeoutMs;
    this.clock = clock;
  }

  /** The route of a session's server, null when none is known. */
  find(id: string): string | null {
    const table = this.zone.table!;
    table.select(id);
    table.lock();
    const node = this.live(table);
    const length = node === 0 ? 0 : this.read(table, node);
    table.unlock();
    return length === 0 ? null : this.routeBytes.toString("latin1", 0, length);
  }

  /** The session is in use: its time begins anew. */
  prolong(id: string): void {
    const table = this.zone.table!;
    table.select(id);
    table.lock();
    const node = this.live(table);
    if (node !== 0) {
      table.numbers[table.word(node) / 2 + untilNumber] = this.clock.wall() + this.timeoutMs;
      table.touch(node);
    }
    table.unlock();
  }

  /**
   * Binds a session to a server from now on, in place of another; nothing happens when the zone has no room at
   * all.
   */
  learn(id: string, route: string): void {
    const table = this.zone.table!;
    const until = this.clock.wall() + this.timeoutMs;
    const length = this.routeBytes.write(route, "latin1");
    table.select(id);
    table.lock();
    let node = table.first();
    if (node === 0) node = table.insert();
    else table.touch(node);
    if (node === 0 && table.oldest !== 0) {
      table.remove(table.oldest);
      node = table.insert();
    }
    if (node !== 0) {
      const at = table.word(node);
      table.numbers[at / 2 + untilNumber] = until;
      table.words[at + lengthWord] = length;
      for (let word = 0; word < this.routeWords.length; word++)
        table.words[at + routeWord + word] = this.routeWords[word]!;
    }
    table.unlock();
  }

  /** The node of the session that is selected; 0 when there is none, or when its time is over. */
  private live(table: ZoneTable): number {
    const node = table.first();
    if (node === 0 || table.numbers[table.word(node) / 2 + untilNumber]! > this.clock.wall()) return node;
    table.remove(node);
    return 0;
  }

  /** Takes the route out of a node; its length. */
  private read(table: ZoneTable, node: number): number {
    const at = table.word(node);
    table.touch(node);
    for (let word = 0; word < this.routeWords.length; word++)
      this.routeWords[word] = table.words[at + routeWord + word]!;
    return table.words[at + lengthWord]!;
  }
}
