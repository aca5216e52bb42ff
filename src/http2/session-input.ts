import { HTTP2_PREFACE } from "../http/preface.ts";
import {
  compressionError,
  enhanceYourCalm,
  flowControlError,
  protocolError,
  refusedStream,
  streamClosed,
} from "./error-code.ts";
import type { Http2Failure } from "./error-code.ts";
import type { Nuisance } from "./flood-guard.ts";
import type { FrameHandler } from "./frame-handler.ts";
import { FrameReader } from "./frame-reader.ts";
import { readUint32, windowDefault, windowLargest } from "./frame.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import type { FieldSink } from "./hpack-decoder.ts";
import { RequestHeadBuilder } from "./request-head.ts";
import { ResponseHeadBuilder, TrailerBuilder } from "./response-head.ts";
import { streamsAtOnce } from "./limits.ts";
import { pingMark } from "./ping.ts";
import type { Http2Session } from "./session.ts";
import type { Http2Stream } from "./stream.ts";

/** SETTINGS_HEADER_TABLE_SIZE of ours, which is the default and so is not told. */
const tableBytesMax = 4096;

// One of each for the thread: a block is read at once, and nothing of it stays here.
const requestHead = new RequestHeadBuilder();
const responseHead = new ResponseHeadBuilder();
const trailers = new TrailerBuilder();

/** Gets the fields of a block that nobody wants. */
const nowhere: FieldSink = { onField: () => {} };

/**
 * The receiving side of a session: knows what every frame means in the state that its stream is in (RFC 9113,
 * section 5.1).
 */
export class SessionInput implements FrameHandler {
  private readonly session: Http2Session;
  private readonly reader: FrameReader;
  private readonly decoder = new HpackDecoder(tableBytesMax);
  /** Bytes of the client's preface that have come. */
  private prefaceLength = 0;
  /** The stream that the DATA frame which is being read goes to; null: nobody wants it. */
  private dataStream: Http2Stream | null = null;
  private dataEndsStream = false;
  /** Streams opened by the bytes that are being fed. */
  private openedAtOnce = 0;

  constructor(session: Http2Session) {
    this.session = session;
    this.reader = new FrameReader(this, session.options.limits);
    if (!session.isServer) this.prefaceLength = HTTP2_PREFACE.length;
  }

  get failure(): Http2Failure | null {
    return this.reader.failure;
  }

  /** Nothing more is read, also not of the bytes that are being fed. */
  stop(): void {
    this.reader.fail(this.session.failure?.code ?? 0, this.session.failure?.reason ?? "");
  }

  get midFrame(): boolean {
    const begun = this.prefaceLength > 0 && this.prefaceLength < HTTP2_PREFACE.length;
    return begun || this.reader.midFrame;
  }

  /** Reads bytes of the peer, a client's preface first (RFC 9113, section 3.4). See `failure` after. */
  feed(bytes: Buffer, start: number, end: number): void {
    this.openedAtOnce = 0;
    let p = start;
    while (this.prefaceLength < HTTP2_PREFACE.length) {
      if (p === end) return;
      if (bytes[p] !== HTTP2_PREFACE[this.prefaceLength]) {
        this.reader.fail(protocolError, "no HTTP/2 preface");
        return;
      }
      p++;
      this.prefaceLength++;
    }
    this.reader.feed(bytes, p, end);
  }

  onDataStart(streamId: number, flowBytes: number, dataBytes: number, endStream: boolean): void {
    const { session } = this;
    this.dataStream = null;
    this.dataEndsStream = endStream;
    if (session.streams.isIdle(streamId, session.isServer) && !this.isBeyondGoAway(streamId)) {
      this.reader.fail(protocolError, "DATA on an idle stream");
      return;
    }
    if (flowBytes > session.receiveWindow) {
      this.reader.fail(flowControlError, "more data than the connection's window");
      return;
    }
    session.receiveWindow -= flowBytes;
    if (dataBytes === 0 && !endStream) this.count("emptyData");
    const stream = session.streams.get(streamId);
    if (stream === null) this.dataOnClosed(streamId);
    else if (this.dataFits(stream, flowBytes, dataBytes)) this.dataStream = stream;
    // What nobody takes is taken here: the padding, or all.
    session.credit(this.dataStream === null ? flowBytes : flowBytes - dataBytes);
    if (this.dataStream !== null && !endStream) session.creditStream(this.dataStream, flowBytes - dataBytes);
  }

