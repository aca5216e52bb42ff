import { OPCODE_CLOSE } from "./frames.ts";

/** The longest header without its mask: two bytes and a length of eight. */
const sizedHeaderBytesMax = 10;
const maskBytes = 4;

/**
 * Where in a frame one direction of a WebSocket connection stands (RFC 6455, section 5.2).
 *
 * It looks at nothing but opcodes and lengths, steps over everything else, and judges nothing: what passes
 * is between the two ends. A chunk that is one frame costs a few comparisons; memory is allocated only when
 * a header is cut.
 */
export class FrameCursor {
  /** Opcode of the frame that is under way, or went by last. */
  opcode = 0;
  /** Bytes of the frame under way that have not come yet; infinite when its length makes no sense. */
  private left = 0;
  /** The beginning of a header that was cut; null otherwise. */
  private header: Buffer | null = null;
  private headerBytes = 0;

  /** A close frame has begun: it is the last frame of this direction. */
  get closing(): boolean {
    return this.opcode === OPCODE_CLOSE;
  }

  /** True between two frames, where a control frame of one's own may stand. */
  get atBoundary(): boolean {
    return this.left === 0 && this.header === null;
  }

  /** The close frame has gone by as a whole. */
  get closed(): boolean {
    return this.closing && this.atBoundary;
  }

  /** Goes past a chunk. */
  pass(bytes: Uint8Array): void {
    const end = bytes.length;
    for (let at = 0; at < end; at = this.step(bytes, at));
  }

  /** Goes on from `bytes[at]` to the end of the frame that is there, or of the bytes. @returns where that is */
  step(bytes: Uint8Array, at: number): number {
    const end = bytes.length;
    if (this.left > 0) return this.skip(at, end);
    if (this.header !== null) return this.mend(bytes, at);
    // What follows a close frame belongs to no frame.
    if (this.closing) return end;
    this.opcode = bytes[at]! & 0x0f;
    const size = sizedHeaderBytes(bytes, at);
    if (size === 0 || at + size > end) return this.keep(bytes, at);
    this.left = frameBytes(bytes, at, size);
    return this.skip(at, end);
  }

  private skip(at: number, end: number): number {
    const { left } = this;
    if (left > end - at) {
      this.left = left - (end - at);
      return end;
    }
    this.left = 0;
    return at + left;
  }

  /** The header ends with a later chunk. */
  private keep(bytes: Uint8Array, at: number): number {
    this.header = Buffer.alloc(sizedHeaderBytesMax);
    this.header.set(bytes.subarray(at));
    this.headerBytes = bytes.length - at;
    return bytes.length;
  }

  /** Puts a cut header together, up to where it tells the frame's length. */
  private mend(bytes: Uint8Array, at: number): number {
    const header = this.header!;
    while (at < bytes.length) {
      header[this.headerBytes] = bytes[at]!;
      this.headerBytes += 1;
      at += 1;
      if (this.headerBytes < sizedHeaderBytes(header, 0)) continue;
      this.left = frameBytes(header, 0, this.headerBytes) - this.headerBytes;
      this.header = null;
      return this.left === 0 ? at : this.skip(at, bytes.length);
    }
    return at;
  }
}

/** Bytes of the header that must be known to tell the frame's length; 0 when only its first byte is there. */
function sizedHeaderBytes(bytes: Uint8Array, at: number): number {
  if (at + 1 >= bytes.length) return 0;
  const length = bytes[at + 1]! & 0x7f;
  if (length < 126) return 2;
  return length === 126 ? 4 : sizedHeaderBytesMax;
}

/** Length of the whole frame, header and mask included. */
function frameBytes(bytes: Uint8Array, at: number, size: number): number {
  const second = bytes[at + 1]!;
  const head = (second & 0x80) === 0 ? size : size + maskBytes;
  if (size === 2) return head + (second & 0x7f);
  if (size === 4) return head + bytes[at + 2]! * 256 + bytes[at + 3]!;
  let length = 0;
  for (let p = at + 2; p < at + sizedHeaderBytesMax; p++) length = length * 256 + bytes[p]!;
  return length > Number.MAX_SAFE_INTEGER ? Infinity : head + length;
}
