import type { Fields } from "../http/fields.ts";
import { HTTP2_PREFACE } from "../http/preface.ts";
import { cancel, enhanceYourCalm, noError, refusedStream } from "./error-code.ts";
import type { Http2Failure } from "./error-code.ts";
import { FloodGuard } from "./flood-guard.ts";
import { windowDefault, windowLargest, writeUint32 } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { Http2Sink } from "./frame-writer.ts";
import { encodeRequest, encodeResponse, encodeTrailers } from "./head-encoder.ts";
import type { Http2RequestStart } from "./head-encoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { Http2Options } from "./options.ts";
import type { Http2SessionEvents } from "./session-events.ts";
import { SessionInput } from "./session-input.ts";
import { drainPing, pingMark } from "./ping.ts";
import {
  PeerSettings,
  settingEnableConnectProtocol,
  settingEnablePush,
  settingInitialWindowSize,
  settingMaxConcurrentStreams,
  settingMaxFrameSize,
  settingMaxHeaderListSize,
} from "./settings.ts";
import { Http2Stream } from "./stream.ts";
import type { Http2StreamOwner, ResetBy } from "./stream-owner.ts";
import { StreamTable } from "./stream-table.ts";

const pingBytes = Buffer.alloc(8);

/**
 * One HTTP/2 connection (RFC 9113), as server or as client: bytes in, events out. It knows no socket: bytes come by
 * `feed`, and leave by the sink in as few writes as possible: what is written within `feed` goes at its end,
 * what is written outside waits for `flush`. It has no timer: deadlines are the owner's.
 */
export class Http2Session {
  readonly isServer: boolean;
  readonly options: Http2Options;
  readonly events: Http2SessionEvents;
  readonly clock: { now(): number };
  /** What the peer has told of itself. */
  readonly peer = new PeerSettings();
  readonly streams = new StreamTable();
  readonly guard: FloodGuard;
  readonly writer: FrameWriter;
  private readonly encoder = new HpackEncoder();
  private readonly input: SessionInput;
  /** Streams that could send but for the connection, in the order in which they are to be asked. */
  private readonly waiting = new Set<Http2Stream>();
  private feeding = false;
  /** `onOutput` has been called, and no flush yet. */
  private announced = false;
  private connectionCredit = 0;
  /** Bytes that the peer still allows on the connection. */
  sendWindow = windowDefault;
  /** Bytes that we still allow on the connection. */
  receiveWindow = windowDefault;
  /** The highest stream id that our last GOAWAY lets through; above all ids while there was none. */
  goAwayLastId = Infinity;
  private finalGoAway = false;
  /** The peer has said GOAWAY: no new streams of ours. */
  peerGoingAway = false;
  /** The code of that GOAWAY. */
  peerGoAwayCode = noError;
  /** The peer knows our settings. */
  settingsAcked = false;
  /** Set when the connection cannot go on. */
  failure: Http2Failure | null = null;
  /** No more events, and everything is a no-op. */
  closed = false;

  constructor(
    role: "server" | "client",
    events: Http2SessionEvents,
    sink: Http2Sink,
    options: Http2Options,
    clock: { now(): number },
  ) {
    this.isServer = role === "server";
    this.events = events;
    this.options = options;
    this.clock = clock;
    this.guard = new FloodGuard(options.limits, clock);
    this.writer = new FrameWriter(sink);
    this.input = new SessionInput(this);
  }

  /** Sends the preface of our side: the first thing to do. */
  start(): void {
    const { options, writer } = this;
    if (!this.isServer) writer.raw(HTTP2_PREFACE);
    const values: [number, number][] = [
      [settingInitialWindowSize, options.initialWindowSize],
      [settingMaxFrameSize, options.limits.frameBytesMax],
    ];
    if (this.isServer) {
      values.push([settingMaxConcurrentStreams, options.maxConcurrentStreams]);
      values.push([settingMaxHeaderListSize, options.requestHead.headBytesMax]);
      if (options.requestHead.extendedConnect) values.push([settingEnableConnectProtocol, 1]);
    } else {
      values.push([settingEnablePush, 0]);
      values.push([settingMaxHeaderListSize, options.responseHead.headBytesMax]);
    }
    writer.settings(values);
    this.credit(Math.max(0, options.connectionWindowSize - windowDefault));
    this.output();
  }