  /** Data that came after the stream's end are an error, but for those that were on their way when we reset it. */
  private dataOnClosed(streamId: number): void {
    if (this.session.streams.wasReset(streamId) || this.isBeyondGoAway(streamId)) return;
    this.session.writer.rstStream(streamId, streamClosed);
    this.count("provokedResets");
  }

  private dataFits(stream: Http2Stream, flowBytes: number, dataBytes: number): boolean {
    if (stream.remoteEnded) {
      this.breakStream(stream, streamClosed, "data after the end of the stream");
      return false;
    }
    if (flowBytes > stream.receiveWindow) {
      this.breakStream(stream, flowControlError, "more data than the stream's window");
      return false;
    }
    stream.receiveWindow -= flowBytes;
    stream.received += dataBytes;
    if (!stream.discarding && !this.mayHaveData(stream, dataBytes)) return false;
    if (!stream.discarding) return true;
    if (this.dataEndsStream) this.session.endRemote(stream);
    return false;
  }

  private mayHaveData(stream: Http2Stream, dataBytes: number): boolean {
    if (!this.session.isServer && !stream.headDone) {
      this.breakStream(stream, protocolError, "data before the head");
      return false;
    }
    if (dataBytes > 0 && stream.isHead) {
      this.breakStream(stream, protocolError, "data in answer to HEAD");
      return false;
    }
    if (stream.contentLength >= 0 && stream.received > stream.contentLength) {
      this.breakStream(stream, protocolError, "more data than content-length");
      return false;
    }
    return true;
  }

  onDataPiece(bytes: Buffer, start: number, end: number): void {
    const stream = this.dataStream;
    if (stream === null) return;
    if (stream.closed) {
      // Its owner reset it while the frame was coming.
      this.session.credit(end - start);
      return;
    }
    stream.unconsumed += end - start;
    stream.owner?.onData(stream, bytes, start, end);
  }

  onDataEnd(): void {
    const stream = this.dataStream;
    this.dataStream = null;
    if (stream === null || stream.closed || !this.dataEndsStream) return;
    this.endOfStream(stream);
  }

  /** The peer's side is over: does its length keep what it promised? */
  private endOfStream(stream: Http2Stream): void {
    if (stream.contentLength >= 0 && stream.received !== stream.contentLength && !stream.isHead) {
      this.breakStream(stream, protocolError, "less data than content-length");
      return;
    }
    stream.owner?.onEnd(stream);
    if (!stream.closed) this.session.endRemote(stream);
  }

  onFieldBlock(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const { streams, isServer } = this.session;
    const stream = streams.get(streamId);
    if (stream !== null) {
      if (stream.remoteEnded) {
        if (this.decode(bytes, start, end, nowhere))
          this.breakStream(stream, streamClosed, "fields after the end of the stream");
      } else if (isServer || stream.headDone) {
        this.readTrailers(stream, endStream, bytes, start, end);
      } else {
        this.readResponse(stream, endStream, bytes, start, end);
      }
      return;
    }
    if (this.isBeyondGoAway(streamId)) {
      this.decode(bytes, start, end, nowhere);
    } else if (!streams.isIdle(streamId, isServer)) {
      this.fieldsOnClosed(streamId, bytes, start, end);
    } else if (isServer && (streamId & 1) === 1) {
      this.openStream(streamId, endStream, bytes, start, end);
    } else {
      this.reader.fail(protocolError, "HEADERS on a stream that is not the peer's to open");
    }
  }

