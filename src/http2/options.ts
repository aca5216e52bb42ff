import { frameBytesDefault } from "./frame.ts";
import { http2Limits } from "./limits.ts";
import type { Http2Limits } from "./limits.ts";
import { http2HeadLimits } from "./request-head.ts";
import type { Http2HeadLimits } from "./request-head.ts";
import { responseHeadLimits } from "./response-head.ts";
import type { ResponseHeadLimits } from "./response-head.ts";

/** What a session is set up with; the directive that sets it is named. */
export interface Http2Options {
  /** http2_max_concurrent_streams: streams that a client may have open. */
  readonly maxConcurrentStreams: number;
  /** http2_body_preread_size: bytes that the peer may send on a stream before we take any. */
  readonly initialWindowSize: number;
  /**
   * The same on the connection. As large as all streams' windows together, so that one whose data nobody takes does not
   * hold back the others; this is also what a connection can make us hold.
   */
  readonly connectionWindowSize: number;
  /** http2_chunk_size: bytes of a DATA frame that we send. Larger ones let others wait longer. */
  readonly dataFrameBytesMax: number;
  /** Of requests; for servers. */
  readonly requestHead: Http2HeadLimits;
  /** Of responses; for clients. */
  readonly responseHead: ResponseHeadLimits;
  readonly limits: Http2Limits;
}

const streams = 128;
const windowBytes = 65_536;

/** The defaults. A window holds as much as nginx's http2_body_preread_size of 64 KiB. */
export const http2Options: Http2Options = {
  maxConcurrentStreams: streams,
  initialWindowSize: windowBytes,
  connectionWindowSize: streams * windowBytes,
  dataFrameBytesMax: frameBytesDefault,
  requestHead: http2HeadLimits,
  responseHead: responseHeadLimits,
  limits: http2Limits,
};
