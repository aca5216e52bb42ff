import type { Http2Limits } from "./limits.ts";

const firstBytes = 1024;

/** Gathers the pieces of a field block that HEADERS began and CONTINUATION goes on with (RFC 9113, section 6.10). */
export class FieldBlock {
  private readonly limits: Http2Limits;
  private bytes: Buffer | null = null;
  private length = 0;
  streamId = 0;
  endStream = false;
  continuations = 0;
  /** After `add` returned false: which limit it was. */
  tooMuch = "";

  constructor(limits: Http2Limits) {
    this.limits = limits;
  }

  /** True until the last piece has come: no other frame may stand between. */
  get open(): boolean {
    return this.bytes !== null;
  }

  /** A block begins, with HEADERS; what was left of another is forgotten. `add` takes its first piece, too. */
  begin(streamId: number, endStream: boolean): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.continuations = 0;
    this.length = 0;
    this.bytes = Buffer.allocUnsafe(firstBytes);
  }

  /** Appends a piece; false when that is too much. */
  add(piece: Buffer, start: number, end: number): boolean {
    const length = this.length + end - start;
    if (length > this.limits.fieldBlockBytesMax) {
      this.tooMuch = "field block too large";
      return false;
    }
    if (this.continuations > this.limits.continuationsMax) {
      this.tooMuch = "too many CONTINUATION frames";
      return false;
    }
    let bytes = this.bytes!;
    if (length > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * bytes.length));
      bytes.copy(larger, 0, 0, this.length);
      bytes = larger;
      this.bytes = larger;
    }
    piece.copy(bytes, this.length, start, end);
    this.length = length;
    return true;
  }

  /** All of the block, which is not open any more. */
  take(): Buffer {
    const whole = this.bytes!.subarray(0, this.length);
    this.bytes = null;
    return whole;
  }
}