  /** Bytes of the peer. They are not kept. */
  feed(bytes: Buffer, start = 0, end = bytes.length): void {
    if (this.closed) return;
    this.feeding = true;
    try {
      this.input.feed(bytes, start, end);
    } finally {
      this.feeding = false;
    }
    const failure = this.failure ?? this.input.failure ?? this.tooManyAnswers();
    if (failure !== null) this.fail(failure.code, failure.reason);
    else this.flush();
  }

  /** The peer does not read what it makes us answer. */
  private tooManyAnswers(): Http2Failure | null {
    if (this.writer.unreadAnswers <= this.options.limits.unreadAnswersMax) return null;
    return { code: enhanceYourCalm, reason: "too many frames to answer for a peer that does not read" };
  }

  /** A frame, a head or the client's preface has begun and has not come whole; for client_header_timeout. */
  get midFrame(): boolean {
    return this.input.midFrame;
  }

  /** The sink has enough: no data are taken until `onDrain`. Heads would be, and are better held back as well. */
  get blocked(): boolean {
    return this.writer.blocked;
  }

  /** Sends what has been gathered. */
  flush(): void {
    this.announced = false;
    this.writer.flush();
  }

  /** The sink takes data again. */
  onDrain(): void {
    if (this.closed) return;
    this.writer.onDrain();
    this.wake();
  }

  /** Something was written: who sends it? */
  private output(): void {
    if (this.feeding || this.announced || this.writer.pending === 0) return;
    this.announced = true;
    this.events.onOutput();
  }

  /** Client: whether a stream can be opened now. */
  get canOpen(): boolean {
    if (this.closed || this.peerGoingAway || this.goAwayLastId !== Infinity) return false;
    if (this.streams.nextOwnId > windowLargest) return false;
    return this.streams.size < this.peer.maxConcurrentStreams;
  }

  /**
   * Client: sends a request's head.
   * @returns null when the peer takes no more streams; `onCapacity` tells when to try again
   */
  open(start: Http2RequestStart, fields: Fields, end: boolean, owner: Http2StreamOwner): Http2Stream | null {
    if (!this.canOpen) return null;
    const stream = this.addStream(this.streams.nextOwnId);
    this.streams.nextOwnId += 2;
    stream.owner = owner;
    stream.isHead = start.method === "HEAD";
    this.sendBlock(stream, encodeRequest(this.encoder, start, fields), end);
    return stream;
  }

  /** Puts a new stream into the table, with the windows that hold now. The caller has checked the id. */
  addStream(id: number): Http2Stream {
    const { initialWindowSize } = this.options;
    // Until it knows ours, the peer reckons with the default.
    const window = this.settingsAcked ? initialWindowSize : Math.max(initialWindowSize, windowDefault);
    const stream = new Http2Stream(id, this, this.peer.initialWindowSize, window);
    stream.windowSize = initialWindowSize;
    this.streams.add(stream);
    return stream;
  }

  /** See `Http2Stream.sendHead`. Nothing is sent when the stream is closed or our side has ended. */
  sendHead(stream: Http2Stream, status: number, fields: Fields, end: boolean): number {
    if (stream.closed || stream.localEnded) return 0;
    if (status >= 200) stream.headDone = true;
    return this.sendBlock(stream, encodeResponse(this.encoder, status, fields), end);
  }

  /** See `Http2Stream.sendTrailers`. Nothing is sent when the stream is closed or our side has ended. */
  sendTrailers(stream: Http2Stream, fields: Fields): number {
    if (stream.closed || stream.localEnded) return 0;
    return this.sendBlock(stream, encodeTrailers(this.encoder, fields), true);
  }

  private sendBlock(stream: Http2Stream, block: Buffer, end: boolean): number {
    const bytes = this.writer.headers(stream.id, block, end, this.peer.maxFrameSize);
    this.output();
    if (end) this.endLocal(stream);
    return bytes;
  }

