/**
 * The request line, scanned as nginx's ngx_http_parse_request_line does: byte by byte, resumable at
 * every byte, refusing at the first byte that cannot be right.
 */

/** All bytes were read, and the line goes on. */
export const LINE_AGAIN = 0;
/** The line was read; `position` is behind its line end. */
export const LINE_DONE = 1;
/** A byte that may not stand in a method. */
export const LINE_INVALID_METHOD = 2;
/** A byte that may not stand in the target or behind it. */
export const LINE_INVALID_REQUEST = 3;
/** Another version than HTTP/0.x and 1.x, or one with too many digits: answered with 505. */
export const LINE_INVALID_VERSION = 4;
/** A line without a version, which is HTTP/0.9, with another method than GET. */
export const LINE_INVALID_09_METHOD = 5;

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;

const START = 0;
const METHOD = 1;
const SPACES_BEFORE_URI = 2;
const SCHEME = 3;
const SCHEME_SLASH = 4;
const SCHEME_SLASH_SLASH = 5;
const HOST_START = 6;
const HOST = 7;
const HOST_END = 8;
const HOST_IP_LITERAL = 9;
const PORT = 10;
const AFTER_SLASH_IN_URI = 11;
const CHECK_URI = 12;
const URI = 13;
const HTTP_09 = 14;
/** After "H", "HT", "HTT" and "HTTP": PROTOCOL + number of letters seen - 1. */
const PROTOCOL = 15;
const FIRST_MAJOR_DIGIT = 19;
const MAJOR_DIGIT = 20;
const FIRST_MINOR_DIGIT = 21;
const MINOR_DIGIT = 22;
const SPACES_AFTER_DIGIT = 23;
const ALMOST_DONE = 24;

const PROTOCOL_NEXT = [0x54, 0x54, 0x50, 0x2f];

const IS_METHOD = 1;
const IS_SCHEME = 2;
const IS_HOST = 4;
const IS_IP_LITERAL = 8;
const IS_USUAL_URI = 16;
const IS_CONTROL = 32;

const CLASSES = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (flag: number, chars: string): void => {
    for (const char of chars) table[char.charCodeAt(0)]! |= flag;
  };
  const lower = "abcdefghijklmnopqrstuvwxyz";
  const alphanumeric = lower + lower.toUpperCase() + "0123456789";
  mark(IS_METHOD, lower.toUpperCase() + "_-");
  mark(IS_SCHEME, alphanumeric + "+-.");
  // Less than what Host may hold: nginx's parser of request lines knows no more.
  mark(IS_HOST, alphanumeric + "-.");
  mark(IS_IP_LITERAL, alphanumeric + "-._~!$&'()*+,;=:");
  for (let byte = 0; byte < 256; byte++) {
    if (byte < 0x20 || byte === 0x7f) table[byte]! |= IS_CONTROL;
    else if (!" #%+./?".includes(String.fromCharCode(byte))) table[byte]! |= IS_USUAL_URI;
  }
  return table;
}

/** Positions are indexes into the array that `scan` was last called with; -1 where there is none. */
export class RequestLineScanner {
  #state = START;
  #isGet = false;
  #isConnect = false;
  /** Where the next byte is to be read. */
  position = 0;
  start = 0;
  methodEnd = 0;
  schemeStart = -1;
  schemeEnd = -1;
  hostStart = -1;
  hostEnd = -1;
  portEnd = -1;
  uriStart = 0;
  uriEnd = 0;
  argsStart = -1;
  /** First byte after the line's last, without its line end. */
  lineEnd = 0;
  protocolStart = -1;
  versionMajor = 0;
  versionMinor = 9;
  /** "//", "/." or "#" in the path: it has to be normalised. */
  complexUri = false;
  /** "%" in the path: it has to be decoded. */
  quotedUri = false;
  /** An absolute target with arguments but no path: "http://host?a". */
  emptyPathInUri = false;

  /** Forgets the line that was read; `position` stays. */
  reset(): void {
    this.#state = START;
    this.schemeStart = -1;
    this.schemeEnd = -1;
    this.hostStart = -1;
    this.hostEnd = -1;
    this.portEnd = -1;
    this.argsStart = -1;
    this.protocolStart = -1;
    this.versionMajor = 0;
    this.versionMinor = 9;
    this.complexUri = false;
    this.quotedUri = false;
    this.emptyPathInUri = false;
  }

  /** True before the first byte of the method. */
  get atStart(): boolean {
    return this.#state === START;
  }

  /** Tells that the bytes were copied to a place `delta` further on. */
  rebase(delta: number): void {
    this.position += delta;
    this.start += delta;
    this.methodEnd += delta;
    this.uriStart += delta;
    this.uriEnd += delta;
    this.lineEnd += delta;
    if (this.schemeStart >= 0) this.schemeStart += delta;
    if (this.schemeEnd >= 0) this.schemeEnd += delta;
    if (this.hostStart >= 0) this.hostStart += delta;
    if (this.hostEnd >= 0) this.hostEnd += delta;
    if (this.portEnd >= 0) this.portEnd += delta;
    if (this.argsStart >= 0) this.argsStart += delta;
    if (this.protocolStart >= 0) this.protocolStart += delta;
  }

