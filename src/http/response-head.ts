import { Fields } from "./fields.ts";
import { HEADERS_AGAIN, HEADERS_INVALID, HeaderLineScanner, SPAN } from "./header-lines.ts";
import { latin1 } from "./latin1.ts";
import { fieldName } from "./name-cache.ts";
import type { ReaderState } from "./request-head.ts";
import { isIgnoredDuplicate, ResponseFacts } from "./response-rules.ts";
import { STATUS_AGAIN, STATUS_INVALID, StatusLineScanner } from "./status-line.ts";

/** A response head that has been checked. Strings hold one character per byte. */
export interface ResponseHead {
  readonly status: number;
  /** The status and the reason phrase as sent, such as "200 OK": nginx passes it on unchanged. */
  readonly statusLine: string;
  /** 0 with minor 9: there was no status line, and what came is all body. */
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly fields: Fields;
  readonly contentLength: number | null;
  /** Transfer-Encoding: chunked. */
  readonly chunked: boolean;
  /** The connection cannot be used again: an old version, or "Connection: close". */
  readonly connectionClose: boolean;
  /** Bytes of the head on the wire. */
  readonly bytes: number;
  /** Things to be logged as warnings, in nginx's words. */
  readonly warnings: readonly string[];
}

const NO_BYTES = Buffer.alloc(0);

/**
 * How a head begins: "http", with a status line; "cgi", with fields, of which `Status` is one (RFC 3875, section 6);
 * "either", as what is there.
 */
export type HeadForm = "http" | "cgi" | "either";

/**
 * Reads one response head from bytes that come in any pieces. Interim responses (1xx) are heads like
 * others: the caller deals with them, calls `reset` and reads on.
 *
 * An answer that does not start with a status line is HTTP/0.9, as in nginx: a head with status 200 and
 * version 0.9, after which everything is body. Its first bytes may have come in earlier feeds: see `replay`.
 */
export class ResponseHeadReader {
  readonly #limitBytes: number;
  readonly #form: HeadForm;
  readonly #line = new StatusLineScanner();
  readonly #headers = new HeaderLineScanner(true, true);
  #kept: Buffer | null = null;
  #keptEnd = 0;
  /** Where the head starts in the bytes at hand. */
  #start = 0;
  #lineDone: boolean;
  /** There is no status line: the fields tell the status. */
  #isCgi: boolean;
  #statusLine = "";
  #fields = new Fields();
  #facts = new ResponseFacts();
  #warnings: string[] = [];
  #head: ResponseHead | null = null;
  #failure: string | null = null;
  state: ReaderState = "needMore";
  /** Body bytes of an HTTP/0.9 answer that were fed before it was known to be one. They come first. */
  replay: Buffer = NO_BYTES;

  /** @param limitBytes the whole head must fit into it (`proxy_buffer_size`) */
  constructor(limitBytes: number, form: HeadForm = "http") {
    this.#limitBytes = limitBytes;
    this.#form = form;
    this.#isCgi = form === "cgi";
    this.#lineDone = this.#isCgi;
  }

