import { latin1 } from "../../http/latin1.ts";
import { unmapIpv4 } from "../../net/address.ts";
import type { Cidr } from "../../net/address.ts";

/** Values by network; the longest prefix that contains an address counts. */
export class NetworkTable {
  /** By prefix length, then by the network's bytes. One table per family. */
  private readonly families = { 4: new PrefixTable(), 16: new PrefixTable() };

  /** Returns the value that the network had before. */
  set({ network, prefixBits }: Cidr, value: string): string | undefined {
    return this.familyOf(network).set(network, prefixBits, value);
  }

  /** Takes a network's value away; false when it had none. Networks inside it keep theirs. */
  delete({ network, prefixBits }: Cidr): boolean {
    return this.familyOf(network).delete(network, prefixBits);
  }

  /**
   * The value for an address of 4 or 16 bytes; undefined when no network contains it. An IPv4 address in IPv6 counts
   * as IPv4.
   */
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
