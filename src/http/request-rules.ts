import type { Fields } from "./fields.ts";
import type { HeadFailure } from "./head-failure.ts";
import { validateHost } from "./host.ts";

const WHILE_READING_HEADERS = " while reading client request headers";

/** Fields that may stand in a request only once; nginx refuses a second one, equal or not. */
const UNIQUE = new Set([
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "if-match",
  "if-none-match",
  "content-length",
  "content-range",
  "if-range",
  "transfer-encoding",
  "expect",
  "authorization",
]);

/** What nginx gathers from a request's fields while they come in. */
export class RequestFacts {
  /** The Host that counts: of an absolute target, else of the field. Lower case, no port. Null: none. */
  host: string | null = null;
  /** The port beside `host`, or null. */
  port: number | null = null;
  /** Bytes of the body, or null without Content-Length. Beyond 2^53 only approximately. */
  contentLength: number | null = null;
  chunked = false;
  connection: "close" | "keep-alive" | null = null;
}

/**
 * Judges field number `index`, the last one so far.
 * @returns null when it is in order
 */
export function checkField(fields: Fields, index: number, facts: RequestFacts): HeadFailure | null {
  const lower = fields.lowerNameAt(index);
  const value = fields.valueAt(index);
  if (UNIQUE.has(lower)) {
    const first = fields.indexOf(lower);
    if (first !== index) return duplicate(fields, index, first);
  }
  if (lower === "host") {
    const valid = validateHost(value);
    if (valid === null) return refuse(400, "client sent invalid host header");
    if (facts.host === null) {
      facts.host = valid.host;
      facts.port = valid.port;
    }
  } else if (lower === "connection") {
    facts.connection = connectionType(value) ?? facts.connection;
  }
  return null;
}

function duplicate(fields: Fields, index: number, first: number): HeadFailure {
  const now = `${fields.nameAt(index)}: ${fields.valueAt(index)}`;
  const before = `${fields.nameAt(first)}: ${fields.valueAt(first)}`;
  const what = fields.lowerNameAt(index) === "host" ? "host header" : "header line";
  return refuse(400, `client sent duplicate ${what}: "${now}", previous value: "${before}"`);
}

/** nginx looks for the words anywhere in the value. */
function connectionType(value: string): "close" | "keep-alive" | null {
  if (/close/i.test(value)) return "close";
  return /keep-alive/i.test(value) ? "keep-alive" : null;
}

/**
 * Judges a head whose fields are complete, and puts what they say into `facts`. Null when all is well. (RFC
 * 9112 sections 3.2 and 6.3, as far as nginx follows them)
 */
export function checkHead(
  method: string,
  isHttp11: boolean,
  fields: Fields,
  facts: RequestFacts,
): HeadFailure | null {
  if (isHttp11 && !fields.has("host")) {
    return refuse(400, 'client sent HTTP/1.1 request without "Host" header');
  }
  const length = fields.get("content-length");
  if (length !== null) {
    facts.contentLength = parseContentLength(length);
    if (facts.contentLength === null) return refuse(400, 'client sent invalid "Content-Length" header');
  }
  const coding = fields.get("transfer-encoding");
  if (coding !== null) {
    if (!isHttp11) return refuse(400, 'client sent HTTP/1.0 request with "Transfer-Encoding" header');
    if (coding.toLowerCase() !== "chunked")
      return refuse(501, `client sent unknown "Transfer-Encoding": "${coding}"`);
    if (length !== null) {
      return refuse(400, 'client sent "Content-Length" and "Transfer-Encoding" headers at the same time');
    }
    facts.chunked = true;
  }
  if (method === "CONNECT" || method === "TRACE") return refuse(405, `client sent ${method} method`);
  return null;
}

const CONTENT_LENGTH_MAX = 9223372036854775807n;

/** Digits only, at most 2^63 - 1; anything else is null. */
export function parseContentLength(value: string): number | null {
  if (!/^[0-9]+$/.test(value)) return null;
  if (value.length > 15 && BigInt(value) > CONTENT_LENGTH_MAX) return null;
  return Number(value);
}

function refuse(status: HeadFailure["status"], message: string): HeadFailure {
  return { status, reason: message + WHILE_READING_HEADERS };
}
