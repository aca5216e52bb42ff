import { latin1 } from "../http/latin1.ts";
import { formatIp, unmapIpv4 } from "../net/address.ts";
import type { Cidr } from "../net/address.ts";

/** Values by network; the longest prefix that contains an address counts. */
export class NetworkTable {
  /** By prefix length, then by the network's bytes. One table per family. */
  private readonly families = { 4: new PrefixTable(), 16: new PrefixTable() };

  /** Returns the value that the network had before. */
  set({ network, prefixBits }: Cidr, value: string): string | undefined {
    return this.familyOf(network).set(network, prefixBits, value);
  }

  delete({ network, prefixBits }: Cidr): boolean {
    return this.familyOf(network).delete(network, prefixBits);
  }

  find(address: Buffer): string | undefined {
    const unmapped = unmapIpv4(address);
    return this.familyOf(unmapped).find(unmapped);
  }

  private familyOf(bytes: Buffer): PrefixTable {
    return bytes.length === 4 ? this.families[4] : this.families[16];
  }
}

class PrefixTable {
  private readonly byLength = new Map<number, Map<string, string>>();
  private lengths: number[] = [];

  set(network: Buffer, prefixBits: number, value: string): string | undefined {
    let values = this.byLength.get(prefixBits);
    if (values === undefined) {
      values = new Map();
      this.byLength.set(prefixBits, values);
      this.lengths = [...this.byLength.keys()].sort((a, b) => b - a);
    }
    const key = keyOf(network, prefixBits);
    const old = values.get(key);
    values.set(key, value);
    return old;
  }

  delete(network: Buffer, prefixBits: number): boolean {
    return this.byLength.get(prefixBits)?.delete(keyOf(network, prefixBits)) ?? false;
  }

  find(address: Buffer): string | undefined {
    for (const length of this.lengths) {
      const value = this.byLength.get(length)!.get(keyOf(address, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** The bytes of the prefix, the last one masked. */
function keyOf(bytes: Buffer, prefixBits: number): string {
  const whole = prefixBits >> 3;
  const key = latin1(bytes, 0, whole);
  const bits = prefixBits & 7;
  return bits === 0 ? key : key + String.fromCharCode(bytes[whole]! & (0xff << (8 - bits)));
}

interface AddressRange {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** Values by ranges of IPv4 addresses, both ends included. */
export class RangeTable {
  /** In order, none overlapping. */
  private ranges: AddressRange[] = [];

  /**
   * Adds a range; it may lie inside one that is there, and takes its part of it.
   *
   * @returns what was there: the old value of the same range, or one that overlaps and forbids it
   */
  add(start: number, end: number, value: string): { old?: string; overlaps?: string } {
    const index = this.ranges.findIndex((range) => range.end >= start && range.start <= end);
    const hit = this.ranges[index];
    if (hit === undefined) {
      this.insert({ start, end, value });
      return {};
    }
    if (hit.start === start && hit.end === end) {
      this.ranges[index] = { start, end, value };
      return { old: hit.value };
    }
    if (start < hit.start || end > hit.end)
      return { overlaps: `${ipv4Text(hit.start)}-${ipv4Text(hit.end)}` };
    const pieces: AddressRange[] = [];
    if (hit.start < start) pieces.push({ ...hit, end: start - 1 });
    pieces.push({ start, end, value });
    if (hit.end > end) pieces.push({ ...hit, start: end + 1 });
    this.ranges.splice(index, 1, ...pieces);
    return {};
  }

  delete(start: number, end: number): boolean {
    const index = this.ranges.findIndex((range) => range.start === start && range.end === end);
    if (index >= 0) this.ranges.splice(index, 1);
    return index >= 0;
  }

  find(address: number): string | undefined {
    const range = this.ranges[this.lastUpTo(address)];
    return range !== undefined && address <= range.end ? range.value : undefined;
  }

  private insert(range: AddressRange): void {
    this.ranges.splice(this.lastUpTo(range.start) + 1, 0, range);
  }

  /** Index of the last range that starts at `address` or before; -1 for none. */
  private lastUpTo(address: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function ipv4Text(address: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return formatIp(bytes);
}
