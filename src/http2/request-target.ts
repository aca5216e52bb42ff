import { writeLatin1 } from "../http/latin1.ts";
import { LINE_DONE, RequestLineScanner } from "../http/request-line.ts";
import { readRequestLine } from "../http/request-target.ts";
import type { RequestLine } from "../http/request-target.ts";

const scanner = new RequestLineScanner();
const methodForTarget = "GET ";
/** As the scanner wants to see it: it knows no other version. */
const scannedVersion = " HTTP/1.1\r\n";
const protocol = "HTTP/2.0";

/** A space would end the target on a request line. */
const forbidden = /[\0-\x20\x7f]/;

let scratch = Buffer.allocUnsafeSlow(1024);
const scratchKeptBytes = 16_384;

/**
 * Takes `:path` apart as HTTP/1 does with a request line's target, by the same scanner: what is refused there is
 * refused here. The line that nginx makes of an HTTP/2 request ("GET / HTTP/2.0") is in the result.
 * @returns null for what is no path in origin form
 */
export function readTarget(method: string, path: string, mergeSlashes: boolean): RequestLine | null {
  if (path.charCodeAt(0) !== 0x2f || forbidden.test(path)) return null;
  // Read as of a GET: that the method is in order has been seen, and CONNECT would want another form.
  const text = methodForTarget + path + scannedVersion;
  const length = text.length;
  if (scratch.length < length || scratch.length > scratchKeptBytes) {
    scratch = Buffer.allocUnsafeSlow(Math.max(length, 1024));
  }
  writeLatin1(scratch, text, 0);
  scanner.reset();
  scanner.position = 0;
  if (scanner.scan(scratch, length) !== LINE_DONE) return null;
  const { parts, failure } = readRequestLine(scanner, text, mergeSlashes);
  if (failure !== null) return null;
  const requestLine = `${method} ${path} ${protocol}`;
  return { ...parts, method, requestLine, versionMajor: 2, versionMinor: 0, protocol };
}
