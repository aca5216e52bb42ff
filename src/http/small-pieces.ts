import type { BodySink } from "./body.ts";

/** Pieces from this size on are worth a call of their own. */
const largeBytes = 1024;

const storeBytes = 16 * 1024;

/** So many are handed over as they are: what is no flood is seen, and logged, chunk by chunk. */
const singlePiecesMax = 8;

/** Up to here a loop is faster than the call of a copying function. */
const loopBytes = 32;

/**
 * Puts the small pieces of a body that came together into larger ones. A sink may make a system call of
 * each piece that it gets, and 512 KiB hold 87,000 chunks of one byte.
 */
export class SmallPieces {
  private readonly store = Buffer.allocUnsafeSlow(storeBytes);
  private used = 0;
  /** Pieces so far. */
  count = 0;

  /**
   * Takes a piece: hands it over at once, behind what was gathered, where it is large or one of the first few.
   */
  add(bytes: Buffer, start: number, end: number, sink: BodySink): void {
    if (++this.count > singlePiecesMax && end - start < largeBytes) {
      this.gather(bytes, start, end, sink);
      return;
    }
    this.flush(sink);
    sink.onBody(bytes, start, end);
  }

  /** Hands over what there is. */
  flush(sink: BodySink): void {
    const { used } = this;
    this.used = 0;
    if (used > 0) sink.onBody(this.store, 0, used);
  }

  private gather(bytes: Buffer, start: number, end: number, sink: BodySink): void {
    if (this.used + end - start > storeBytes) this.flush(sink);
    const { store } = this;
    if (end - start > loopBytes) this.used += bytes.copy(store, this.used, start, end);
    else for (let at = start; at < end; at++) store[this.used++] = bytes[at]!;
  }
}

let spare: SmallPieces | null = null;

/** One for the time of a call; a sink that decodes something else inside it gets another one. */
export function claimSmallPieces(): SmallPieces {
  const pieces = spare ?? new SmallPieces();
  spare = null;
  pieces.count = 0;
  return pieces;
}

/** Hands over what there is, and takes `pieces` back. */
export function releaseSmallPieces(pieces: SmallPieces, sink: BodySink): void {
  pieces.flush(sink);
  spare = pieces;
}
