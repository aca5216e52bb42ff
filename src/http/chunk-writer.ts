/** The bytes around chunks when a body is sent with "Transfer-Encoding: chunked". */

import { writeLatin1 } from "./latin1.ts";

const CRLF = "\r\n";

/** The end of a body without trailer fields. */
export const LAST_CHUNK: Buffer = Buffer.from("0\r\n\r\n");

/** The line before a chunk's data: its size and CR LF. A size of 0 would end the body: never write one. */
export function chunkHead(size: number): string {
  return size.toString(16) + CRLF;
}

/** A whole chunk in one buffer, for data that is small enough to be copied. */
export function encodeChunk(data: Uint8Array): Buffer {
  const head = chunkHead(data.length);
  const chunk = Buffer.allocUnsafe(head.length + data.length + 2);
  writeLatin1(chunk, head, 0);
  chunk.set(data, head.length);
  writeLatin1(chunk, CRLF, head.length + data.length);
  return chunk;
}
