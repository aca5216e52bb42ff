import { Fields, lowerName } from "./fields.ts";
import { HEADERS_INVALID, HeaderLineScanner, SPAN } from "./header-lines.ts";
import { latin1 } from "./latin1.ts";

const CR = 0x0d;
const LF = 0x0a;

/** As much as nginx's large header buffer holds: trailers carry a checksum or a status. */
const TRAILER_BYTES_MAX = 8192;

/**
 * Reads the trailer section that ends a chunked body, up to and with its empty line. Its lines end with
 * CR LF only, like all lines of a chunked body.
 */
export class TrailerReader {
  /** The section so far; null when its fields are not wanted. */
  readonly #section: Buffer | null;
  #length = 0;
  #lineLength = 0;
  #afterCr = false;
  fields: Fields | null = null;
  done = false;
  failure: string | null = null;

  constructor(keep: boolean) {
    this.#section = keep ? Buffer.alloc(TRAILER_BYTES_MAX) : null;
  }

  /** @returns the index after the last byte read; `done` or `failure` tell when that is the end */
  read(bytes: Buffer, start: number, end: number): number {
    let p = start;
    while (p < end && !this.done && this.failure === null) {
      this.#byte(bytes[p]!);
      p++;
    }
    return p;
  }

  #byte(ch: number): void {
    if (this.#length === TRAILER_BYTES_MAX) {
      this.failure = "too long trailer";
      return;
    }
    if (this.#section !== null) this.#section[this.#length] = ch;
    this.#length++;
    if (this.#afterCr !== (ch === LF)) {
      this.failure = "line of the trailer without CR LF";
    } else if (ch === CR) {
      this.#afterCr = true;
    } else if (ch !== LF) {
      this.#lineLength++;
    } else if (this.#lineLength > 0) {
      this.#lineLength = 0;
      this.#afterCr = false;
    } else {
      this.done = true;
      if (this.#section !== null) this.#parse(this.#section);
    }
  }

  #parse(section: Buffer): void {
    const lines = new HeaderLineScanner(true, false);
    lines.reset(0);
    if (lines.scan(section, this.#length) === HEADERS_INVALID) {
      this.failure = "invalid trailer line";
      return;
    }
    const { spans } = lines;
    if (spans.length === 0) return;
    this.fields = new Fields();
    for (let i = 0; i < spans.length; i += SPAN) {
      // A field with an invalid name would reach the other side past every rule.
      if (spans[i + 4] === 1) continue;
      const name = latin1(section, spans[i]!, spans[i + 1]!);
      this.fields.addLowered(name, lowerName(name), latin1(section, spans[i + 2]!, spans[i + 3]!));
    }
  }
}
