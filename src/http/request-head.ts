import { Fields } from "./fields.ts";
import type { HeadFailure } from "./head-failure.ts";
import { HEADERS_AGAIN, HEADERS_INVALID, HeaderLineScanner, SPAN } from "./header-lines.ts";
import { latin1 } from "./latin1.ts";
import { fieldName } from "./name-cache.ts";
import { LINE_AGAIN, LINE_DONE, LINE_INVALID_VERSION, RequestLineScanner } from "./request-line.ts";
import { checkField, checkHead, RequestFacts } from "./request-rules.ts";
import { readRequestLine } from "./request-target.ts";
import type { RequestLine } from "./request-target.ts";

/** Rules and limits for request heads; the directive that sets each is named. */
export interface RequestHeadLimits {
  /** client_header_buffer_size, bytes. */
  readonly headerBufferSize: number;
  /** large_client_header_buffers, number. */
  readonly largeBufferCount: number;
  /** large_client_header_buffers, size in bytes. */
  readonly largeBufferSize: number;
  /** max_headers. */
  readonly fieldsMax: number;
  /** ignore_invalid_headers. */
  readonly ignoreInvalidHeaders: boolean;
  /** underscores_in_headers. */
  readonly underscoresInHeaders: boolean;
  /** merge_slashes. */
  readonly mergeSlashes: boolean;
}

/** nginx's defaults: client_header_buffer_size, large_client_header_buffers, max_headers and their like. */
export const REQUEST_HEAD_LIMITS: RequestHeadLimits = {
  headerBufferSize: 1024,
  largeBufferCount: 4,
  largeBufferSize: 8192,
  fieldsMax: 1000,
  ignoreInvalidHeaders: true,
  underscoresInHeaders: false,
  mergeSlashes: true,
};

/** A request head that has been checked. Strings hold one character per byte. */
export interface RequestHead extends RequestLine {
  /** The host that counts: of the absolute form, else of Host. Lower case, no port; null when there is none. */
  readonly host: string | null;
  /** The port that was written beside `host`, or null. */
  readonly port: number | null;
  readonly fields: Fields;
  /** Bytes of the body, or null without Content-Length. */
  readonly contentLength: number | null;
  /** Transfer-Encoding: chunked. */
  readonly chunked: boolean;
  /** What the Connection field asks for. */
  readonly connection: "close" | "keep-alive" | null;
  /** Bytes from the first of the request line to the end of the empty line. */
  readonly bytes: number;
}

/** How far a reader of heads is; "done" and "failed" are final until it is reset. */
export type ReaderState = "needMore" | "done" | "failed";

const LINE_MESSAGES = [
  "",
  "",
  "client sent invalid method",
  "client sent invalid request",
  "client sent invalid version",
  "client sent invalid method in HTTP/0.9 request",
];
const WHILE_READING_LINE = " while reading client request line";
const WHILE_READING_HEADERS = " while reading client request headers";

/** The bytes of the longest message that nginx's log takes, less room for its surroundings. */
const LOGGED_LINE_MAX = 2048 - 300;

/**
 * Reads one request head from bytes that come in any pieces, and refuses it where nginx does, at the
 * first byte that makes it wrong, with nginx's buffer limits: the request line and each header line must fit
 * into one buffer, all lines into the first buffer and `largeBufferCount` large ones.
 *
 * A head that comes whole is read where it lies; otherwise its bytes are gathered here.
 */
export class RequestHeadReader {
  readonly #limits: RequestHeadLimits;
  readonly #line = new RequestLineScanner();
  readonly #headers: HeaderLineScanner;
  /** Bytes kept from earlier feeds, or null while there are none. */
  #kept: Buffer | null = null;
  #keptEnd = 0;
  /** End of the buffer that nginx would be reading into, as an index into the bytes at hand. */
  #bufferEnd = 0;
  #largeBuffers = 0;
  /** Where the request line started; before the bytes at hand when those were dropped. */
  #headStart = 0;
  #lineDone = false;
  #parts: RequestLine | null = null;
  /** A request line that was refused, as far as it came. */
  #partialLine = "";
  #arrivedLine: string | null = null;

