/**
 * An ordered list of header fields, as they stood on the wire: order, case of the names and duplicates
 * are kept. Held as three parallel arrays, so that a field costs no object of its own.
 */
export class Fields {
  /** Field names as written. */
  readonly names: string[] = [];
  /** Field names in lower case. */
  readonly lowerNames: string[] = [];
  /** Field values without the white space around them. */
  readonly values: string[] = [];
  #bytes = 0;

  get size(): number {
    return this.names.length;
  }

  /** Bytes of all names and values, without separators and line ends. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The name of a field as written; "" beyond the last. */
  nameAt(index: number): string {
    return this.names[index] ?? "";
  }

  /** The name of a field in lower case; "" beyond the last. */
  lowerNameAt(index: number): string {
    return this.lowerNames[index] ?? "";
  }

  /** The value of a field; "" beyond the last. */
  valueAt(index: number): string {
    return this.values[index] ?? "";
  }

  /** Index of the first field of that name at or after `from`, or -1. `lower` is in lower case. */
  indexOf(lower: string, from = 0): number {
    const lowerNames = this.lowerNames;
    for (let i = from; i < lowerNames.length; i++) {
      if (lowerNames[i] === lower) return i;
    }
    return -1;
  }

  /** Whether there is a field of that name. `lower` is in lower case. */
  has(lower: string): boolean {
    return this.indexOf(lower) >= 0;
  }

  /** Value of the first field of that name, or null. */
  get(lower: string): string | null {
    const index = this.indexOf(lower);
    return index < 0 ? null : this.valueAt(index);
  }

  /** All values of that name, in order. */
  getAll(lower: string): string[] {
    const found: string[] = [];
    for (let i = this.indexOf(lower); i >= 0; i = this.indexOf(lower, i + 1)) found.push(this.valueAt(i));
    return found;
  }

  /** All values of that name as one: joined with ", ", or "; " for `cookie`. Null when there is none. */
  getJoined(lower: string): string | null {
    const first = this.indexOf(lower);
    if (first < 0) return null;
    let next = this.indexOf(lower, first + 1);
    if (next < 0) return this.valueAt(first);
    const separator = lower === "cookie" ? "; " : ", ";
    let joined = this.valueAt(first);
    for (; next >= 0; next = this.indexOf(lower, next + 1)) joined += separator + this.valueAt(next);
    return joined;
  }

  /** Appends a field. */
  add(name: string, value: string): void {
    this.addLowered(name, lowerName(name), value);
  }

  /** Appends a field whose lower-case name is at hand. */
  addLowered(name: string, lower: string, value: string): void {
    this.names.push(name);
    this.lowerNames.push(lower);
    this.values.push(value);
    this.#bytes += name.length + value.length;
  }

  /** Gives the first field of that name a new value and drops the others; appends when there is none. */
  set(name: string, value: string): void {
    const lower = lowerName(name);
    const first = this.indexOf(lower);
    if (first < 0) {
      this.addLowered(name, lower, value);
      return;
    }
    this.#bytes += name.length + value.length - this.nameAt(first).length - this.valueAt(first).length;
    this.names[first] = name;
    this.values[first] = value;
    this.#removeFrom(lower, first + 1);
  }

  /** Drops all fields of that name; tells how many there were. */
  remove(lower: string): number {
    return this.#removeFrom(lower, 0);
  }

  /** Another list of the same fields, to be changed without changing this one. */
  clone(): Fields {
    const copy = new Fields();
    for (let i = 0; i < this.names.length; i++) {
      copy.addLowered(this.nameAt(i), this.lowerNameAt(i), this.valueAt(i));
    }
    return copy;
  }

  #removeFrom(lower: string, from: number): number {
    let kept = from;
    for (let i = from; i < this.lowerNames.length; i++) {
      if (this.lowerNames[i] === lower) {
        this.#bytes -= this.nameAt(i).length + this.valueAt(i).length;
        continue;
      }
      if (kept !== i) {
        this.names[kept] = this.nameAt(i);
        this.lowerNames[kept] = this.lowerNameAt(i);
        this.values[kept] = this.valueAt(i);
      }
      kept++;
    }
    const removed = this.lowerNames.length - kept;
    this.names.length = kept;
    this.lowerNames.length = kept;
    this.values.length = kept;
    return removed;
  }
}

const LOWER_NAMES_MAX = 2048;
const LOWER_NAME_LENGTH_MAX = 64;
/** Names seen before. Bounded, because clients choose them; never emptied, because the usual ones come early. */
const lowerNames = new Map<string, string>();

/** A field name in lower case (A-Z only: names are latin1 bytes, not text). */
export function lowerName(name: string): string {
  const known = lowerNames.get(name);
  if (known !== undefined) return known;
  if (lowerNames.size >= LOWER_NAMES_MAX || name.length > LOWER_NAME_LENGTH_MAX) return lowerAscii(name);
  // A copy: a slice would keep the whole head that it was cut from in memory.
  const copy = Buffer.from(name, "latin1").toString("latin1");
  const lower = lowerAscii(copy);
  lowerNames.set(copy, lower);
  return lower;
}

/** Lower case for A-Z alone; other characters, such as latin1 letters, stay. */
export function lowerAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase()) : text;
}