  /** The head, once `state` is "done". */
  get head(): ResponseHead {
    if (this.#head === null) throw new Error("the response head is not complete");
    return this.#head;
  }

  /** Why the head was refused, in nginx's words; null unless `state` is "failed". */
  get failure(): string | null {
    return this.#failure;
  }

  /** Makes ready for another head on the same connection. */
  reset(): void {
    this.#kept = null;
    this.#keptEnd = 0;
    this.#isCgi = this.#form === "cgi";
    this.#lineDone = this.#isCgi;
    this.#statusLine = "";
    this.#fields = new Fields();
    this.#facts = new ResponseFacts();
    this.#warnings = [];
    this.#head = null;
    this.#failure = null;
    this.state = "needMore";
    this.replay = NO_BYTES;
  }

  /**
   * Reads on in `bytes[offset, end)`.
   * @returns how many bytes belong to the head; those after them are the caller's
   */
  feed(bytes: Buffer, offset: number, end: number): number {
    if (this.state !== "needMore" || offset >= end) return 0;
    if (this.#kept === null) {
      this.#start = offset;
      this.#line.reset(offset);
      if (this.#isCgi) this.#headers.reset(offset);
      this.#scan(bytes, end);
      if (this.state !== "needMore") return this.#endOfHead() - offset;
      this.#keepFrom(bytes, end, end - offset);
      return end - offset;
    }
    // No head is longer, so a large body behind it need not be copied.
    const last = Math.min(end, offset + this.#limitBytes);
    const kept = this.#append(this.#kept, bytes, offset, last);
    const fedFrom = this.#keptEnd - (last - offset);
    this.#scan(kept, this.#keptEnd);
    if (this.state === "needMore") return last - offset;
    if (this.#head?.versionMajor === 0) this.replay = Buffer.from(kept.subarray(this.#start, fedFrom));
    return Math.max(0, this.#endOfHead() - fedFrom);
  }

  #endOfHead(): number {
    if (this.#head?.versionMajor === 0) return this.#start;
    return this.#lineDone ? this.#headers.position : this.#line.position;
  }

  /** Starts keeping: copies what is not yet made strings of. */
  #keepFrom(bytes: Buffer, end: number, fed: number): void {
    const from = this.#lineDone ? this.#headers.lineStart : this.#start;
    const kept = Buffer.allocUnsafe(Math.max(1024, 2 * fed));
    this.#keptEnd = bytes.copy(kept, 0, from, end);
    this.#kept = kept;
    this.#rebase(-from);
  }

  #append(kept: Buffer, bytes: Buffer, offset: number, end: number): Buffer {
    const needed = this.#keptEnd + end - offset;
    let target = kept;
    if (needed > kept.length) {
      const from = this.#lineDone ? this.#headers.lineStart : 0;
      target = Buffer.allocUnsafe(Math.max(1024, 2 * (needed - from)));
      this.#keptEnd = kept.copy(target, 0, from, this.#keptEnd);
      this.#kept = target;
      this.#rebase(-from);
    }
    bytes.copy(target, this.#keptEnd, offset, end);
    this.#keptEnd += end - offset;
    return target;
  }

  #rebase(delta: number): void {
    this.#line.rebase(delta);
    this.#headers.rebase(delta);
    this.#start += delta;
  }

  #scan(bytes: Buffer, end: number): void {
    const limit = Math.min(end, this.#start + this.#limitBytes);
    if (!this.#lineDone && !this.#scanStatusLine(bytes, limit)) return;
    const result = this.#headers.scan(bytes, limit);
    this.#takeLines(bytes);
    if (this.state !== "needMore") return;
    if (result === HEADERS_INVALID) this.#failInvalid(bytes);
    else if (result !== HEADERS_AGAIN) this.#finish();
    else if (this.#headers.position >= this.#start + this.#limitBytes)
      this.#fail("upstream sent too big header");
  }

  /** True when the line is complete. */
  #scanStatusLine(bytes: Buffer, limit: number): boolean {
    const line = this.#line;
    const result = line.scan(bytes, limit);
    if (result === STATUS_AGAIN) {
      if (line.position >= this.#start + this.#limitBytes) this.#fail("upstream sent too big header");
      return false;
    }
    if (result === STATUS_INVALID && this.#form === "either") {
      this.#isCgi = true;
      this.#lineDone = true;
      this.#headers.reset(this.#start);
      return true;
    }
    if (result === STATUS_INVALID) {
      this.#finishWithoutHead();
      return false;
    }
    this.#lineDone = true;
    this.#statusLine = latin1(bytes, line.statusStart, line.lineEnd);
    this.#facts.connectionClose = line.versionMajor < 1 || (line.versionMajor === 1 && line.versionMinor < 1);
    this.#headers.reset(line.position);
    return true;
  }

  #takeLines(bytes: Buffer): void {
    const spans = this.#headers.spans;
    if (spans.length === 0) return;
    const base = spans[0]!;
    const text = latin1(bytes, base, this.#headers.lineStart);
    const fields = this.#fields;
    for (let i = 0; i < spans.length; i += SPAN) {
      const { text: name, lower } = fieldName(bytes, spans[i]!, spans[i + 1]!);
      const value = text.slice(spans[i + 2]! - base, spans[i + 3]! - base);
      if (isIgnoredDuplicate(fields, lower)) {
        const before = `${name}: ${fields.get(lower)}`;
        this.#warnings.push(
          `upstream sent duplicate header line: "${name}: ${value}", previous value: "${before}", ignored`,
        );
        continue;
      }
      fields.addLowered(name, lower, value);
      const failure = this.#facts.checkField(fields);
      if (failure !== null) {
        this.#fail(failure);
        this.#headers.endAt(spans[i + SPAN]);
        return;
      }
    }
    spans.length = 0;
  }

  #failInvalid(bytes: Buffer): void {
    const { lineStart, invalidAt } = this.#headers;
    const byte = (bytes[invalidAt] ?? 0).toString(16).padStart(2, "0");
    this.#fail(`upstream sent invalid header: "${latin1(bytes, lineStart, invalidAt)}\\x${byte}..."`);
  }

  #finish(): void {
    const { contentLength, chunked, connectionClose } = this.#facts;
    const line = this.#line;
    let { versionMajor, versionMinor, status } = line;
    if (this.#isCgi) {
      status = this.#takeCgiStatus();
      if (status === 0) return;
      versionMajor = 1;
      versionMinor = 1;
    }
    this.#head = {
      status,
      statusLine: this.#statusLine,
      versionMajor,
      versionMinor,
      fields: this.#fields,
      contentLength,
      chunked,
      connectionClose,
      bytes: this.#headers.position - this.#start,
      warnings: this.#warnings,
    };
    this.state = "done";
  }

  /**
   * RFC 3875, section 6.3.3: without a status it is a redirect where there is a Location, and else 200.
   * @returns 0 for a status that is none
   */
  #takeCgiStatus(): number {
    const told =
      this.#fields.get("status") ?? (this.#fields.has("location") ? "302 Moved Temporarily" : "200 OK");
    if (/^(?:101|[2-9]\d\d)/.test(told)) {
      // What has no reason gets the usual one.
      this.#statusLine = told[3] === " " ? told : "";
      return Number(told.slice(0, 3));
    }
    this.#fail(`upstream sent invalid status "${told}"`);
    return 0;
  }

  #finishWithoutHead(): void {
    this.#head = {
      status: 200,
      statusLine: "",
      versionMajor: 0,
      versionMinor: 9,
      fields: this.#fields,
      contentLength: null,
      chunked: false,
      connectionClose: true,
      bytes: 0,
      warnings: ["upstream sent no valid HTTP/1.0 header"],
    };
    this.state = "done";
  }

  #fail(reason: string): void {
    this.#failure = reason;
    this.state = "failed";
  }
}
