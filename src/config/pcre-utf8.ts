/** Code points as the bytes of UTF-8: patterns and subjects are bytes all through. */
import { emptySet } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import type { PcreNode } from "./pcre-syntax.ts";

/** Continuation bytes are 0x80 to 0xbf. */
const CONTINUATION = 0x80;
const VALUES = 64;

/** What matches one code point out of a set, as bytes. */
export function utf8Node(set: ByteSet): PcreNode {
  const single = emptySet();
  for (let code = 0; code < 0x80; code++) single[code] = set[code]!;
  const branches: PcreNode[] = single.includes(1) ? [{ kind: "set", set: single }] : [];
  const tails = new Tails(set);
  branches.push(
    ...tails.behind(0xc2, 0xdf, 1),
    ...tails.behind(0xe0, 0xef, 2),
    ...tails.behind(0xf0, 0xf4, 3),
  );
  if (branches.length === 1 && branches[0]!.kind === "set") return branches[0]!;
  return character(branches.length === 0 ? { kind: "set", set: emptySet() } : either(branches));
}

/** What matches one of a few code points, as bytes. */
export function utf8Literal(codes: readonly number[]): PcreNode {
  const low = emptySet();
  const branches = codes.filter((code) => code >= 0x80).map(bytesNode);
  for (const code of codes) if (code < 0x80) low[code] = 1;
  if (branches.length === 0) return { kind: "set", set: low };
  if (low.includes(1)) branches.push({ kind: "set", set: low });
  return character(either(branches));
}

function bytesNode(code: number): PcreNode {
  const items = Array.from(Buffer.from(String.fromCodePoint(code)), (byte): PcreNode => {
    const set = emptySet();
    set[byte] = 1;
    return { kind: "set", set };
  });
  return { kind: "sequence", items };
}

function character(body: PcreNode): PcreNode {
  return { kind: "group", body, character: true };
}

function either(branches: readonly PcreNode[]): PcreNode {
  if (branches.length === 1) return branches[0]!;
  return { kind: "group", body: { kind: "alternatives", branches } };
}

interface Tail {
  /** The same for tails that match the same bytes. */
  readonly key: number;
  /** Null when there is nothing to match. */
  readonly node: PcreNode | null;
}

/** Builds what may follow the first byte of a sequence; equal tails are made once. */
class Tails {
  readonly #set: ByteSet;
  readonly #known = new Map<string, Tail>();

  constructor(set: ByteSet) {
    this.#set = set;
  }

  /** Sequences whose first byte is from `first` to `last`, with so many bytes behind it. */
  behind(first: number, last: number, count: number): PcreNode[] {
    const mask = (1 << (6 - count)) - 1;
    const least = count === 1 ? 0x80 : count === 2 ? 0x800 : 0x10000;
    const leads = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    return this.#grouped(leads, (lead) => this.#tail((lead & mask) << (6 * count), count, least));
  }

  /** What matches the last `count` bytes of the code points from `base` on, none of them below `least`. */
  #tail(base: number, count: number, least: number): Tail {
    if (count === 1) return this.#lastByte(base, least);
    const bytes = Array.from({ length: VALUES }, (_, index) => CONTINUATION + index);
    const step = VALUES ** (count - 1);
    const tails = bytes.map((_, index) => this.#tail(base + index * step, count - 1, least));
    return this.#kept(`${count}:${tails.map((tail) => tail.key).join()}`, () => {
      const branches = this.#grouped(bytes, (byte) => tails[byte - CONTINUATION]!);
      return branches.length === 0 ? null : either(branches);
    });
  }

  #lastByte(base: number, least: number): Tail {
    const set = emptySet();
    for (let value = 0; value < VALUES; value++) {
      const code = base + value;
      const isSurrogate = code >= 0xd800 && code <= 0xdfff;
      if (code >= least && !isSurrogate && this.#set[code] === 1) set[CONTINUATION + value] = 1;
    }
    const key = set.subarray(CONTINUATION, CONTINUATION + VALUES).join("");
    return this.#kept(key, () => (set.includes(1) ? { kind: "set", set } : null));
  }

  /** One sequence for all bytes that the same tail follows. */
  #grouped(bytes: readonly number[], tailOf: (byte: number) => Tail): PcreNode[] {
    const groups = new Map<PcreNode, ByteSet>();
    for (const byte of bytes) {
      const { node } = tailOf(byte);
      if (node === null) continue;
      const set = groups.get(node) ?? emptySet();
      groups.set(node, set);
      set[byte] = 1;
    }
    return Array.from(groups, ([node, set]) => ({ kind: "sequence", items: [{ kind: "set", set }, node] }));
  }

  #kept(key: string, make: () => PcreNode | null): Tail {
    const known = this.#known.get(key) ?? { key: this.#known.size, node: make() };
    this.#known.set(key, known);
    return known;
  }
}

