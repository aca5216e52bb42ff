import { writeLatin1 } from "../http/latin1.ts";
import { entryBytes } from "./dynamic-table.ts";
import { EncoderTable } from "./encoder-table.ts";
import { indexField, indexingOf, neverIndexField } from "./hpack-policy.ts";
import { huffmanEncode, huffmanLength } from "./huffman.ts";
import { staticIndexOf, staticNames, staticTable } from "./static-table.ts";

/** Bytes of the table that are used at most, however many the peer offers: they are ours as well. */
export const encoderTableBytesMax = 4096;
/** One field does not take more than this part of the table. */
const largeEntryPart = 4;
/** An integer takes no more here, the length of the largest string included. */
const integerBytesMax = 6;

/** Where blocks are made: one for the thread, since a block is copied into frames at once. */
let block = Buffer.allocUnsafeSlow(4096);
const blockKeptBytes = 65_536;

/**
 * Encodes field blocks (RFC 7541). `begin`, a `field` for each, and `finish`; blocks are made one after the other,
 * and have to be sent in that order.
 */
export class HpackEncoder {
  private readonly table = new EncoderTable(encoderTableBytesMax);
  /** The least and the last table size to tell before the next block; -1: none. */
  private leastSize = -1;
  private nextSize = -1;
  private length = 0;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setTableSize(bytesMax: number): void {
    const size = Math.min(bytesMax, encoderTableBytesMax);
    if (size === (this.nextSize < 0 ? this.table.bytesMax : this.nextSize)) return;
    this.leastSize = this.leastSize < 0 ? size : Math.min(this.leastSize, size);
    this.nextSize = size;
  }

  /** Begins a block; a change of the table's size since the last one is told first (RFC 7541, section 4.2). */
  begin(): void {
    this.length = 0;
    if (block.length > blockKeptBytes) block = Buffer.allocUnsafeSlow(4096);
    if (this.nextSize < 0) return;
    if (this.leastSize < this.nextSize) this.resize(this.leastSize);
    this.resize(this.nextSize);
    this.leastSize = -1;
    this.nextSize = -1;
  }

  /** @param name in lower case */
  field(name: string, value: string): void {
    const nameIndex = staticNames.get(name) ?? 0;
    const index = nameIndex === 0 ? 0 : staticIndexOf(nameIndex, name, value);
    if (index > 0) {
      this.integer(index, 0x80, 0x7f);
      return;
    }
    const how = indexingOf(name, value);
    if (how !== indexField) {
      this.literal(how === neverIndexField ? 0x10 : 0, 0x0f, nameIndex, name, value);
      return;
    }
    const entry = this.table.find(name, value);
    if (entry !== null) {
      this.integer(staticTable.length + 1 + this.table.indexOf(entry), 0x80, 0x7f);
    } else if (entryBytes(name, value) > this.table.bytesMax / largeEntryPart) {
      this.literal(0, 0x0f, nameIndex, name, value);
    } else {
      this.literal(0x40, 0x3f, nameIndex, name, value);
      this.table.add(name, value);
    }
  }

  /** The block; valid until the next `begin` of any encoder. */
  finish(): Buffer {
    return block.subarray(0, this.length);
  }

  private literal(pattern: number, mask: number, staticIndex: number, name: string, value: string): void {
    let index = staticIndex;
    if (index === 0) {
      const entry = this.table.named(name);
      if (entry !== null) index = staticTable.length + 1 + this.table.indexOf(entry);
    }
    this.integer(index, pattern, mask);
    if (index === 0) this.text(name);
    this.text(value);
  }

  private resize(bytesMax: number): void {
    this.table.resize(bytesMax);
    this.integer(bytesMax, 0x20, 0x1f);
  }

  private integer(value: number, pattern: number, mask: number): void {
    this.reserve(integerBytesMax);
    if (value < mask) {
      block[this.length++] = pattern | value;
      return;
    }
    block[this.length++] = pattern | mask;
    let rest = value - mask;
    for (; rest > 0x7f; rest >>>= 7) block[this.length++] = 0x80 | (rest & 0x7f);
    block[this.length++] = rest;
  }

  private text(text: string): void {
    const packed = huffmanLength(text);
    if (packed < text.length) {
      this.integer(packed, 0x80, 0x7f);
      this.reserve(packed);
      this.length = huffmanEncode(text, block, this.length);
      return;
    }
    this.integer(text.length, 0, 0x7f);
    this.reserve(text.length);
    this.length += writeLatin1(block, text, this.length);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= block.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + bytes, 2 * block.length));
    block.copy(larger, 0, 0, this.length);
    block = larger;
  }
}