  /** See `Http2Stream.sendData`. */
  sendData(stream: Http2Stream, bytes: Buffer, start: number, end: number, endStream: boolean): number {
    if (stream.closed || stream.localEnded) return 0;
    const wanted = end - start;
    const allowed = this.writer.blocked ? 0 : Math.min(wanted, stream.sendWindow, this.sendWindow);
    const taken = Math.max(0, allowed);
    if (taken > 0) {
      this.writeData(stream, bytes, start, start + taken, endStream && taken === wanted);
      this.guard.dataSent(taken, taken === wanted);
    } else if (wanted === 0 && endStream) {
      this.writer.data(stream.id, bytes, start, start, true);
    }
    if (taken < wanted) this.block(stream);
    else if (endStream) this.endLocal(stream);
    this.output();
    return taken;
  }

  private writeData(
    stream: Http2Stream,
    bytes: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    const frameBytesMax = Math.min(this.peer.maxFrameSize, this.options.dataFrameBytesMax);
    for (let from = start; from < end; from += frameBytesMax) {
      const to = Math.min(end, from + frameBytesMax);
      this.writer.data(stream.id, bytes, from, to, endStream && to === end);
    }
    stream.sendWindow -= end - start;
    this.sendWindow -= end - start;
  }

  private block(stream: Http2Stream): void {
    if (!stream.blocked) stream.blockedSinceMs = this.clock.now();
    stream.blocked = true;
    if (stream.sendWindow > 0) this.waiting.add(stream);
  }

  /** A stream's window has grown. */
  unblock(stream: Http2Stream): void {
    if (!stream.blocked || stream.sendWindow <= 0) return;
    this.waiting.add(stream);
  }

  /** Lets waiting streams send, one after the other: who is held back again comes last. */
  wake(): void {
    for (let left = this.waiting.size; left > 0; left--) {
      if (this.closed || this.writer.blocked || this.sendWindow <= 0) return;
      const [stream] = this.waiting;
      if (stream === undefined) return;
      this.waiting.delete(stream);
      stream.blocked = false;
      stream.owner?.onWritable(stream);
    }
  }

