import { DynamicTable } from "./dynamic-table.ts";
import type { TableEntry } from "./dynamic-table.ts";

/** Values of one name that are looked at: who sends a new value each time shall not pay for a search of all. */
const valuesLookedAt = 8;

/** The encoder's dynamic table, which can be asked for a field. */
export class EncoderTable extends DynamicTable {
  /** The newest entry of each name. */
  private readonly newest = new Map<string, TableEntry>();

  /** The newest entry of that name, or null. */
  named(name: string): TableEntry | null {
    return this.newest.get(name) ?? null;
  }

  /** The entry of that name and value, or null. Only the newest few of the name are looked at: there may be one. */
  find(name: string, value: string): TableEntry | null {
    let entry = this.named(name);
    for (let looked = 0; entry !== null && looked < valuesLookedAt; looked++) {
      if (entry.value === value) return entry;
      entry = entry.older;
    }
    return null;
  }

  override add(name: string, value: string): TableEntry | null {
    const entry = super.add(name, value);
    if (entry === null) return null;
    const before = this.newest.get(name) ?? null;
    entry.older = before;
    if (before !== null) before.newer = entry;
    this.newest.set(name, entry);
    return entry;
  }

  protected override dropped(entry: TableEntry): void {
    // It is the oldest of its name, too.
    if (entry.newer === null) this.newest.delete(entry.name);
    else entry.newer.older = null;
  }
}
