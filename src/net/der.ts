/** Elements of DER, as far as they are read here: tags of one byte, lengths of up to four. */

/** Where an element stands in the bytes that it was read from. (ITU-T X.690) */
export interface DerElement {
  readonly tag: number;
  /** Of the content. */
  readonly start: number;
  /** Behind the content; where the next element begins. */
  readonly end: number;
}

/** The tag bytes of the kinds that are read here, "constructed" included in that of a sequence. */
export const derTags = { integer: 0x02, octets: 0x04, objectId: 0x06, sequence: 0x30 } as const;

/** The element at a place; null when there is none or it reaches beyond the end. */
export function derAt(bytes: Buffer, at: number, end = bytes.length): DerElement | null {
  if (at + 2 > end) return null;
  const first = bytes[at + 1]!;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  if (first === 0x80 || lengthBytes > 4 || start > end) return null;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  return start + length > end ? null : { tag: bytes[at]!, start, end: start + length };
}

/** The elements one after the other; those behind damage are left out. */
export function derElements(bytes: Buffer, start = 0, end = bytes.length): readonly DerElement[] {
  const found: DerElement[] = [];
  for (let next = derAt(bytes, start, end); next !== null; next = derAt(bytes, next.end, end))
    found.push(next);
  return found;
}

/** An element of that content. */
export function derElement(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const lengthBytes = Buffer.alloc(size);
  lengthBytes.writeUIntBE(length, 0, size);
  return Buffer.concat([Buffer.from([tag, 0x80 | size]), lengthBytes, content]);
}
