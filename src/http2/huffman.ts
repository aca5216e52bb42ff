import { codeLengths, codes, endOfString } from "./huffman-code.ts";

/** An entry of the decoder's table: the next state below, then flags and a byte. */
const stateBits = 0x1ff;
const emits = 0x200;
const broken = 0x400;
const symbolShift = 16;

/**
 * The decoder reads four bits at a time. A state is an inner node of the code's tree; no code is shorter than
 * five bits, so that four end at most one byte.
 */
const table = new Uint32Array(256 * 16);
/** States where a string may end: less than a byte of ones since the last byte (section 5.2). */
const mayEnd = new Uint8Array(256);
buildTable();

function buildTable(): void {
  // Children of inner nodes; a leaf is its symbol, negated and less one.
  const children: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol <= endOfString; symbol++) addCode(children, symbol);
  for (let state = 0; state < children.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) table[state * 16 + nibble] = step(children, state, nibble);
  }
  let node = 0;
  for (let ones = 0; ones < 8; ones++) {
    mayEnd[node] = 1;
    node = children[node]![1];
  }
}

function addCode(children: [number, number][], symbol: number): void {
  let node = 0;
  for (let bit = codeLengths[symbol]! - 1; bit >= 0; bit--) {
    const side = (codes[symbol]! >>> bit) & 1;
    const pair = children[node]!;
    if (bit === 0) {
      pair[side] = -1 - symbol;
    } else {
      if (pair[side] === 0) pair[side] = children.push([0, 0]) - 1;
      node = pair[side]!;
    }
  }
}

function step(children: readonly [number, number][], state: number, nibble: number): number {
  let node = state;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = children[node]![(nibble >>> bit) & 1]!;
    if (next === -1 - endOfString) return broken;
    if (next < 0) entry = emits | ((-1 - next) << symbolShift);
    node = Math.max(next, 0);
  }
  return entry | node;
}

/** The most bytes that `length` encoded ones become: the shortest codes have five bits. */
export function huffmanDecodedMax(length: number): number {
  return Math.floor((length * 8) / 5);
}

/**
 * Decodes `bytes[start, end)` into `out`, which must have room for `huffmanDecodedMax`.
 * @returns the bytes written, or -1 when it is no Huffman code: wrong padding, or an end of string
 */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0;
  let written = 0;
  for (let p = start; p < end; p++) {
    const byte = bytes[p]!;
    let entry = table[state * 16 + (byte >>> 4)]!;
    if ((entry & emits) !== 0) out[written++] = entry >>> symbolShift;
    if ((entry & broken) !== 0) return -1;
    entry = table[(entry & stateBits) * 16 + (byte & 15)]!;
    if ((entry & emits) !== 0) out[written++] = entry >>> symbolShift;
    if ((entry & broken) !== 0) return -1;
    state = entry & stateBits;
  }
  return mayEnd[state] === 1 ? written : -1;
}

/** Bytes of `text` (one character per byte) when encoded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += codeLengths[text.charCodeAt(i) & 0xff]!;
  return (bits + 7) >>> 3;
}

const pieceBits = 16;

/** Writes `text` encoded at `at`; returns the index after it. */
export function huffmanEncode(text: string, out: Uint8Array, at: number): number {
  let p = at;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const code = codes[symbol]!;
    // In two pieces when long, so that with up to 7 bits pending all fits into 32.
    let left = codeLengths[symbol]!;
    while (left > 0) {
      const taken = left > pieceBits ? left - pieceBits : left;
      left -= taken;
      pending = (pending << taken) | ((code >>> left) & (2 ** taken - 1));
      pendingBits += taken;
      while (pendingBits >= 8) {
        pendingBits -= 8;
        out[p++] = pending >>> pendingBits;
      }
      pending &= 0xff;
    }
  }
  if (pendingBits > 0) out[p++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return p;
}
