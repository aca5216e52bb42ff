import { validateHost } from "./host.ts";
import type { RequestLineScanner } from "./request-line.ts";
import { normalizePath } from "./uri.ts";

/** A request line taken apart. Strings hold one character per byte. */
export interface RequestLine {
  readonly method: string;
  /** The line as sent, without its end ($request). */
  readonly requestLine: string;
  /** The request target as sent; "http://host/path" in absolute form. */
  readonly target: string;
  /** The target without scheme and authority, as sent ($request_uri). */
  readonly requestUri: string;
  /** The path as sent, without arguments; "/" when the target has none. */
  readonly path: string;
  /** What follows "?", up to "#"; null without "?". */
  readonly args: string | null;
  /** The path decoded and normalised ($uri at first). */
  readonly uri: string;
  /** False when the target had an empty path, so that `requestUri` cannot be passed on as it is. */
  readonly requestUriValid: boolean;
  /** True when `uri` had to be decoded or normalised. */
  readonly uriChanged: boolean;
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** "HTTP/1.1" as sent; "" for HTTP/0.9. */
  readonly protocol: string;
  readonly schemeFromAbsoluteForm: string | null;
  /** Lower case, without port. */
  readonly hostFromAbsoluteForm: string | null;
}

/** A request line, the port of its absolute form, and what is wrong with it in nginx's words, if anything. */
export interface RequestLineReading {
  readonly parts: RequestLine;
  readonly port: number | null;
  readonly failure: string | null;
}

/** Makes strings of a line that was scanned. `text` is that line: it begins at `line.start`. */
export function readRequestLine(
  line: RequestLineScanner,
  text: string,
  mergeSlashes: boolean,
): RequestLineReading {
  const base = line.start;
  const uriStart = line.uriStart - base;
  const uriEnd = line.uriEnd - base;
  const isAbsolute = line.schemeEnd >= 0;
  const authorityEnd = (line.portEnd >= 0 ? line.portEnd : line.hostEnd) - base;
  const requestUri = text.slice(uriStart, uriEnd);
  const question = questionMark(line, requestUri);
  const path = line.emptyPathInUri ? "/" : question < 0 ? requestUri : requestUri.slice(0, question);
  const uriChanged = line.complexUri || line.quotedUri || line.emptyPathInUri;
  const uri = uriChanged ? normalizePath(path, mergeSlashes) : path;
  const host = line.hostEnd < 0 ? null : validateHost(text.slice(line.hostStart - base, authorityEnd));
  const parts: RequestLine = {
    method: text.slice(0, line.methodEnd - base),
    requestLine: text,
    target: isAbsolute ? text.slice(line.schemeStart - base, Math.max(authorityEnd, uriEnd)) : requestUri,
    requestUri,
    path,
    args: argsOf(requestUri, question, line.complexUri),
    uri: uri ?? "",
    requestUriValid: !line.emptyPathInUri,
    uriChanged,
    versionMajor: line.versionMajor,
    versionMinor: line.versionMinor,
    protocol: line.protocolStart < 0 ? "" : text.slice(line.protocolStart - base),
    schemeFromAbsoluteForm: isAbsolute ? text.slice(line.schemeStart - base, line.schemeEnd - base) : null,
    hostFromAbsoluteForm: host?.host ?? null,
  };
  return { parts, port: host?.port ?? null, failure: failureOf(line, uri === null, host === null) };
}

function failureOf(line: RequestLineScanner, badUri: boolean, noHost: boolean): string | null {
  if (badUri) return "client sent invalid request";
  return line.hostEnd >= 0 && noHost ? "client sent invalid host in request line" : null;
}

/** Index of the "?", or -1. The scanner does not look for it once the path needs decoding. */
function questionMark(line: RequestLineScanner, requestUri: string): number {
  if (line.complexUri || line.quotedUri) return requestUri.indexOf("?");
  return line.argsStart < 0 ? -1 : line.argsStart - 1 - line.uriStart;
}

/** A "#" ends the arguments, and a "#" before the "?" leaves none. */
function argsOf(requestUri: string, question: number, mayHaveFragment: boolean): string | null {
  if (question < 0) return null;
  if (!mayHaveFragment) return requestUri.slice(question + 1);
  const hash = requestUri.indexOf("#");
  if (hash < 0) return requestUri.slice(question + 1);
  return hash < question ? null : requestUri.slice(question + 1, hash);
}
