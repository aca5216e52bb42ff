import type { Fields } from "../http/fields.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Http2Stream } from "./stream.ts";

/**
 * Why a stream is no more, when its owner did not reset it: RST_STREAM of the peer; the peer said that it did not look at
 * it (GOAWAY: whatever it was can be tried elsewhere); it broke a rule; or the connection is over.
 */
export type ResetBy = "peer" | "unprocessed" | "rule" | "connection";

/** Who gets a stream's events. Bytes are valid only during the call. A stream's owner changes by assigning it. */
export interface Http2StreamOwner {
  /** Client: a head, and whether the stream ends with it. Heads of status 1xx may come before. */
  onHead(stream: Http2Stream, head: ResponseHead, ended: boolean): void;
  /** Data; what was dealt with is to be told by `stream.consume`, or the peer's windows stay closed. */
  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void;
  /** Trailers; `onEnd` follows. */
  onTrailers(stream: Http2Stream, fields: Fields): void;
  /** The peer has sent all that it will. Not when the head ended the stream. */
  onEnd(stream: Http2Stream): void;
  /** The stream is over before its time; the last event. `code` is one of error-code.ts, `reason` for a log. */
  onReset(stream: Http2Stream, code: number, by: ResetBy, reason: string): void;
  /** After `sendData` took less than all: it takes more now. */
  onWritable(stream: Http2Stream): void;
}