  /** The same for the log, which shows all that had arrived of a line; that depends on the pieces. */
  get arrivedLine(): string {
    if (this.#arrivedLine !== null) return this.#arrivedLine;
    const unfinished = this.#lineDone || this.#failure !== null ? null : this.#kept;
    return unfinished === null ? this.requestLine : latin1(unfinished, this.#line.start, this.#keptEnd);
  }
  #fields = new Fields();
  #facts = new RequestFacts();
  #head: RequestHead | null = null;
  #failure: HeadFailure | null = null;
  /** Bytes of the lines that were in order when the head was refused. */
  #bytesBefore = 0;
  #fed = false;
  state: ReaderState = "needMore";
  /** Header lines left out for their names, for the log; null when there are none. */
  ignoredLines: string[] | null = null;

  constructor(limits: RequestHeadLimits = REQUEST_HEAD_LIMITS) {
    this.#limits = limits;
    this.#headers = new HeaderLineScanner(limits.underscoresInHeaders, false);
  }

  /** The head, once `state` is "done". */
  get head(): RequestHead {
    if (this.#head === null) throw new Error("the request head is not complete");
    return this.#head;
  }

  /** Why the head was refused; null unless `state` is "failed". */
  get failure(): HeadFailure | null {
    return this.#failure;
  }

  /** True when a byte other than leading line ends has been fed: a client that stops now breaks a request off. */
  get started(): boolean {
    return this.#fed && !(this.#line.atStart && this.state === "needMore");
  }

  /** True while the request line is incomplete; nginx words timeouts and closes by that. */
  get inRequestLine(): boolean {
    return !this.#lineDone;
  }

  /** The request line (as far as it came): for the log when a head is refused. */
  get requestLine(): string {
    return this.#parts === null ? this.#partialLine : this.#parts.requestLine;
  }

  /** What came of the request line, if it was complete, and of the fields, for error pages and the log of a failed head. */
  get partial(): {
    readonly line: RequestLine | null;
    readonly fields: Fields;
    readonly facts: RequestFacts;
    /** Bytes of the lines that were complete and in order. */
    readonly bytes: number;
  } {
    return { line: this.#parts, fields: this.#fields, facts: this.#facts, bytes: this.#bytesInOrder() };
  }

  #bytesInOrder(): number {
    if (this.#failure !== null) return this.#bytesBefore;
    return this.#lineDone ? this.#headers.lineStart - this.#headStart : 0;
  }

  /** Makes ready for the next request of the connection. */
  reset(): void {
    this.#line.reset();
    this.#kept = null;
    this.#keptEnd = 0;
    this.#largeBuffers = 0;
    this.#lineDone = false;
    this.#parts = null;
    this.#fields = new Fields();
    this.#facts = new RequestFacts();
    this.#head = null;
    this.#failure = null;
    this.#fed = false;
    this.#partialLine = "";
    this.#arrivedLine = null;
    this.ignoredLines = null;
    this.state = "needMore";
  }

  /**
   * Reads on in `bytes[offset, end)`.
   * @returns how many bytes belong to the head; those after them are the caller's (all, unless `state` changed)
   */
  feed(bytes: Buffer, offset: number, end: number): number {
    if (this.state !== "needMore" || offset >= end) return 0;
    if (this.#kept === null) return this.#feedInPlace(bytes, offset, end);
    const { headerBufferSize, largeBufferCount, largeBufferSize } = this.#limits;
    // No head is longer, so a large body behind it need not be copied.
    const last = Math.min(end, offset + headerBufferSize + largeBufferCount * largeBufferSize);
    const kept = this.#keep(bytes, offset, last);
    const before = this.#keptEnd;
    this.#keptEnd = before + (last - offset);
    this.#scan(kept, this.#keptEnd);
    return this.state === "needMore" ? last - offset : this.#position() - before;
  }

  #feedInPlace(bytes: Buffer, offset: number, end: number): number {
    if (!this.#fed) {
      this.#fed = true;
      this.#line.position = offset;
      this.#line.start = offset;
      this.#bufferEnd = offset + this.#limits.headerBufferSize;
    } else {
      // Only line ends came so far, and none was kept.
      const left = this.#bufferEnd - this.#line.position;
      this.#line.position = offset;
      this.#line.start = offset;
      this.#bufferEnd = offset + left;
    }
    this.#scan(bytes, end);
    if (this.state !== "needMore") return this.#position() - offset;
    if (this.#line.atStart) return end - offset;
    const from = this.#lineDone ? this.#headers.lineStart : this.#line.start;
    const size = Math.max(this.#limits.headerBufferSize, 2 * (end - from));
    const kept = Buffer.allocUnsafe(size);
    this.#keptEnd = bytes.copy(kept, 0, from, end);
    this.#kept = kept;
    this.#rebase(-from);
    return end - offset;
  }

  /** Room for the new bytes behind those that were kept. */
  #keep(bytes: Buffer, offset: number, end: number): Buffer {
    let kept = this.#kept ?? bytes;
    const needed = this.#keptEnd + end - offset;
    if (needed > kept.length) {
      // Finished lines are strings by now: only the line that is being read has to move.
      const from = this.#lineDone ? this.#headers.lineStart : this.#line.start;
      const larger = Buffer.allocUnsafe(Math.max(2 * (needed - from), this.#limits.headerBufferSize));
      this.#keptEnd = kept.copy(larger, 0, from, this.#keptEnd);
      this.#rebase(-from);
      this.#kept = larger;
      kept = larger;
    }
    bytes.copy(kept, this.#keptEnd, offset, end);
    return kept;
  }

  #rebase(delta: number): void {
    this.#line.rebase(delta);
    this.#headers.rebase(delta);
    this.#bufferEnd += delta;
    this.#headStart += delta;
  }

  #position(): number {
    return this.#lineDone ? this.#headers.position : this.#line.position;
  }

  #scan(bytes: Buffer, end: number): void {
    if (!this.#lineDone && !this.#scanLine(bytes, end)) return;
    while (this.state === "needMore") {
      const limit = Math.min(end, this.#bufferEnd);
      const result = this.#headers.scan(bytes, limit);
      if (result !== HEADERS_AGAIN) {
        this.#endHeaders(bytes, result);
        return;
      }
      if (this.#headers.position < this.#bufferEnd) break;
      this.#takeLines(bytes);
      if (this.state !== "needMore") return;
      if (!this.#nextBuffer(this.#headers.atLineStart, this.#headers.lineStart)) {
        this.#failTooLong(bytes);
        return;
      }
    }
    this.#takeLines(bytes);
  }

  /** True when the line is complete and in order. */
  #scanLine(bytes: Buffer, end: number): boolean {
    const line = this.#line;
    let result = LINE_AGAIN;
    while (result === LINE_AGAIN) {
      result = line.scan(bytes, Math.min(end, this.#bufferEnd));
      if (result !== LINE_AGAIN) break;
      if (line.position < this.#bufferEnd) return false;
      if (line.atStart) {
        this.#bufferEnd = line.position + this.#limits.headerBufferSize;
        if (line.position === end) return false;
      } else if (!this.#nextBuffer(false, line.start)) {
        this.#partialLine = latin1(bytes, line.start, line.position);
        this.#fail(414, "client sent too long URI" + WHILE_READING_LINE);
        return false;
      }
    }
    if (result !== LINE_DONE) {
      this.#partialLine = latin1(bytes, line.start, Math.min(line.position + 1, end));
      this.#arrivedLine = untilLineEnd(latin1(bytes, line.start, end));
      const status = result === LINE_INVALID_VERSION ? 505 : 400;
      this.#fail(status, LINE_MESSAGES[result] + WHILE_READING_LINE);
      return false;
    }
    return this.#endLine(bytes);
  }

  /** Takes the parts of a complete request line; true when header lines are to follow. */
  #endLine(bytes: Buffer): boolean {
    const line = this.#line;
    this.#lineDone = true;
    this.#headers.reset(line.position);
    this.#headStart = line.start;
    const text = latin1(bytes, line.start, line.lineEnd);
    const { parts, port, failure } = readRequestLine(line, text, this.#limits.mergeSlashes);
    this.#parts = parts;
    if (failure !== null) {
      this.#fail(400, failure + WHILE_READING_LINE, line.position);
      return false;
    }
    this.#facts.host = parts.hostFromAbsoluteForm;
    this.#facts.port = port;
    if (line.versionMajor > 0) return true;
    this.#finish();
    return false;
  }

  #endHeaders(bytes: Buffer, result: number): void {
    this.#takeLines(bytes);
    if (this.state !== "needMore") return;
    if (result === HEADERS_INVALID) {
      const { lineStart, invalidAt } = this.#headers;
      const start = latin1(bytes, lineStart, invalidAt);
      const byte = hexByte(bytes[invalidAt] ?? 0);
      this.#fail(
        400,
        `client sent invalid header line: "${start}\\x${byte}..."` + WHILE_READING_HEADERS,
        lineStart,
      );
      return;
    }
    const line = this.#parts;
    if (line === null) return;
    const failure = checkHead(line.method, line.versionMinor > 0, this.#fields, this.#facts);
    if (failure === null) return this.#finish();
    // The head is complete, and has named nobody.
    this.#facts.host ??= "";
    this.#fail(failure.status, failure.reason, this.#headers.position);
  }

  /** Makes fields of the lines that are complete, and judges them in order. */
  #takeLines(bytes: Buffer): void {
    const spans = this.#headers.spans;
    if (spans.length === 0) return;
    const base = spans[0]!;
    const text = latin1(bytes, base, this.#headers.lineStart);
    const fields = this.#fields;
    for (let i = 0; i < spans.length; i += SPAN) {
      if (spans[i + 4] === 1 && this.#limits.ignoreInvalidHeaders) {
        this.ignoredLines ??= [];
        this.ignoredLines.push(text.slice(spans[i]! - base, spans[i + 3]! - base));
        continue;
      }
      const following = spans[i + SPAN] ?? this.#headers.lineStart;
      if (fields.size >= this.#limits.fieldsMax) {
        this.#fail(494, "client sent too many header lines" + WHILE_READING_HEADERS, following);
        this.#headers.endAt(spans[i + SPAN]);
        return;
      }
      const name = fieldName(bytes, spans[i]!, spans[i + 1]!);
      fields.addLowered(name.text, name.lower, text.slice(spans[i + 2]! - base, spans[i + 3]! - base));
      const failure = checkField(fields, fields.size - 1, this.#facts);
      if (failure !== null) {
        this.#fail(failure.status, failure.reason, following);
        this.#headers.endAt(spans[i + SPAN]);
        return;
      }
    }
    spans.length = 0;
  }

  /**
   * Moves on to a large buffer, as nginx does when one is full: an unfinished line goes along.
   * False when nginx refuses.
   */
  #nextBuffer(betweenLines: boolean, lineStart: number): boolean {
    const size = this.#limits.largeBufferSize;
    const position = this.#bufferEnd;
    const carried = betweenLines ? 0 : position - lineStart;
    if (carried >= size && !betweenLines) return false;
    if (this.#largeBuffers >= this.#limits.largeBufferCount) return false;
    this.#largeBuffers++;
    this.#bufferEnd = position + size - carried;
    return true;
  }

  #failTooLong(bytes: Buffer): void {
    const { lineStart, position } = this.#headers;
    if (this.#fields.size === 0 && lineStart === position) {
      this.#fail(494, "client sent too large request" + WHILE_READING_HEADERS, lineStart);
      return;
    }
    const start = latin1(bytes, lineStart, Math.min(position, lineStart + LOGGED_LINE_MAX));
    const reason = `client sent too long header line: "${start}..."`;
    this.#fail(494, reason + WHILE_READING_HEADERS, lineStart);
  }

  #finish(): void {
    const line = this.#parts;
    if (line === null) return;
    const { host, port, contentLength, chunked, connection } = this.#facts;
    const bytes = this.#headers.position - this.#headStart;
    this.#head = { ...line, host, port, fields: this.#fields, contentLength, chunked, connection, bytes };
    this.state = "done";
  }

  /** `inOrderUntil`: where the first byte lies that is not in order. */
  #fail(status: HeadFailure["status"], reason: string, inOrderUntil = this.#headStart): void {
    this.#bytesBefore = inOrderUntil - this.#headStart;
    this.#failure = { status, reason };
    this.state = "failed";
  }
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** What a log shows of a request line that is wrong: all that came of it. */
function untilLineEnd(text: string): string {
  const end = text.search(/[\r\n]/);
  return end < 0 ? text : text.slice(0, end);
}
