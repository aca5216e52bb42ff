/** What an HTTP/2 client with prior knowledge sends first (RFC 9113, section 3.4). */
export const HTTP2_PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Whether a connection's first bytes are the HTTP/2 preface: "no" at the first byte that differs, "partial"
 * while more is needed to tell.
 */
export function matchHttp2Preface(bytes: Uint8Array, start: number, end: number): "no" | "partial" | "yes" {
  const length = Math.min(end - start, HTTP2_PREFACE.length);
  for (let i = 0; i < length; i++) {
    if (bytes[start + i] !== HTTP2_PREFACE[i]) return "no";
  }
  return length === HTTP2_PREFACE.length ? "yes" : "partial";
}
