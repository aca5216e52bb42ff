/** Decoding and normalising of request paths, and nginx's ways of escaping. */

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;
const QUESTION = 0x3f;

/**
 * Decodes and normalises the path of a request target: percent-decoding, "." and ".." segments, runs of
 * slashes, and the cut at "#". The result is what locations are matched with.
 *
 * @param raw the path as sent, without "?" and arguments; starts with "/"
 * @returns null when nginx answers 400: a broken escape, an escaped NUL, or a way above the root
 */
export function normalizePath(raw: string, mergeSlashes: boolean): string | null {
  const out = new PathBuilder(mergeSlashes);
  for (let i = 0; i < raw.length; i++) {
    let code = raw.charCodeAt(i);
    if (code === 0x23 || code === QUESTION) break;
    if (code === PERCENT) {
      code = hexByte(raw, i + 1);
      // An escaped "#" or "?" is part of the path, so it is not looked at again.
      if (code <= 0) return null;
      i += 2;
    }
    if (!out.push(code)) return null;
  }
  return out.finish();
}

/** The path so far; a "." or ".." segment is dealt with when the slash after it, or the end, comes. */
class PathBuilder {
  readonly #mergeSlashes: boolean;
  #path = "";
  /** Where the segment that is being read starts in `#path`. */
  #segment = 0;

  constructor(mergeSlashes: boolean) {
    this.#mergeSlashes = mergeSlashes;
  }

  push(code: number): boolean {
    if (code !== SLASH) {
      this.#path += String.fromCharCode(code);
      return true;
    }
    return this.#endSegment();
  }

  finish(): string | null {
    // A last "." or ".." stands for a directory, so the slash before it stays.
    const last = this.#path.slice(this.#segment);
    if (last === "." || last === "..") return this.#endSegment() ? this.#path : null;
    return this.#path;
  }

  #endSegment(): boolean {
    const path = this.#path;
    const length = path.length - this.#segment;
    if (length === 0) {
      if (path === "" || !this.#mergeSlashes) this.#path += "/";
    } else if (length === 1 && path.charCodeAt(this.#segment) === DOT) {
      this.#path = path.slice(0, this.#segment);
    } else if (length === 2 && path.endsWith("..")) {
      // Up: from "/a/b/.." the path "/a/" is left.
      if (this.#segment < 2) return false;
      const slash = path.lastIndexOf("/", this.#segment - 2);
      this.#path = path.slice(0, slash + 1);
    } else {
      this.#path += "/";
    }
    this.#segment = this.#path.length;
    return true;
  }
}

/** What `escapeUri` leaves alone; names as in nginx (ngx_escape_uri). */
export type EscapeKind = "uri" | "args" | "uri-component" | "html";

/** Bytes below 0x7f that have to be escaped, beside control characters. */
const NOT_ALLOWED = ' "<>\\^`{|}';
const PATTERNS: Readonly<Record<EscapeKind, RegExp>> = {
  uri: escapePattern(NOT_ALLOWED + "#%?"),
  args: escapePattern(NOT_ALLOWED + "#%?&+;"),
  "uri-component": /[^A-Za-z0-9\-._~]/g,
  html: escapePattern(NOT_ALLOWED + "#%'"),
};

function escapePattern(chars: string): RegExp {
  const escaped = chars.replace(/[\\^]/g, "\\$&");
  return new RegExp(`[\\x00-\\x1f\\x7f-\\xff${escaped}]`, "g");
}

/** Escapes every byte that the kind of place does not take, as "%XX" with capital digits. */
export function escapeUri(text: string, kind: EscapeKind): string {
  return text.replace(PATTERNS[kind], percentEncoded);
}

function percentEncoded(char: string): string {
  const code = char.charCodeAt(0);
  return (code < 16 ? "%0" : "%") + code.toString(16).toUpperCase();
}

/** "all": every escape. "redirect": up to the first "?", and what a Location needs escaped keeps its escape. */
export type UnescapeKind = "all" | "redirect";

/**
 * Decodes percent-escapes as ngx_unescape_uri does: of a broken escape, the "%" is dropped, and so is a
 * first digit with the byte after it. What follows the end of decoding is appended as it stands.
 */
export function unescapeUri(text: string, kind: UnescapeKind): string {
  const forRedirect = kind === "redirect";
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (forRedirect && code === QUESTION) return out + text.slice(i);
    if (code !== PERCENT) {
      out += text[i];
      continue;
    }
    const byte = hexByte(text, i + 1);
    if (byte < 0) {
      const hasDigit = hexDigit(text.charCodeAt(i + 1)) >= 0;
      if (!hasDigit) out += text[i + 1] ?? "";
      i += hasDigit ? 2 : 1;
      continue;
    }
    i += 2;
    if (forRedirect && byte === QUESTION) return out + "?" + text.slice(i + 1);
    const kept = forRedirect && (byte <= PERCENT || byte >= 0x7f);
    out += kept ? text.slice(i - 2, i + 1) : String.fromCharCode(byte);
  }
  return out;
}

/** The value of the two hexadecimal digits at `at`, or -1. */
function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
