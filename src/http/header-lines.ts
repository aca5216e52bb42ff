/**
 * Header lines, scanned as nginx's ngx_http_parse_header_line does for requests and responses alike:
 * resumable at every byte. Finished lines are kept as positions; who owns the bytes makes strings of them.
 */

/** All bytes were read, and the empty line has not come. */
export const HEADERS_AGAIN = 0;
/** The empty line was read; `position` is behind it. */
export const HEADERS_DONE = 1;
/** A byte that may not stand there; `invalidAt` tells where. */
export const HEADERS_INVALID = 2;

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;

const START = 0;
const NAME = 1;
const SPACE_BEFORE_VALUE = 2;
const VALUE = 3;
const SPACE_AFTER_VALUE = 4;
const IGNORE_LINE = 5;
const ALMOST_DONE = 6;
const HEADER_ALMOST_DONE = 7;

const NAME_USUAL = 1;
const NAME_UNDERSCORE = 2;
const NAME_ODD = 3;

/** 0: may not stand in a name at all. */
const NAME_CLASSES = nameClasses();

function nameClasses(): Uint8Array {
  const table = new Uint8Array(256).fill(NAME_ODD);
  table.fill(0, 0, 0x21);
  table[0x7f] = 0;
  table[0x3a] = 0;
  for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") {
    table[char.charCodeAt(0)] = NAME_USUAL;
  }
  table[0x5f] = NAME_UNDERSCORE;
  return table;
}

/** Numbers per line in `spans`: start and end of the name, start and end of the value, 1 if the name is invalid. */
export const SPAN = 5;

/**
 * Reads header lines up to the empty one. Positions are indexes into the array that `scan` was last called
 * with.
 */
export class HeaderLineScanner {
  readonly #underscoresAllowed: boolean;
  readonly #fromUpstream: boolean;
  #state = START;
  #nameEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;
  #invalidName = false;
  /** Where the next byte is to be read. */
  position = 0;
  /** After HEADERS_INVALID: the byte that nginx's log shows. */
  invalidAt = 0;
  /** Where the line that is being read starts. */
  lineStart = 0;
  /** Finished lines, `SPAN` numbers each. The owner empties it. */
  readonly spans: number[] = [];

  /** @param fromUpstream also skip a repeated status line ("HTTP/1.1 …"), which IIS is known to send */
  constructor(underscoresAllowed: boolean, fromUpstream: boolean) {
    this.#underscoresAllowed = underscoresAllowed;
    this.#fromUpstream = fromUpstream;
  }

  /** True between two lines. */
  get atLineStart(): boolean {
    return this.#state === START;
  }

  /** Begins with another head at `position`. */
  reset(position: number): void {
    this.#state = START;
    this.position = position;
    this.lineStart = position;
    this.spans.length = 0;
  }

  /** Ends the reading before a later line, or after the last finished one. */
  endAt(lineStart: number | undefined): void {
    this.position = lineStart ?? this.lineStart;
  }

  /** Tells that the bytes were copied to a place `delta` further on. `spans` must be empty. */
  rebase(delta: number): void {
    this.position += delta;
    this.lineStart += delta;
    this.#nameEnd += delta;
    this.#valueStart += delta;
    this.#valueEnd += delta;
  }

  /** Reads on from `position` up to `end`. */
  scan(bytes: Uint8Array, end: number): number {
    let p = this.position;
    while (p < end) {
      if (this.#state === VALUE) {
        p = endOfPlainValue(bytes, p, end);
        if (p === end) break;
      } else if (this.#state === NAME) {
        while (p < end && NAME_CLASSES[bytes[p]!] === NAME_USUAL) p++;
        if (p === end) break;
      }
      const result = this.#step(bytes, p);
      if (result === HEADERS_INVALID) {
        // After a CR it is the end of the value that is told, not the byte in the LF's place.
        this.invalidAt = this.#state >= ALMOST_DONE ? this.#valueEnd : p;
        this.position = p;
        return HEADERS_INVALID;
      }
      p++;
      if (result === HEADERS_DONE) {
        this.position = p;
        return HEADERS_DONE;
      }
    }
    this.position = p;
    return HEADERS_AGAIN;
  }

