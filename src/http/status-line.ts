/** The status line of a response, scanned as nginx's ngx_http_parse_status_line does. */

/** All bytes were read, and the line goes on. */
export const STATUS_AGAIN = 0;
/** The line was read; `position` is behind its line end. */
export const STATUS_DONE = 1;
/** This is no status line: nginx then takes what came for the body of an HTTP/0.9 response. */
export const STATUS_INVALID = 2;

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;

/** Before each byte of "HTTP/": its index. */
const PROTOCOL = "HTTP/";
const FIRST_MAJOR_DIGIT = 5;
const MAJOR_DIGIT = 6;
const FIRST_MINOR_DIGIT = 7;
const MINOR_DIGIT = 8;
const STATUS = 9;
const SPACE_AFTER_STATUS = 10;
const STATUS_TEXT = 11;
const ALMOST_DONE = 12;

const VERSION_MAX = 99;

/**
 * Reads one status line, resumable at every byte. Positions are indexes into the array that `scan` was last
 * called with.
 */
export class StatusLineScanner {
  #state = 0;
  #digits = 0;
  /** Where the next byte is to be read. */
  position = 0;
  /** Where the three digits of the status begin. */
  statusStart = 0;
  /** First byte of the line's end. */
  lineEnd = 0;
  status = 0;
  versionMajor = 0;
  versionMinor = 0;

  /** Begins with another status line at `position`. */
  reset(position: number): void {
    this.#state = 0;
    this.#digits = 0;
    this.position = position;
    this.status = 0;
  }

  /** Tells that the bytes were copied to a place `delta` further on. */
  rebase(delta: number): void {
    this.position += delta;
    this.statusStart += delta;
    this.lineEnd += delta;
  }

  /** Reads on from `position` up to `end`. @returns STATUS_AGAIN, STATUS_DONE or STATUS_INVALID */
  scan(bytes: Uint8Array, end: number): number {
    for (let p = this.position; p < end; p++) {
      const ch = bytes[p]!;
      const ok = this.#state < STATUS ? this.#protocolByte(ch) : this.#statusByte(ch, p);
      if (!ok) return STATUS_INVALID;
      if (ch === LF) {
        this.position = p + 1;
        return STATUS_DONE;
      }
    }
    this.position = end;
    return STATUS_AGAIN;
  }

  #protocolByte(ch: number): boolean {
    const digit = ch - 0x30;
    const isDigit = digit >= 0 && digit <= 9;
    switch (this.#state) {
      case FIRST_MAJOR_DIGIT:
        this.versionMajor = digit;
        this.#state = MAJOR_DIGIT;
        return isDigit && digit > 0;
      case MAJOR_DIGIT:
        if (ch === 0x2e) this.#state = FIRST_MINOR_DIGIT;
        else if (!isDigit || this.versionMajor > VERSION_MAX) return false;
        else this.versionMajor = this.versionMajor * 10 + digit;
        return true;
      case FIRST_MINOR_DIGIT:
        this.versionMinor = digit;
        this.#state = MINOR_DIGIT;
        return isDigit;
      case MINOR_DIGIT:
        if (ch === SP) this.#state = STATUS;
        else if (!isDigit || this.versionMinor > VERSION_MAX) return false;
        else this.versionMinor = this.versionMinor * 10 + digit;
        return true;
      default:
        return ch === PROTOCOL.charCodeAt(this.#state++);
    }
  }

  #statusByte(ch: number, p: number): boolean {
    switch (this.#state) {
      case STATUS:
        if (ch === SP) return true;
        if (ch < 0x30 || ch > 0x39) return false;
        if (this.#digits === 0) this.statusStart = p;
        this.status = this.status * 10 + ch - 0x30;
        if (++this.#digits === 3) this.#state = SPACE_AFTER_STATUS;
        return true;
      case SPACE_AFTER_STATUS:
        // IIS is known to send statuses such as "403.1".
        if (ch === SP || ch === 0x2e) this.#state = STATUS_TEXT;
        else return this.#endByte(ch, p);
        return true;
      case STATUS_TEXT:
        // nginx takes it, and passes it on.
        if (ch === 0) return false;
        this.#endByte(ch, p);
        return true;
      default:
        return ch === LF;
    }
  }

  #endByte(ch: number, p: number): boolean {
    if (ch !== CR && ch !== LF) return false;
    this.lineEnd = p;
    this.#state = ALMOST_DONE;
    return true;
  }
}
