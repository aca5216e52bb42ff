import { latin1 } from "../http/latin1.ts";
import { fieldName } from "../http/name-cache.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { huffmanDecode, huffmanDecodedMax } from "./huffman.ts";
import { staticTable } from "./static-table.ts";

/** Gets the fields of a block in order. Strings hold one character per byte. */
export interface FieldSink {
  onField(name: string, value: string): void;
}

/** Larger integers mean nothing here, and must not overflow (RFC 7541, section 5.1). */
const integerMax = 0x0fff_ffff;
/** Table sizes that may stand before a block: the least since the last one, and the last (section 4.2). */
const sizeUpdatesMax = 2;
const scratchFirstBytes = 4096;
/** A larger scratch is given back after use. */
const scratchKeptBytes = 65_536;

/** Where Huffman codes are decoded to: one for the thread, since nothing stays in it. */
let scratch = Buffer.alloc(0);

/**
 * Decodes field blocks (RFC 7541, sections 3 and 6). Every block has to be decoded, also of streams that nobody
 * wants, because the table is one for the connection. Work is linear in the block's bytes: a field that refers to the
 * table costs the same however long its value is, for the string is shared.
 */
export class HpackDecoder {
  private readonly table: DynamicTable;
  /** What our SETTINGS_HEADER_TABLE_SIZE allows. */
  private readonly tableBytesMax: number;
  private position = 0;
  private failed: string | null = null;

  constructor(tableBytesMax: number) {
    this.tableBytesMax = tableBytesMax;
    this.table = new DynamicTable(tableBytesMax);
  }

  /** Bytes of the dynamic table. */
  get tableBytes(): number {
    return this.table.bytes;
  }

  /**
   * Decodes a whole block.
   * @returns null, or what makes it no HPACK: the connection has to end with COMPRESSION_ERROR
   */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): string | null {
    this.position = start;
    this.failed = null;
    let updates = 0;
    let fields = 0;
    while (this.position < end && this.failed === null) {
      const first = bytes[this.position]!;
      if ((first & 0xe0) === 0x20) {
        if (fields > 0 || ++updates > sizeUpdatesMax) return "table size update out of place";
        this.resize(this.integer(bytes, end, 0x1f));
      } else {
        fields++;
        this.field(bytes, end, first, sink);
      }
    }
    if (scratch.length > scratchKeptBytes) scratch = Buffer.alloc(0);
    return this.failed;
  }

  private resize(bytesMax: number): void {
    if (bytesMax > this.tableBytesMax) this.fail("table size above the limit");
    else if (this.failed === null) this.table.resize(bytesMax);
  }

  private field(bytes: Buffer, end: number, first: number, sink: FieldSink): void {
    if ((first & 0x80) !== 0) {
      this.indexed(this.integer(bytes, end, 0x7f), sink);
      return;
    }
    const isAdded = (first & 0x40) !== 0;
    const index = this.integer(bytes, end, isAdded ? 0x3f : 0x0f);
    const name = index === 0 ? this.name(bytes, end) : this.nameAt(index);
    const value = this.text(bytes, end);
    if (this.failed !== null) return;
    if (isAdded) this.table.add(name, value);
    sink.onField(name, value);
  }

  private indexed(index: number, sink: FieldSink): void {
    if (this.failed !== null) return;
    if (index > 0 && index <= staticTable.length) {
      const [name, value] = staticTable[index - 1]!;
      sink.onField(name, value);
      return;
    }
    const entry = this.table.at(index - staticTable.length - 1);
    if (entry === null) this.fail("index of no field");
    else sink.onField(entry.name, entry.value);
  }

  private nameAt(index: number): string {
    if (index <= staticTable.length) return staticTable[index - 1]![0];
    const entry = this.table.at(index - staticTable.length - 1);
    if (entry === null) this.fail("index of no name");
    return entry?.name ?? "";
  }

  /** An integer whose first byte has its prefix under `mask` (section 5.1). */
  private integer(bytes: Buffer, end: number, mask: number): number {
    if (this.position >= end) return this.fail("block ends within a field");
    let value = bytes[this.position++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.position >= end) return this.fail("block ends within an integer");
      const byte = bytes[this.position++]!;
      // Four more bytes at most: zeros without end would be work without end.
      if (shift > 21) return this.fail("integer too large");
      value += (byte & 0x7f) << shift;
      if (value > integerMax) return this.fail("integer too large");
      if ((byte & 0x80) === 0) return value;
    }
  }

  /** A name, for which no string is made when it was seen before. */
  private name(bytes: Buffer, end: number): string {
    const huffman = this.position < end && (bytes[this.position]! & 0x80) !== 0;
    const length = this.stringLength(bytes, end);
    const start = this.position - length;
    if (this.failed !== null) return "";
    if (!huffman) return fieldName(bytes, start, this.position).text;
    const decoded = this.unpack(bytes, start, this.position);
    return decoded < 0 ? "" : fieldName(scratch, 0, decoded).text;
  }

  private text(bytes: Buffer, end: number): string {
    const huffman = this.position < end && (bytes[this.position]! & 0x80) !== 0;
    const length = this.stringLength(bytes, end);
    const start = this.position - length;
    if (this.failed !== null) return "";
    if (!huffman) return latin1(bytes, start, this.position);
    const decoded = this.unpack(bytes, start, this.position);
    return decoded < 0 ? "" : latin1(scratch, 0, decoded);
  }

  /** Steps over a string (section 5.2), and tells how long it was. */
  private stringLength(bytes: Buffer, end: number): number {
    const length = this.integer(bytes, end, 0x7f);
    if (this.failed !== null) return 0;
    if (length > end - this.position) return this.fail("block ends within a string");
    this.position += length;
    return length;
  }

  /** Decodes into `scratch`; returns how many bytes. */
  private unpack(bytes: Buffer, start: number, end: number): number {
    const needed = huffmanDecodedMax(end - start);
    if (scratch.length < needed) scratch = Buffer.allocUnsafeSlow(Math.max(needed, scratchFirstBytes));
    const decoded = huffmanDecode(bytes, start, end, scratch);
    if (decoded < 0) this.fail("wrong Huffman code");
    return decoded;
  }

  private fail(reason: string): number {
    this.failed ??= reason;
    return 0;
  }
}