  private endLocal(stream: Http2Stream): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.closeStream(stream);
  }

  /** The peer's side has ended. */
  endRemote(stream: Http2Stream): void {
    stream.remoteEnded = true;
    if (stream.localEnded) this.closeStream(stream);
  }

  /**
   * Ends a stream with RST_STREAM. Its owner hears nothing of it; late frames of the peer are let pass.
   * @param code one of error-code.ts
   */
  resetStream(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.writer.rstStream(stream.id, code);
    this.streams.rememberReset(stream.id);
    this.closeStream(stream);
    this.output();
  }

  /** The stream leaves. */
  closeStream(stream: Http2Stream): void {
    if (stream.closed) return;
    this.remove(stream);
    this.tellClosed(stream);
  }

  /** Ends a stream that its owner did not end. */
  abandon(stream: Http2Stream, code: number, by: ResetBy, reason: string): void {
    if (stream.closed) return;
    this.remove(stream);
    stream.owner?.onReset(stream, code, by, reason);
    this.tellClosed(stream);
  }

  /** What it held of the connection's window is given back. */
  private remove(stream: Http2Stream): void {
    stream.closed = true;
    this.streams.remove(stream);
    this.waiting.delete(stream);
    this.credit(stream.unconsumed);
    stream.unconsumed = 0;
  }

  private tellClosed(stream: Http2Stream): void {
    if (this.closed) return;
    this.events.onStreamClosed(stream);
    if (!this.isServer) this.events.onCapacity();
    this.tellDrained();
  }

  /** See `Http2Stream.consume`. More than `stream.unconsumed` counts for no more than that. */
  consume(stream: Http2Stream, bytes: number): void {
    const taken = Math.min(bytes, stream.unconsumed);
    if (this.closed || stream.closed || taken <= 0) return;
    stream.unconsumed -= taken;
    this.credit(taken);
    this.creditStream(stream, taken);
    this.output();
  }

  /** Bytes of the stream's window that are free again; told when they are half of it. */
  creditStream(stream: Http2Stream, bytes: number): void {
    stream.credit += bytes;
    if (stream.remoteEnded || stream.credit === 0 || stream.credit * 2 < stream.windowSize) return;
    this.tellCredit(stream);
  }

  /** See `Http2Stream.widen`. */
  widen(stream: Http2Stream, windowBytes: number): void {
    const more = windowBytes - stream.windowSize;
    if (stream.closed || stream.remoteEnded || more <= 0) return;
    stream.windowSize = windowBytes;
    stream.credit += more;
    this.tellCredit(stream);
    this.output();
  }

  private tellCredit(stream: Http2Stream): void {
    this.writer.windowUpdate(stream.id, stream.credit);
    stream.receiveWindow += stream.credit;
    stream.credit = 0;
  }

  /** Bytes of the connection's window that are free again; told when they are half of it. */
  credit(bytes: number): void {
    if (bytes === 0 || this.closed) return;
    this.connectionCredit += bytes;
    if (this.connectionCredit * 2 < this.options.connectionWindowSize) return;
    this.writer.windowUpdate(0, this.connectionCredit);
    this.receiveWindow += this.connectionCredit;
    this.connectionCredit = 0;
    this.output();
  }

  /** Asks the peer for an answer; `onPong` brings the number back. */
  ping(number: number): void {
    if (this.closed) return;
    writeUint32(pingBytes, pingMark, 0);
    writeUint32(pingBytes, number, 4);
    this.writer.ping(false, pingBytes, 0);
    this.output();
  }

  /** The peer has answered a PING of ours: that of `drain`, after which the final GOAWAY goes, or the owner's. */
  onPingAnswer(number: number): void {
    if (number === drainPing) this.goAway(noError);
    else this.events.onPong(number);
  }

  /**
   * Takes leave in two steps (RFC 9113, section 6.8): GOAWAY that refuses nothing, and when the peer has answered a
   * PING behind it, the one that counts. No request that was on its way is lost.
   */
  drain(): void {
    if (this.closed || this.goAwayLastId !== Infinity) return;
    this.goAwayLastId = windowLargest;
    this.writer.goAway(windowLargest, noError, "");
    this.ping(drainPing);
  }

  /** Takes no streams beyond those that have come. They go on to their ends; `onDrained` follows. */
  goAway(code: number): void {
    if (this.closed || this.finalGoAway) return;
    this.finalGoAway = true;
    this.goAwayLastId = this.streams.lastPeerId;
    this.writer.goAway(this.goAwayLastId, code, "");
    this.output();
    this.tellDrained();
  }

  private tellDrained(): void {
    if (!this.finalGoAway || this.streams.size > 0) return;
    // The owner will close the connection: what the last stream had to say goes before.
    this.flush();
    this.events.onDrained();
  }

  /** The peer goes away: what it did not look at can go elsewhere. */
  onPeerGoAway(lastStreamId: number, code: number): void {
    this.peerGoingAway = true;
    this.peerGoAwayCode = code;
    for (const stream of this.isServer ? [] : this.streams.all()) {
      if (stream.id > lastStreamId)
        this.abandon(stream, refusedStream, "unprocessed", "upstream is going away");
    }
    if (!this.closed) this.events.onGoAway(lastStreamId, code);
  }

  /** The peer's settings have changed. */
  onPeerSettings(windowChange: number): void {
    this.encoder.setTableSize(this.peer.headerTableSize);
    for (const stream of windowChange === 0 ? [] : this.streams.all()) {
      stream.sendWindow += windowChange;
      this.unblock(stream);
    }
    this.events.onSettings(this.peer);
    if (!this.isServer) this.events.onCapacity();
    this.wake();
  }

  /** Ends the connection for a reason: GOAWAY, and every stream's owner hears of it. */
  fail(code: number, reason: string): void {
    if (this.closed) return;
    this.failure ??= { code, reason };
    this.input.stop();
    // Within `feed` it is done at its end, so that nobody's call is cut short.
    if (this.feeding) return;
    this.writer.goAway(this.streams.lastPeerId, code, reason);
    this.flush();
    this.end(code, reason);
    this.events.onFailure(this.failure);
  }

  /** The connection is gone, whoever ended it: every stream's owner hears of it. Nothing is sent any more. */
  close(): void {
    if (!this.closed) this.end(cancel, "connection closed");
  }

  private end(code: number, reason: string): void {
    this.closed = true;
    this.input.stop();
    for (const stream of this.streams.all()) {
      this.abandon(stream, code, "connection", reason);
    }
    this.waiting.clear();
    this.writer.flush();
  }
}