  /** Reads on from `position` up to `end`. */
  scan(bytes: Uint8Array, end: number): number {
    while (this.position < end) {
      const state = this.#state;
      let result: number;
      if (state <= SPACES_BEFORE_URI) result = this.#scanMethod(bytes, end);
      else if (state <= PORT) result = this.#scanAuthority(bytes, end);
      else if (state <= URI) result = this.#scanUri(bytes, end);
      else result = this.#scanVersion(bytes, end);
      if (result !== LINE_AGAIN) return result;
    }
    return LINE_AGAIN;
  }

  #scanMethod(bytes: Uint8Array, end: number): number {
    let p = this.position;
    for (; p < end; p++) {
      const ch = bytes[p]!;
      if (this.#state === METHOD) {
        if ((CLASSES[ch]! & IS_METHOD) !== 0) continue;
        if (ch !== SP) return this.#refuse(p, LINE_INVALID_METHOD);
        this.methodEnd = p;
        this.#isGet = isWord(bytes, this.start, p, "GET");
        this.#isConnect = isWord(bytes, this.start, p, "CONNECT");
        this.#state = SPACES_BEFORE_URI;
      } else if (this.#state === START) {
        this.start = p;
        if (ch === CR || ch === LF) continue;
        if ((CLASSES[ch]! & IS_METHOD) === 0) return this.#refuse(p, LINE_INVALID_METHOD);
        this.#state = METHOD;
      } else {
        if (ch === SP) continue;
        return this.#startTarget(ch, p);
      }
    }
    if (this.#state === START) this.start = p;
    this.position = p;
    return LINE_AGAIN;
  }

