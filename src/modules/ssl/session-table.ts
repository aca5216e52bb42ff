import { slabStates } from "../../gateway/zones/slab.ts";
import { ZoneTable, nodeHeadBytes } from "../../gateway/zones/zone-table.ts";
import type { ZoneUse } from "../../gateway/zones/zones.ts";

/** Sessions without a client's certificate have 130 bytes, others 500 to 2000: these lie in several nodes. */
const pieceBytes = 256;
/** What nginx keeps at most: NGX_SSL_MAX_SESSION_SIZE. */
const sessionBytesMax = 4096;
// Behind the table's part of a node: bytes of the whole session, then a piece of it.
const lengthWord = Math.ceil(nodeHeadBytes / 4);
const pieceWord = lengthWord + 1;
const keyOffset = Math.ceil((pieceWord * 4 + pieceBytes) / 8) * 8;
/** OpenSSL's longest id, and the number of the piece. */
const keyBytes = 36;
const nodeBytes = Math.ceil((keyOffset + keyBytes) / 8) * 8;
/** What `slabStates` counts in: the next power of two. */
const stateBytes = 512;

/** The memory of sessions, which all workers share. */
export interface SessionMemory {
  readonly worker: number;
  /** Set when the configuration was read. */
  table: SessionTable | null;
}

/** Opens a zone's table, and its lock where a thread has ended with it. */
export const sessionZoneUse: ZoneUse<SessionMemory> = {
  name: "ssl_session_cache",
  open(zone) {
    const data = zone.data!;
    data.table = new SessionTable(zone.region(SessionTable.byteLength(zone.size)), zone.size, data.worker);
  },
  release(zone, worker) {
    zone.data!.table!.unlockFor(worker);
  },
};

/** TLS sessions by their ids. The one that came first makes room; OpenSSL itself knows when one is too old. */
export class SessionTable {
  private readonly table: ZoneTable;
  /** A session on its way in or out of the memory. */
  private readonly bytes = Buffer.alloc(sessionBytesMax);

  /** Bytes of shared memory for a zone of that size in the configuration. */
  static byteLength(zoneBytes: number): number {
    return ZoneTable.byteLength(shapeOf(zoneBytes));
  }

  constructor(region: SharedArrayBuffer, zoneBytes: number, worker: number) {
    this.table = new ZoneTable(region, shapeOf(zoneBytes), worker);
  }

  /** `id`: hexadecimal. */
  get(id: string): Buffer | null {
    const key = Buffer.from(id, "hex").toString("latin1");
    let length = 0;
    for (let piece = 0; piece * pieceBytes <= length; piece++) {
      const whole = this.read(`${key}${String.fromCharCode(piece)}`, piece);
      if (whole === 0 || (piece > 0 && whole !== length)) return null;
      length = whole;
      if ((piece + 1) * pieceBytes >= length) return Buffer.from(this.bytes.subarray(0, length));
    }
    return null;
  }

  /** Keeps a session. `id`: hexadecimal. One that is larger than nginx would take is not kept. */
  set(id: string, session: Buffer): void {
    if (session.length > sessionBytesMax || session.length === 0) return;
    const key = Buffer.from(id, "hex").toString("latin1");
    for (let piece = 0; piece * pieceBytes < session.length; piece++) {
      this.write(
        `${key}${String.fromCharCode(piece)}`,
        session.subarray(piece * pieceBytes, (piece + 1) * pieceBytes),
        session.length,
      );
    }
  }

  /** A thread has ended: opens the lock if that held it. */
  unlockFor(worker: number): void {
    this.table.unlockFor(worker);
  }

  /** Bytes of the whole session; 0 when the piece is not there. */
  private read(key: string, piece: number): number {
    const { table, bytes } = this;
    table.select(key);
    table.lock();
    const node = table.first();
    const at = node === 0 ? 0 : table.word(node);
    const length = node === 0 ? 0 : table.words[at + lengthWord]!;
    if (node !== 0 && length <= sessionBytesMax) {
      for (let index = 0; index < pieceBytes / 4; index++) {
        bytes.writeInt32LE(table.words[at + pieceWord + index]!, piece * pieceBytes + index * 4);
      }
    }
    table.unlock();
    return length <= sessionBytesMax ? length : 0;
  }

  private write(key: string, part: Buffer, length: number): void {
    const { table, bytes } = this;
    bytes.fill(0, 0, pieceBytes);
    part.copy(bytes);
    table.select(key);
    table.lock();
    let node = table.first();
    if (node === 0) node = table.insert();
    if (node === 0 && table.oldest !== 0) {
      table.remove(table.oldest);
      node = table.insert();
    }
    if (node !== 0) {
      const at = table.word(node);
      table.words[at + lengthWord] = length;
      for (let index = 0; index < pieceBytes / 4; index++) {
        table.words[at + pieceWord + index] = bytes.readInt32LE(index * 4);
      }
    }
    table.unlock();
  }
}

function shapeOf(zoneBytes: number): ConstructorParameters<typeof ZoneTable>[1] {
  const keysMax = slabStates(zoneBytes, stateBytes);
  return { keysMax, nodesMax: keysMax, nodeBytes, keyOffset };
}