  /**
   * Late ones are read for the sake of the table. A client's streams may be reset long before the server hears of it.
   * An id that was skipped cannot be late: new ones are higher than all before (RFC 9113, section 5.1.1).
   */
  private fieldsOnClosed(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { isServer, streams } = this.session;
    if (isServer && streams.wasSkipped(streamId)) {
      this.reader.fail(protocolError, "HEADERS on a lower stream than the last");
      return;
    }
    if (isServer && !streams.wasReset(streamId)) {
      this.reader.fail(streamClosed, "HEADERS on a closed stream");
      return;
    }
    this.count("uselessFrames");
    this.decode(bytes, start, end, nowhere);
  }

  private openStream(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const { session } = this;
    session.streams.takePeerId(streamId);
    const { maxConcurrentStreams } = session.options;
    const tooMany = ++this.openedAtOnce > streamsAtOnce * maxConcurrentStreams;
    if (tooMany || session.streams.size >= maxConcurrentStreams) {
      if (this.decode(bytes, start, end, nowhere)) this.refuse(streamId);
      return;
    }
    requestHead.begin(session.options.requestHead);
    if (!this.decode(bytes, start, end, requestHead)) return;
    const stream = session.addStream(streamId);
    const head = requestHead.finish(endStream, end - start);
    stream.remoteEnded = endStream;
    if (head === null) {
      stream.discarding = true;
      session.events.onRefused(stream, requestHead.failure!, requestHead.refused(end - start));
      return;
    }
    stream.contentLength = head.contentLength ?? -1;
    session.events.onRequest(stream, head, endStream);
  }

  private refuse(streamId: number): void {
    this.session.writer.rstStream(streamId, refusedStream);
    this.session.streams.rememberReset(streamId);
    this.count("provokedResets");
  }

  private readResponse(
    stream: Http2Stream,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    responseHead.begin(this.session.options.responseHead);
    if (!this.decode(bytes, start, end, responseHead)) return;
    const head = responseHead.finish();
    if (head === null) {
      this.breakStream(stream, protocolError, responseHead.failure!);
      return;
    }
    const isInterim = head.status < 200;
    if (isInterim && endStream) {
      this.breakStream(stream, protocolError, `stream ends with status ${head.status}`);
      return;
    }
    if (!isInterim) {
      stream.headDone = true;
      const hasBody = !stream.isHead && head.status !== 204 && head.status !== 304;
      stream.contentLength = hasBody ? (head.contentLength ?? -1) : -1;
      if (endStream && stream.contentLength > 0) {
        this.breakStream(stream, protocolError, "less data than content-length");
        return;
      }
    }
    stream.owner?.onHead(stream, head, endStream);
    if (endStream && !stream.closed) this.session.endRemote(stream);
  }

  private readTrailers(
    stream: Http2Stream,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    trailers.begin(this.session.isServer ? "client" : "upstream");
    if (!this.decode(bytes, start, end, trailers)) return;
    if (!endStream) {
      this.breakStream(stream, protocolError, "trailers without the end of the stream");
    } else if (stream.discarding) {
      this.session.endRemote(stream);
    } else if (trailers.failure !== null) {
      this.breakStream(stream, protocolError, trailers.failure);
    } else {
      if (trailers.fields.size > 0) stream.owner?.onTrailers(stream, trailers.fields);
      if (!stream.closed) this.endOfStream(stream);
    }
  }

  /** False: the connection is over, because its table is not the peer's any more. */
  private decode(bytes: Buffer, start: number, end: number, sink: FieldSink): boolean {
    const problem = this.decoder.decode(bytes, start, end, sink);
    if (problem !== null) this.reader.fail(compressionError, problem);
    return problem === null;
  }

  onPriority(): void {
    this.count("uselessFrames");
  }

  onUnknownFrame(): void {
    this.count("uselessFrames");
  }

