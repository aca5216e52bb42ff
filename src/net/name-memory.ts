import type { NameRecords } from "./name-question.ts";

/** Names remembered at most: clients may choose them, by variables in `proxy_pass`. */
const namesMax = 10_000;

/** Addresses and services of all names together: name servers choose how many each has. */
const recordsMax = 100_000;

/** Records, and the last second in which they may be used. */
export interface KnownName extends NameRecords {
  readonly lastSecond: number;
}

/** Names and what name servers said of them. What was asked for first makes room. */
export class NameMemory {
  private readonly names = new Map<string, KnownName>();
  private records = 0;

  /** Null where nothing is known, or nothing that may still be used. */
  get(name: string, nowSeconds: number): KnownName | null {
    const known = this.names.get(name);
    return known !== undefined && known.lastSecond >= nowSeconds ? known : null;
  }

  /** Remembers what was said of a name, in place of what was known; others are forgotten where it is too much. */
  set(name: string, known: KnownName): void {
    this.forget(name);
    this.names.set(name, known);
    this.records += countOf(known);
    while (this.names.size > namesMax || (this.records > recordsMax && this.names.size > 1)) {
      const [oldest] = this.names.keys();
      this.forget(oldest!);
    }
  }

  private forget(name: string): void {
    const known = this.names.get(name);
    if (known === undefined) return;
    this.names.delete(name);
    this.records -= countOf(known);
  }
}

function countOf({ four, six, services }: KnownName): number {
  return four.length + six.length + services.length;
}
