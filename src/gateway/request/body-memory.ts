import type { Request } from "./request.ts";

/** `client_body_buffer_size` where no directive says otherwise, as in nginx. */
export const defaultBodyBuffer = 16_384;

/**
 * Without that directive bodies up to this size may stay in memory: a file for each small body would cost more
 * than it saves.
 */
const unsetMemoryMax = 1024 * 1024;

/**
 * Whether nginx would have this body in memory, as far as it has come: in what it has read together with the head,
 * and in a buffer of `client_body_buffer_size`, which may grow by a quarter where that takes all of a known length
 * (ngx_http_read_client_request_body). Then it is in `$request_body`.
 */
export function fitsBuffer(request: Request): boolean {
  const { body, head, server, location } = request;
  const { headerBufferSize, largeBufferSize } = server.headLimits;
  const size = location.core.clientBodyBufferSize || defaultBodyBuffer;
  // On HTTP/2 nothing comes with the head, and no buffer is larger than it says.
  if (head.versionMajor === 2) return (body.chunked ? body.received : body.contentLength) <= size;
  const headBuffer = head.bytes < headerBufferSize ? headerBufferSize : largeBufferSize;
  const room = Math.max(0, headBuffer - head.bytes);
  const withHead = Math.min(body.arrivedWithHead, room);
  if (body.chunked) {
    // Framing is counted behind the bytes that it stands around.
    const rest = Math.max(body.wireBytes, body.received) - withHead;
    return rest < size || (body.complete && rest === size);
  }
  const rest = body.contentLength - withHead;
  return rest < size + Math.floor(size / 4) || (withHead > 0 && body.contentLength <= room);
}

/**
 * Whether a body of which `bytes` have come, or are to come, may be in memory. What nginx's default buffer takes
 * always may, and what `$request_body` is to tell of: the rest as far as `client_body_memory` lets it.
 */
export function mayStayInMemory(request: Request, bytes: number): boolean {
  const { body, server, location } = request;
  const { clientBodyBufferSize, clientBodyInFileOnly, clientBodyMemory } = location.core;
  if (clientBodyInFileOnly !== "off") return false;
  const fits = fitsBuffer(request);
  if (fits && (server.readsBodies || bytes <= defaultBodyBuffer)) return true;
  // Who sets a size, or looks at the files, gets them where nginx has them.
  if (!fits && (clientBodyBufferSize > 0 || server.namesBodyFiles)) return false;
  if (!fits && bytes > unsetMemoryMax) return false;
  return body.heldByAll + Math.max(0, bytes - body.held) <= clientBodyMemory;
}
