/** What an entry costs beside its name and value (RFC 7541, section 4.1). */
export const entryOverheadBytes = 32;

/** A field in a table; `newer` and `older` link entries of the same name, for the encoder. */
export interface TableEntry {
  readonly name: string;
  readonly value: string;
  /** How many entries were added before. */
  readonly serial: number;
  newer: TableEntry | null;
  older: TableEntry | null;
}

/** The bytes that an entry counts for. */
export function entryBytes(name: string, value: string): number {
  return name.length + value.length + entryOverheadBytes;
}

const firstSlots = 8;

/**
 * The dynamic table of HPACK (RFC 7541, section 2.3.2): first in, first out, limited by bytes. A ring, so that
 * adding and dropping cost the same however full it is. Index 0 is the newest entry.
 */
export class DynamicTable {
  /** Its length is a power of two. Made with the first entry: many connections never have one. */
  private ring: (TableEntry | null)[] = [];
  private added = 0;
  private count = 0;
  private used = 0;
  private max: number;

  constructor(bytesMax: number) {
    this.max = bytesMax;
  }

  get size(): number {
    return this.count;
  }

  /** Bytes of all entries. */
  get bytes(): number {
    return this.used;
  }

  get bytesMax(): number {
    return this.max;
  }

  /** The entry at that index, 0 being the newest; null when the table does not reach so far. */
  at(index: number): TableEntry | null {
    if (index < 0 || index >= this.count) return null;
    return this.ring[(this.added - 1 - index) & (this.ring.length - 1)] ?? null;
  }

  /** The index that an entry of the table has now. */
  indexOf(entry: TableEntry): number {
    return this.added - 1 - entry.serial;
  }

  /** Adds an entry, and drops the oldest to make room. Null: it is larger than the table, which is empty now. */
  add(name: string, value: string): TableEntry | null {
    const bytes = entryBytes(name, value);
    this.shrinkTo(this.max - bytes);
    if (bytes > this.max) return null;
    if (this.count === this.ring.length) this.grow();
    const entry: TableEntry = { name, value, serial: this.added, newer: null, older: null };
    this.ring[this.added & (this.ring.length - 1)] = entry;
    this.added++;
    this.count++;
    this.used += bytes;
    return entry;
  }

  /** Sets how many bytes the entries may take, and drops the oldest that do not fit (RFC 7541, section 4.3). */
  resize(bytesMax: number): void {
    this.max = bytesMax;
    this.shrinkTo(bytesMax);
  }

  /** An entry is leaving the table. */
  protected dropped(_entry: TableEntry): void {
    // The decoder needs not know.
  }

  private shrinkTo(bytes: number): void {
    while (this.count > 0 && this.used > bytes) {
      const slot = (this.added - this.count) & (this.ring.length - 1);
      const oldest = this.ring[slot]!;
      this.ring[slot] = null;
      this.count--;
      this.used -= entryBytes(oldest.name, oldest.value);
      this.dropped(oldest);
    }
  }

  private grow(): void {
    const larger: (TableEntry | null)[] = Array.from(
      { length: Math.max(firstSlots, 2 * this.ring.length) },
      () => null,
    );
    for (let index = 0; index < this.count; index++) {
      const entry = this.at(index)!;
      larger[entry.serial & (larger.length - 1)] = entry;
    }
    this.ring = larger;
  }
}