  #startTarget(ch: number, p: number): number {
    const letter = ch | 0x20;
    if (this.#isConnect) {
      // authority-form: only CONNECT has it.
      this.position = p;
      this.uriStart = p;
      this.#state = HOST_START;
      return LINE_AGAIN;
    }
    this.position = p + 1;
    if (ch === 0x2f) {
      this.uriStart = p;
      this.#state = AFTER_SLASH_IN_URI;
      return LINE_AGAIN;
    }
    if (letter < 0x61 || letter > 0x7a) return this.#refuse(p, LINE_INVALID_REQUEST);
    this.schemeStart = p;
    this.#state = SCHEME;
    return LINE_AGAIN;
  }

  #scanAuthority(bytes: Uint8Array, end: number): number {
    for (let p = this.position; p < end; p++) {
      const ch = bytes[p]!;
      const charClass = CLASSES[ch]!;
      switch (this.#state) {
        case SCHEME:
          if ((charClass & IS_SCHEME) !== 0) break;
          if (ch !== 0x3a) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.schemeEnd = p;
          this.#state = SCHEME_SLASH;
          break;
        case SCHEME_SLASH:
        case SCHEME_SLASH_SLASH:
          if (ch !== 0x2f) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.#state++;
          break;
        case HOST_START:
          this.hostStart = p;
          if (ch === 0x5b) {
            this.#state = HOST_IP_LITERAL;
            break;
          }
          this.#state = HOST;
          if ((charClass & IS_HOST) !== 0) break;
          if (!this.#endAuthority(ch, p)) return this.#refuse(p, LINE_INVALID_REQUEST);
          break;
        case HOST:
          if ((charClass & IS_HOST) !== 0) break;
          if (!this.#endAuthority(ch, p)) return this.#refuse(p, LINE_INVALID_REQUEST);
          break;
        case HOST_IP_LITERAL:
          if ((charClass & IS_IP_LITERAL) !== 0) break;
          if (ch !== 0x5d) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.#state = HOST_END;
          break;
        case HOST_END:
          if (!this.#endAuthority(ch, p)) return this.#refuse(p, LINE_INVALID_REQUEST);
          break;
        case PORT:
          if (ch >= 0x30 && ch <= 0x39) break;
          this.portEnd = p;
          if (ch === 0x3a || !this.#endAuthority(ch, p)) return this.#refuse(p, LINE_INVALID_REQUEST);
          break;
        default:
          this.position = p;
          return LINE_AGAIN;
      }
    }
    this.position = end;
    return LINE_AGAIN;
  }

  /** The byte after the host or the port. */
  #endAuthority(ch: number, p: number): boolean {
    if (this.#state !== PORT) this.hostEnd = p;
    if (ch === 0x3a) {
      this.#state = PORT;
      return true;
    }
    if (this.#isConnect && this.schemeEnd < 0) {
      if (ch !== SP || this.portEnd <= this.hostEnd + 1) return false;
      this.uriEnd = p;
      this.#state = HTTP_09;
      return true;
    }
    switch (ch) {
      case 0x2f:
        this.uriStart = p;
        this.#state = AFTER_SLASH_IN_URI;
        return true;
      case 0x3f:
        this.uriStart = p;
        this.argsStart = p + 1;
        this.emptyPathInUri = true;
        this.#state = URI;
        return true;
      case SP:
        // No path at all: the first slash of "://" serves as the path "/".
        this.uriStart = this.schemeEnd + 1;
        this.uriEnd = this.schemeEnd + 2;
        this.#state = HTTP_09;
        return true;
      default:
        return false;
    }
  }

  #scanUri(bytes: Uint8Array, end: number): number {
    let p = this.position;
    for (; p < end; p++) {
      const ch = bytes[p]!;
      if ((CLASSES[ch]! & IS_USUAL_URI) !== 0) {
        if (this.#state === AFTER_SLASH_IN_URI) this.#state = CHECK_URI;
        continue;
      }
      if (ch === SP) {
        this.uriEnd = p;
        this.position = p + 1;
        this.#state = HTTP_09;
        return LINE_AGAIN;
      }
      if (ch === CR || ch === LF) {
        this.uriEnd = p;
        this.lineEnd = p;
        this.position = p + 1;
        if (ch === LF) return this.#done();
        this.#state = ALMOST_DONE;
        return LINE_AGAIN;
      }
      if ((CLASSES[ch]! & IS_CONTROL) !== 0) return this.#refuse(p, LINE_INVALID_REQUEST);
      if (ch === 0x23) this.complexUri = true;
      if (this.#state !== URI) this.#noteInPath(ch, p);
    }
    this.position = p;
    return LINE_AGAIN;
  }

  /** A byte in the path that may make it in need of decoding or normalising. */
  #noteInPath(ch: number, p: number): void {
    switch (ch) {
      case 0x23:
        this.#state = URI;
        return;
      case 0x25:
        this.quotedUri = true;
        this.#state = URI;
        return;
      case 0x3f:
        this.argsStart = p + 1;
        this.#state = URI;
        return;
      case 0x2e:
        if (this.#state !== AFTER_SLASH_IN_URI) return;
        this.complexUri = true;
        this.#state = URI;
        return;
      case 0x2f:
        if (this.#state === AFTER_SLASH_IN_URI) {
          this.complexUri = true;
          this.#state = URI;
          return;
        }
        this.#state = AFTER_SLASH_IN_URI;
        return;
      default:
        return;
    }
  }

  #scanVersion(bytes: Uint8Array, end: number): number {
    for (let p = this.position; p < end; p++) {
      const ch = bytes[p]!;
      const isDigit = ch >= 0x30 && ch <= 0x39;
      switch (this.#state) {
        case HTTP_09:
          if (ch === SP) break;
          if (ch === CR || ch === LF) {
            if (this.#endLine(ch, p)) return this.#done();
            break;
          }
          if (ch !== 0x48) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.protocolStart = p;
          this.#state = PROTOCOL;
          break;
        case FIRST_MAJOR_DIGIT:
          if (!isDigit || ch === 0x30) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.versionMajor = ch - 0x30;
          if (this.versionMajor > 1) return this.#refuse(p, LINE_INVALID_VERSION);
          this.#state = MAJOR_DIGIT;
          break;
        case MAJOR_DIGIT:
          if (ch === 0x2e) {
            this.#state = FIRST_MINOR_DIGIT;
            break;
          }
          return this.#refuse(p, isDigit ? LINE_INVALID_VERSION : LINE_INVALID_REQUEST);
        case FIRST_MINOR_DIGIT:
          if (!isDigit) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.versionMinor = ch - 0x30;
          this.#state = MINOR_DIGIT;
          break;
        case MINOR_DIGIT:
        case SPACES_AFTER_DIGIT:
          if (isDigit && this.#state === MINOR_DIGIT && this.versionMinor <= 99) {
            this.versionMinor = this.versionMinor * 10 + ch - 0x30;
            break;
          }
          if (ch === SP) {
            this.#state = SPACES_AFTER_DIGIT;
            break;
          }
          if (ch !== CR && ch !== LF) return this.#refuse(p, LINE_INVALID_REQUEST);
          if (this.#endLine(ch, p)) return this.#done();
          break;
        case ALMOST_DONE:
          if (ch !== LF) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.position = p + 1;
          return this.#done();
        default:
          if (ch !== PROTOCOL_NEXT[this.#state - PROTOCOL]) return this.#refuse(p, LINE_INVALID_REQUEST);
          this.#state++;
      }
    }
    this.position = end;
    return LINE_AGAIN;
  }

  /** True when the line is over, false when the LF after a CR has yet to come. */
  #endLine(ch: number, p: number): boolean {
    this.lineEnd = p;
    this.position = p + 1;
    this.#state = ALMOST_DONE;
    return ch === LF;
  }

  #done(): number {
    if (this.versionMajor === 0 && !this.#isGet) return LINE_INVALID_09_METHOD;
    return LINE_DONE;
  }

  #refuse(p: number, result: number): number {
    this.position = p;
    return result;
  }
}

function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (bytes[start + i] !== word.charCodeAt(i)) return false;
  }
  return true;
}
