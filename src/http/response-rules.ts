import type { Fields } from "./fields.ts";
import { parseContentLength } from "./request-rules.ts";

/** What the fields of a response say about its framing and its connection. */
export class ResponseFacts {
  /** Bytes of the body as told, or null without Content-Length. */
  contentLength: number | null = null;
  chunked = false;
  /** The connection cannot be used again: an old version, or "Connection: close". */
  connectionClose = false;
  #framedBy = "";

  /**
   * Judges the field that was added last.
   * @returns nginx's words for what makes the response unusable, or null
   */
  checkField(fields: Fields): string | null {
    const index = fields.size - 1;
    const lower = fields.lowerNameAt(index);
    if (lower === "connection") {
      if (/close/i.test(fields.valueAt(index))) this.connectionClose = true;
      return null;
    }
    if (lower !== "content-length" && lower !== "transfer-encoding") return null;
    return this.#checkFraming(fields, index, lower);
  }

  #checkFraming(fields: Fields, index: number, lower: string): string | null {
    const name = fields.nameAt(index);
    const value = fields.valueAt(index);
    const first = fields.indexOf(lower);
    if (first !== index) {
      const before = `${fields.nameAt(first)}: ${fields.valueAt(first)}`;
      return `upstream sent duplicate header line: "${name}: ${value}", previous value: "${before}"`;
    }
    if (this.#framedBy !== "") {
      return 'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time';
    }
    this.#framedBy = lower;
    if (lower === "content-length") {
      this.contentLength = parseContentLength(value);
      return this.contentLength === null
        ? `upstream sent invalid "Content-Length" header: "${name}: ${value}"`
        : null;
    }
    this.chunked = value.toLowerCase() === "chunked";
    return this.chunked ? null : `upstream sent unknown "Transfer-Encoding": "${value}"`;
  }
}

/** Fields of which nginx passes on only the first and drops the others with a warning. */
const SINGLE = new Set([
  "status",
  "content-type",
  "date",
  "last-modified",
  "etag",
  "server",
  "location",
  "refresh",
  "expires",
  "accept-ranges",
  "content-range",
  "content-encoding",
  "x-accel-expires",
  "x-accel-redirect",
  "x-accel-limit-rate",
  "x-accel-buffering",
  "x-accel-charset",
]);

/** True when the field is a repetition that nginx ignores ("upstream sent duplicate header line: …, ignored"). */
export function isIgnoredDuplicate(fields: Fields, lower: string): boolean {
  return SINGLE.has(lower) && fields.has(lower);
}
