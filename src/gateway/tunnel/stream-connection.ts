import type { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { cancel, noError } from "../../http2/error-code.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import type { Http2StreamOwner, ResetBy } from "../../http2/stream-owner.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "../../net/connection.ts";
import { UnreadBytes } from "../request/unread-bytes.ts";

/** The connection that streams go over, as far as they must know it: one for all of them. */
export interface StreamCarrier {
  readonly socket: Pick<Connection, "remote" | "local" | "tls">;
  readonly clock: Pick<Clock, "soon">;
  /** Why the connection was lost, as `ConnectionOwner.onClose` tells it; null while it is not, or by an orderly end. */
  readonly lostBy: string | null;
  /** Writes a bug of ours to the error log. */
  reportInternalError(error: unknown): void;
}

/**
 * What a peer may send that nobody has read yet, however little `http2_body_preread_size` lets it send with a request:
 * with less, a message would go in many round trips.
 */
const windowBytesMin = 65_536;

/** After the connection is gone: nothing is left to tell. */
const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/**
 * A stream of HTTP/2 that a CONNECT has made a tunnel of, as a connection of the seam (RFC 9113, section 8.5; RFC 8441,
 * section 5): DATA are the bytes, END_STREAM is the half-close, RST_STREAM with CANCEL the reset, flow control the
 * back-pressure. Keeps all promises of `Connection`.
 *
 * Reads nothing before the first `resume`. What comes while it is paused is kept, and its window stays closed: a peer
 * can make us hold no more than that window. An idle one holds nothing but itself.
 */
export class StreamConnection implements Connection, Http2StreamOwner {
  owner: ConnectionOwner = nobody;
  open = true;
  queued = 0;
  private readonly stream: Http2Stream;
  private readonly carrier: StreamCarrier;
  /** What the peer does not take yet; null: it takes all. */
  private queue: Buffer[] | null = null;
  /** Came while nobody read; null: nothing. */
  private unread: UnreadBytes | null = null;
  private paused = true;
  private shutDown = false;
  /** The peer has ended, and the owner is to hear of it behind what is unread. */
  private endDue = false;
  private endTold: boolean;
  private drainOwed = false;

  /** Becomes the stream's owner. The heads of both directions are over; an end that has come is known already. */
  constructor(stream: Http2Stream, carrier: StreamCarrier) {
    this.endTold = stream.remoteEnded;
    this.stream = stream;
    this.carrier = carrier;
    stream.owner = this;
    stream.widen(windowBytesMin);
  }

  get remote(): SocketAddress {
    return this.carrier.socket.remote;
  }

  get local(): SocketAddress {
    return this.carrier.socket.local;
  }

  get tls(): TlsInfo | null {
    return this.carrier.socket.tls;
  }

  send(bytes: Buffer): boolean {
    if (!this.open || this.shutDown) return false;
    if (bytes.length === 0) return true;
    const taken = this.queue === null ? this.stream.sendData(bytes, 0, bytes.length, false) : 0;
    if (taken === bytes.length) return true;
    this.queue ??= [];
    this.queue.push(Buffer.from(bytes.subarray(taken)));
    this.queued += bytes.length - taken;
    this.drainOwed = true;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    // Only what waits has to be delivered, and never from inside a call of the owner.
    if (this.open && (this.unread !== null || this.endDue)) this.carrier.clock.soon(() => this.deliver());
  }

  shutdown(): void {
    if (!this.open || this.shutDown) return;
    this.shutDown = true;
    if (this.queue === null) this.sendEnd();
  }

  reset(): void {
    if (!this.open) return;
    this.stream.reset(cancel);
    this.end(null);
  }

  /** As on TCP, what is unread or queued turns the close into a reset. */
  close(): void {
    if (!this.open) return;
    const { stream } = this;
    if (this.queue !== null || this.unread !== null) return this.reset();
    stream.sendEnd();
    // Nobody reads what the peer may still send.
    stream.reset(noError);
    this.end(null);
  }

  /** Probes are the business of the connection below. */
  setKeepAlive(): void {}

  /** No head follows those of the handshake. */
  onHead(_stream: Http2Stream, _head: ResponseHead, _ended: boolean): void {}

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    if (!this.open) return;
    const piece = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    if (this.paused || this.unread !== null) {
      this.unread ??= new UnreadBytes();
      this.unread.add(piece);
      return;
    }
    this.give(piece);
    stream.consume(end - start);
  }

  /** A tunnel has no place for them; `onEnd` follows (RFC 9113, section 8.5). */
  onTrailers(_stream: Http2Stream, _fields: Fields): void {}

  onEnd(): void {
    this.endDue = true;
    if (!this.paused && this.unread === null) this.tellEnd();
  }

  onReset(_stream: Http2Stream, _code: number, by: ResetBy): void {
    this.end(by === "connection" ? this.carrier.lostBy : by === "rule" ? "EPROTO" : "ECONNRESET");
  }

  onWritable(): void {
    const { queue, stream } = this;
    if (queue === null) return;
    while (queue.length > 0) {
      const [piece] = queue as [Buffer];
      const taken = stream.sendData(piece, 0, piece.length, false);
      this.queued -= taken;
      if (taken < piece.length) {
        queue[0] = piece.subarray(taken);
        return;
      }
      queue.shift();
    }
    this.queue = null;
    if (this.shutDown) this.sendEnd();
    if (!this.drainOwed) return;
    this.drainOwed = false;
    try {
      this.owner.onDrain();
    } catch (error) {
      this.fail(error);
    }
  }

  private deliver(): void {
    const { unread, stream } = this;
    if (!this.open || this.paused) return;
    if (unread !== null) {
      const bytes = unread.take();
      this.unread = null;
      this.give(bytes);
      stream.consume(bytes.length);
    }
    if (this.endDue && !this.paused) this.tellEnd();
  }

  private give(bytes: Buffer): void {
    try {
      this.owner.onData(bytes);
    } catch (error) {
      this.fail(error);
    }
  }

  private tellEnd(): void {
    if (!this.open || this.endTold) return;
    this.endTold = true;
    this.guarded(() => this.owner.onEnd());
    this.endIfBothDone();
  }

  private sendEnd(): void {
    this.stream.sendEnd();
    this.endIfBothDone();
  }

  private endIfBothDone(): void {
    if (this.endTold && this.stream.localEnded) this.end(null);
  }

  private end(code: string | null): void {
    if (!this.open) return;
    this.open = false;
    this.queue = null;
    this.queued = 0;
    this.unread = null;
    this.carrier.clock.soon(() => {
      const { owner } = this;
      this.owner = nobody;
      this.guarded(() => owner.onClose(code));
    });
  }

  private guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.reset();
    this.carrier.reportInternalError(error);
  }
}
