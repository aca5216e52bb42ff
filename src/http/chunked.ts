import type { BodyDecoder, BodySink, DecoderState } from "./body.ts";
import type { Fields } from "./fields.ts";
import { claimSmallPieces, releaseSmallPieces } from "./small-pieces.ts";
import { TrailerReader } from "./trailer.ts";

const CR = 0x0d;
const LF = 0x0a;

const CHUNK_START = 0;
const CHUNK_SIZE = 1;
const CHUNK_EXTENSION = 2;
const CHUNK_EXTENSION_ALMOST_DONE = 3;
const CHUNK_DATA = 4;
const AFTER_DATA = 5;
const AFTER_DATA_ALMOST_DONE = 6;
const TRAILER = 7;

/** nginx's bound: a sixteenth of the largest file offset, so that one more digit cannot overflow. */
const SIZE_MAX = 2 ** 59;
/** Extensions mean nothing here; nobody has a use for more bytes of them in one chunk. */
const EXTENSION_BYTES_MAX = 4096;
/** Leading zeros, too, count as digits. */
const SIZE_DIGITS_MAX = 64;

/** What is wanted of a chunked body beside its bytes. */
export interface ChunkedOptions {
  /** Keep the trailer fields; else they are read over. */
  readonly keepTrailers?: boolean;
}

/**
 * Decodes "Transfer-Encoding: chunked". Lines must end with CR LF: a bare LF is refused, as nginx does since
 * 1.29.4, because another reader may see other chunks.
 */
export class ChunkedDecoder implements BodyDecoder {
  #step = CHUNK_START;
  #size = 0;
  /** Digits of the size, or bytes of the extension, of the line that is being read. */
  #lineBytes = 0;
  readonly #keepTrailers: boolean;
  #trailerReader: TrailerReader | null = null;
  state: DecoderState = "needMore";
  failure: string | null = null;
  received = 0;

  constructor(options: ChunkedOptions = {}) {
    this.#keepTrailers = options.keepTrailers === true;
  }

  /** The trailer fields, once the body is done; null unless they are kept and there are any. */
  get trailers(): Fields | null {
    return this.#trailerReader?.fields ?? null;
  }

  /** Bytes still to come in the current chunk; more chunks may follow. */
  get remaining(): number | null {
    return this.#step === CHUNK_DATA ? this.#size : null;
  }

  end(): boolean {
    return this.state === "done";
  }

  decode(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    let p = start;
    const pieces = claimSmallPieces();
    while (p < end && this.state === "needMore") {
      if (this.#step === CHUNK_DATA) {
        const dataEnd = Math.min(end, p + this.#size);
        this.#size -= dataEnd - p;
        this.received += dataEnd - p;
        if (this.#size === 0) this.#step = AFTER_DATA;
        pieces.add(bytes, p, dataEnd, sink);
        p = dataEnd;
      } else if (this.#step === TRAILER) {
        p = this.#readTrailer(bytes, p, end);
      } else {
        this.#framingByte(bytes[p]!);
        p++;
      }
    }
    releaseSmallPieces(pieces, sink);
    return p - start;
  }

  #readTrailer(bytes: Buffer, start: number, end: number): number {
    const trailer = (this.#trailerReader ??= new TrailerReader(this.#keepTrailers));
    const next = trailer.read(bytes, start, end);
    if (trailer.failure !== null) this.#fail(trailer.failure);
    else if (trailer.done) this.state = "done";
    return next;
  }

  #framingByte(ch: number): void {
    switch (this.#step) {
      case CHUNK_START:
        this.#size = hexDigit(ch);
        this.#lineBytes = 1;
        this.#step = CHUNK_SIZE;
        if (this.#size < 0) this.#fail("invalid chunk size");
        return;
      case CHUNK_SIZE:
        this.#sizeByte(ch);
        return;
      case CHUNK_EXTENSION:
        if (ch === CR) this.#step = CHUNK_EXTENSION_ALMOST_DONE;
        else if (ch === LF) this.#fail("bare LF after chunk extension");
        else if (++this.#lineBytes > EXTENSION_BYTES_MAX) this.#fail("too long chunk extension");
        return;
      case CHUNK_EXTENSION_ALMOST_DONE:
        if (ch !== LF) this.#fail("bare CR after chunk size");
        this.#step = this.#size === 0 ? TRAILER : CHUNK_DATA;
        return;
      case AFTER_DATA:
        if (ch !== CR) this.#fail("no CR LF after chunk data");
        this.#step = AFTER_DATA_ALMOST_DONE;
        return;
      default:
        if (ch !== LF) this.#fail("no CR LF after chunk data");
        this.#step = CHUNK_START;
    }
  }

  #sizeByte(ch: number): void {
    if (this.#size > SIZE_MAX) {
      this.#fail("too large chunk size");
      return;
    }
    const digit = hexDigit(ch);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      if (++this.#lineBytes > SIZE_DIGITS_MAX) this.#fail("too long chunk size");
    } else if (ch === CR) {
      this.#step = CHUNK_EXTENSION_ALMOST_DONE;
    } else if (ch === 0x3b || ch === 0x20 || ch === 0x09) {
      this.#lineBytes = 0;
      this.#step = CHUNK_EXTENSION;
    } else {
      this.#fail(ch === LF ? "bare LF after chunk size" : "invalid chunk size");
    }
  }

  #fail(reason: string): void {
    this.state = "failed";
    this.failure = reason;
  }
}

function hexDigit(ch: number): number {
  if (ch >= 0x30 && ch <= 0x39) return ch - 0x30;
  const letter = ch | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