let variantsByCode: Map<number, readonly number[]> | null = null;

/** Letters beyond have no cases (Unicode's are all below U+1E944). */
const CASED_MAX = 0x1e944;

/** Other cases of "i" in Turkish only. */
const DOTTED_I = 0x130;
const DOTLESS_I = 0x131;

/** A letter and its other cases; a character without cases alone. */
export function caseVariants(code: number): readonly number[] {
  variantsByCode ??= allVariants();
  return variantsByCode.get(code) ?? [code];
}

function allVariants(): Map<number, readonly number[]> {
  const byFold = new Map<number, number[]>();
  for (let code = 0; code < CASED_MAX; code++) {
    if (code === DOTTED_I || code === DOTLESS_I) continue;
    const fold = simple(simple(code, "toUpperCase"), "toLowerCase");
    const group = byFold.get(fold);
    if (group === undefined) byFold.set(fold, [code]);
    else group.push(code);
  }
  const variants = new Map<number, readonly number[]>();
  for (const group of byFold.values())
    if (group.length > 1) for (const code of group) variants.set(code, group);
  return variants;
}

/** One letter for one: "ß" stays, though its upper case is "SS". */
function simple(code: number, way: "toUpperCase" | "toLowerCase"): number {
  const changed = String.fromCodePoint(code)[way]();
  const first = changed.codePointAt(0)!;
  return changed.length === String.fromCodePoint(first).length ? first : code;
}

/** PCRE's number for what is wrong with a subject or a pattern as UTF-8, and where; null when nothing is. */
export function utf8Fault(text: string): { readonly code: number; readonly offset: number } | null {
  for (let at = 0; at < text.length;) {
    const first = text.charCodeAt(at);
    if (first < 0x80) {
      at++;
      continue;
    }
    const code = sequenceFault(text, at, first);
    if (code !== 0) return { code, offset: at };
    at += 1 + tailBytes(first);
  }
  return null;
}

function tailBytes(first: number): number {
  return first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf8 ? 3 : first < 0xfc ? 4 : 5;
}

function sequenceFault(text: string, at: number, first: number): number {
  if (first < 0xc0) return -22;
  if (first >= 0xfe) return -23;
  const count = tailBytes(first);
  const there = text.length - at - 1;
  if (there < count) return -2 - (count - there);
  for (let index = 1; index <= count; index++) {
    if ((text.charCodeAt(at + index) & 0xc0) !== 0x80) return -7 - index;
  }
  return secondFault(first, text.charCodeAt(at + 1), count);
}

function secondFault(first: number, second: number, count: number): number {
  switch (count) {
    case 1:
      return (first & 0x3e) === 0 ? -17 : 0;
    case 2:
      if (first === 0xe0 && (second & 0x20) === 0) return -18;
      return first === 0xed && second >= 0xa0 ? -16 : 0;
    case 3:
      if (first === 0xf0 && (second & 0x30) === 0) return -19;
      return first > 0xf4 || (first === 0xf4 && second > 0x8f) ? -15 : 0;
    case 4:
      return first === 0xf8 && (second & 0x38) === 0 ? -20 : -13;
    default:
      return first === 0xfc && (second & 0x3c) === 0 ? -21 : -14;
  }
}

const MESSAGES: Readonly<Record<number, string>> = {
  [-3]: "1 byte missing at end",
  [-4]: "2 bytes missing at end",
  [-5]: "3 bytes missing at end",
  [-6]: "4 bytes missing at end",
  [-7]: "5 bytes missing at end",
  [-8]: "byte 2 top bits not 0x80",
  [-9]: "byte 3 top bits not 0x80",
  [-10]: "byte 4 top bits not 0x80",
  [-11]: "byte 5 top bits not 0x80",
  [-12]: "byte 6 top bits not 0x80",
  [-13]: "5-byte character is not allowed (RFC 3629)",
  [-14]: "6-byte character is not allowed (RFC 3629)",
  [-15]: "code points greater than 0x10ffff are not defined",
  [-16]: "code points 0xd800-0xdfff are not defined",
  [-17]: "overlong 2-byte sequence",
  [-18]: "overlong 3-byte sequence",
  [-19]: "overlong 4-byte sequence",
  [-20]: "overlong 5-byte sequence",
  [-21]: "overlong 6-byte sequence",
  [-22]: "isolated byte with 0x80 bit set",
  [-23]: "illegal byte (0xfe or 0xff)",
};

/** PCRE's words for a fault. */
export function utf8Message(code: number): string {
  return `UTF-8 error: ${MESSAGES[code] ?? "unknown"}`;
}
