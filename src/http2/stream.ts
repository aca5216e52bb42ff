import type { Fields } from "../http/fields.ts";
import type { Http2Session } from "./session.ts";
import type { Http2StreamOwner } from "./stream-owner.ts";

/**
 * A stream (RFC 9113, section 5): one request and its response, or a tunnel. Idle ones hold these numbers and
 * nothing else.
 */
export class Http2Stream {
  readonly id: number;
  readonly session: Http2Session;
  owner: Http2StreamOwner | null = null;
  /** Bytes that the peer still allows. May be below 0 after a SETTINGS that made windows smaller. */
  sendWindow: number;
  /** Bytes that we still allow. */
  receiveWindow: number;
  /** Bytes that we allow when all that came is consumed. */
  windowSize = 0;
  /** Bytes handed to the owner that it has not consumed. */
  unconsumed = 0;
  /** Bytes consumed that the peer has not been told of. */
  credit = 0;
  /** Bytes of data so far, held against `contentLength`. */
  received = 0;
  /** Bytes that content-length promised; -1: it did not, or there is no body to hold it against. */
  contentLength = -1;
  /** We have sent END_STREAM. */
  localEnded = false;
  /** The peer has sent END_STREAM. */
  remoteEnded = false;
  /** It has left the session: ended on both sides, or reset. */
  closed = false;
  /** What still comes is thrown away: the head was refused. */
  discarding = false;
  /** The final head has been received (client) or sent (server). */
  headDone = false;
  /** The request was HEAD: its response's content-length is of no body here. */
  isHead = false;
  /** `sendData` took less than all, and `onWritable` is due. */
  blocked = false;
  /** Since when, by the session's clock; for send_timeout. */
  blockedSinceMs = 0;

  constructor(id: number, session: Http2Session, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.session = session;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /**
   * Server: sends a head. One of status 1xx (but 101) may go before the final one.
   * @returns the bytes of its frames
   */
  sendHead(status: number, fields: Fields, end: boolean): number {
    return this.session.sendHead(this, status, fields, end);
  }

  /**
   * Sends as much of `bytes[start, end)` as the windows and the connection take. `endStream` counts only when all of
   * it is taken (`localEnded` tells). After less than all, `onWritable` follows.
   * @returns the bytes taken
   */
  sendData(bytes: Buffer, start: number, end: number, endStream: boolean): number {
    return this.session.sendData(this, bytes, start, end, endStream);
  }

  /**
   * Sends trailers, which end the stream; after all data were taken.
   * @returns the bytes of their frames
   */
  sendTrailers(fields: Fields): number {
    return this.session.sendTrailers(this, fields);
  }

  /** Ends our side. */
  sendEnd(): void {
    this.session.sendData(this, nothing, 0, 0, true);
  }

  /** Ends the stream with RST_STREAM; no more events come. */
  reset(code: number): void {
    this.session.resetStream(this, code);
  }

  /** From now on the peer may send so many bytes ahead of what is consumed; for less than before nothing happens. */
  widen(windowBytes: number): void {
    this.session.widen(this, windowBytes);
  }

  /** So many bytes that `onData` brought are dealt with: the peer may send as many again. */
  consume(bytes: number): void {
    this.session.consume(this, bytes);
  }
}

const nothing = Buffer.alloc(0);