  onRstStream(streamId: number, code: number): void {
    const { session } = this;
    const stream = session.streams.get(streamId);
    if (stream !== null) {
      if (session.isServer) this.count("resets");
      session.abandon(stream, code, "peer", "stream reset");
    } else if (session.streams.isIdle(streamId, session.isServer) && !this.isBeyondGoAway(streamId)) {
      this.reader.fail(protocolError, "RST_STREAM on an idle stream");
    } else {
      this.count("uselessFrames");
    }
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    const { session } = this;
    this.count("settings");
    const before = session.peer.initialWindowSize;
    const failure = session.peer.read(bytes, start, end, !session.isServer);
    if (failure !== null) {
      this.reader.fail(failure.code, failure.reason);
      return;
    }
    const change = session.peer.initialWindowSize - before;
    for (const stream of change > 0 ? session.streams.all() : []) {
      if (stream.sendWindow + change > windowLargest)
        this.reader.fail(flowControlError, "window above 2^31-1");
    }
    if (this.failure !== null) return;
    session.writer.settingsAck();
    session.onPeerSettings(change);
  }

  onSettingsAck(): void {
    const { session } = this;
    if (session.settingsAcked) {
      this.count("uselessFrames");
      return;
    }
    session.settingsAcked = true;
    const tooMuch = Math.max(0, windowDefault - session.options.initialWindowSize);
    for (const stream of session.streams.all()) stream.receiveWindow -= tooMuch;
    session.events.onSettingsAck();
  }

  onPing(ack: boolean, bytes: Buffer, start: number): void {
    if (!ack) {
      this.count("pings");
      this.session.writer.ping(true, bytes, start);
    } else if (readUint32(bytes, start) === pingMark) {
      this.session.onPingAnswer(readUint32(bytes, start + 4));
    } else {
      this.count("uselessFrames");
    }
  }

  onGoAway(lastStreamId: number, code: number): void {
    this.count("uselessFrames");
    this.session.onPeerGoAway(lastStreamId, code);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    const { session } = this;
    this.count("windowUpdates");
    if (streamId === 0) {
      if (session.sendWindow + increment > windowLargest) {
        this.reader.fail(flowControlError, "window above 2^31-1");
        return;
      }
      session.sendWindow += increment;
      session.wake();
      return;
    }
    const stream = session.streams.get(streamId);
    if (stream !== null) {
      this.openWindow(stream, increment);
    } else if (session.streams.isIdle(streamId, session.isServer) && !this.isBeyondGoAway(streamId)) {
      this.reader.fail(protocolError, "WINDOW_UPDATE on an idle stream");
    }
  }

  private openWindow(stream: Http2Stream, increment: number): void {
    if (stream.sendWindow + increment > windowLargest) {
      this.breakStream(stream, flowControlError, "window above 2^31-1");
      return;
    }
    stream.sendWindow += increment;
    this.session.unblock(stream);
    this.session.wake();
  }

  onStreamError(streamId: number, code: number, reason: string): void {
    const { session } = this;
    const stream = session.streams.get(streamId);
    if (stream !== null) this.breakStream(stream, code, reason);
    // On an idle stream there is nothing that could be reset.
    else if (session.streams.isIdle(streamId, session.isServer)) this.reader.fail(code, reason);
    else this.count("uselessFrames");
  }

  /** The peer broke a rule on that stream; the others go on. */
  private breakStream(stream: Http2Stream, code: number, reason: string): void {
    const { session } = this;
    session.writer.rstStream(stream.id, code);
    session.streams.rememberReset(stream.id);
    this.count("provokedResets");
    session.abandon(stream, code, "rule", reason);
  }

  /** Streams that came after the final GOAWAY: the peer knows that nobody looks at them. */
  private isBeyondGoAway(streamId: number): boolean {
    const { session } = this;
    return session.isServer && (streamId & 1) === 1 && streamId > session.goAwayLastId;
  }

  private count(kind: Nuisance): void {
    const tooMuch = this.session.guard.count(kind);
    if (tooMuch !== null) this.reader.fail(enhanceYourCalm, tooMuch);
  }
}
