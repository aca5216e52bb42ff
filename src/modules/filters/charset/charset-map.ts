import type { Scope } from "../../../config/scope.ts";
import type { Directive } from "../../../config/tree.ts";
import { lowerAscii } from "../../../http/fields.ts";
import type { PieceChange } from "../../../gateway/request/piece-filter.ts";
import { decodeUtf8, fromUtf8, toUtf8 } from "./utf8-recoder.ts";

/** The way from one character set to another. */
export interface Conversion {
  /** A recoder has state: each body gets its own. */
  readonly make: () => PieceChange;
  readonly keepsLength: boolean;
}

/** The character sets that a configuration names, and the ways between them. */
export class Charsets {
  /** As they were first written, by their names in lower case. */
  private readonly names = new Map<string, string>();
  private readonly conversions = new Map<string, Conversion>();

  /** Makes a name known; returns it as it was written first. */
  add(name: string): string {
    const lower = lowerAscii(name);
    const known = this.names.get(lower) ?? name;
    this.names.set(lower, known);
    return known;
  }

  /** Whether the configuration names it, in any case. */
  knows(name: string): boolean {
    return this.names.has(lowerAscii(name));
  }

  /** The way from one set to another; null when no `charset_map` has told it. */
  find(source: string, target: string): Conversion | null {
    return this.conversions.get(keyOf(source, target)) ?? null;
  }

  /** Tells a way; names count in any case. */
  set(source: string, target: string, conversion: Conversion): void {
    this.conversions.set(keyOf(source, target), conversion);
  }
}

function keyOf(source: string, target: string): string {
  return `${lowerAscii(source)}\0${lowerAscii(target)}`;
}

/** Reads a `charset_map` block. */
export async function readCharsetMap(charsets: Charsets, scope: Scope, directive: Directive): Promise<void> {
  const [source, target] = directive.args.map((name) => charsets.add(name)) as [string, string];
  const names = `"${directive.args[0]}" and "${directive.args[1]}"`;
  if (source === target) scope.fail(`"charset_map" between the same charsets ${names}`);
  if (charsets.find(source, target) !== null) scope.fail(`duplicate "charset_map" between ${names}`);
  const table = lowerAscii(target) === "utf-8" ? new Utf8Table() : new ByteTable();
  await scope.cycle.entries(directive.block!, scope, ({ name, args }) => {
    if (args.length !== 1) scope.fail("invalid parameters number");
    const byte = parseByte(name) ?? scope.fail(`invalid value "${name}"`);
    if (!table.add(byte, args[0]!)) scope.fail(`invalid value "${args[0]}"`);
  });
  charsets.set(source, target, table.there());
  charsets.set(target, source, table.back());
}

function parseByte(text: string): number | null {
  if (!/^[0-9a-f]+$/i.test(text)) return null;
  const value = Number.parseInt(text, 16);
  return value > 255 ? null : value;
}

const questionMark = 0x3f;

/** Between two single-byte character sets. ASCII stands for itself unless the map says otherwise. */
class ByteTable {
  private readonly forward = asciiTable();
  private readonly backward = asciiTable();

  /** False when `text` is no byte. */
  add(byte: number, text: string): boolean {
    const other = parseByte(text);
    if (other === null) return false;
    this.forward[byte] = other;
    this.backward[other] = byte;
    return true;
  }

  there(): Conversion {
    return byteConversion(this.forward);
  }

  back(): Conversion {
    return byteConversion(this.backward);
  }
}

function asciiTable(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte < 128 ? byte : questionMark));
}

function byteConversion(table: Uint8Array): Conversion {
  const recode: PieceChange = (bytes) => {
    const output = Buffer.allocUnsafe(bytes.length);
    for (let at = 0; at < bytes.length; at++) output[at] = table[bytes[at]!]!;
    return output;
  };
  return { make: () => recode, keepsLength: true };
}

/** Between a single-byte character set and UTF-8. */
class Utf8Table {
  private readonly forward = Array.from({ length: 256 }, (_, byte) =>
    Buffer.of(byte < 128 ? byte : questionMark),
  );
  private readonly backward = new Uint8Array(0x10000);

  /** False when `text` is not the UTF-8 of a character below 0x10000, in hexadecimal digits. */
  add(byte: number, text: string): boolean {
    if (!/^(?:[0-9a-f]{2}){1,3}$/i.test(text)) return false;
    const bytes = Buffer.from(text, "hex");
    const code = decodeUtf8(bytes);
    if (code < 0) return false;
    this.forward[byte] = bytes;
    this.backward[code] = byte;
    return true;
  }

  there(): Conversion {
    return { make: () => toUtf8(this.forward), keepsLength: false };
  }

  back(): Conversion {
    return { make: () => fromUtf8(this.backward), keepsLength: false };
  }
}