  #step(bytes: Uint8Array, p: number): number {
    const ch = bytes[p]!;
    switch (this.#state) {
      case START:
        return this.#startLine(ch, p);
      case NAME:
        return this.#nameByte(bytes, ch, p);
      case SPACE_BEFORE_VALUE:
        if (ch === SP) return HEADERS_AGAIN;
        this.#valueStart = p;
        this.#state = VALUE;
        return this.#valueByte(ch, p);
      case VALUE:
        return this.#valueByte(ch, p);
      case SPACE_AFTER_VALUE:
        if (ch === SP) return HEADERS_AGAIN;
        if (ch === 0) return HEADERS_INVALID;
        if (ch === LF) return this.#endLine(p);
        this.#state = ch === CR ? ALMOST_DONE : VALUE;
        return HEADERS_AGAIN;
      case IGNORE_LINE:
        if (ch === LF) this.#state = START;
        return HEADERS_AGAIN;
      case ALMOST_DONE:
        if (ch === LF) return this.#endLine(p);
        return ch === CR ? HEADERS_AGAIN : HEADERS_INVALID;
      default:
        return ch === LF ? HEADERS_DONE : HEADERS_INVALID;
    }
  }

  #startLine(ch: number, p: number): number {
    this.lineStart = p;
    if (ch === LF) return HEADERS_DONE;
    if (ch === CR) {
      this.#valueEnd = p;
      this.#state = HEADER_ALMOST_DONE;
      return HEADERS_AGAIN;
    }
    const nameClass = NAME_CLASSES[ch]!;
    if (nameClass === 0) return HEADERS_INVALID;
    this.#invalidName = !this.#isValid(nameClass);
    this.#state = NAME;
    return HEADERS_AGAIN;
  }

  #nameByte(bytes: Uint8Array, ch: number, p: number): number {
    const nameClass = NAME_CLASSES[ch]!;
    if (nameClass === 0) {
      this.#nameEnd = p;
      if (ch === 0x3a) {
        this.#state = SPACE_BEFORE_VALUE;
        return HEADERS_AGAIN;
      }
      // A line without a colon is a field without a value.
      if (ch !== CR && ch !== LF) return HEADERS_INVALID;
      this.#valueStart = p;
      return this.#valueByte(ch, p);
    }
    if (ch === 0x2f && this.#fromUpstream && isStatusLine(bytes, this.lineStart, p)) {
      this.#state = IGNORE_LINE;
      return HEADERS_AGAIN;
    }
    if (!this.#isValid(nameClass)) this.#invalidName = true;
    return HEADERS_AGAIN;
  }

  #valueByte(ch: number, p: number): number {
    switch (ch) {
      case SP:
        this.#valueEnd = p;
        this.#state = SPACE_AFTER_VALUE;
        return HEADERS_AGAIN;
      case CR:
        this.#valueEnd = p;
        this.#state = ALMOST_DONE;
        return HEADERS_AGAIN;
      case LF:
        this.#valueEnd = p;
        return this.#endLine(p);
      case 0:
        return HEADERS_INVALID;
      default:
        return HEADERS_AGAIN;
    }
  }

  #endLine(p: number): number {
    const invalid = this.#invalidName ? 1 : 0;
    this.spans.push(this.lineStart, this.#nameEnd, this.#valueStart, this.#valueEnd, invalid);
    this.#state = START;
    this.lineStart = p + 1;
    return HEADERS_AGAIN;
  }

  #isValid(nameClass: number): boolean {
    return nameClass === NAME_USUAL || (nameClass === NAME_UNDERSCORE && this.#underscoresAllowed);
  }
}

/** Index of the first space, CR, LF or NUL, or `end`. */
function endOfPlainValue(bytes: Uint8Array, from: number, end: number): number {
  let p = from;
  while (p < end) {
    const ch = bytes[p]!;
    if (ch <= SP && (ch === SP || ch === LF || ch === CR || ch === 0)) return p;
    p++;
  }
  return p;
}

function isStatusLine(bytes: Uint8Array, start: number, slash: number): boolean {
  return (
    slash - start === 4 &&
    bytes[start] === 0x48 &&
    bytes[start + 1] === 0x54 &&
    bytes[start + 2] === 0x54 &&
    bytes[start + 3] === 0x50
  );
}
