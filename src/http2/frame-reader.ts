import { frameSizeError, enhanceYourCalm, protocolError } from "./error-code.ts";
import type { Http2Failure } from "./error-code.ts";
import { FieldBlock } from "./field-block.ts";
import {
  flagAck,
  flagEndHeaders,
  flagEndStream,
  flagPadded,
  flagPriority,
  frameContinuation,
  frameData,
  frameGoAway,
  frameHeaderBytes,
  frameHeaders,
  framePing,
  framePriority,
  framePushPromise,
  frameRstStream,
  frameSettings,
  frameWindowUpdate,
  readUint24,
  readUint31,
  readUint32,
} from "./frame.ts";
import type { FrameHandler } from "./frame-handler.ts";
import type { Http2Limits } from "./limits.ts";

/** Between frames, or within a header. */
const atHeader = 0;
/** All of a payload is needed before it can be read. */
const atPayload = 1;
/** The byte that tells how much padding a DATA frame has. */
const atPadLength = 2;
const atData = 3;
/** Padding, or the payload of an unknown frame. */
const atSkip = 4;

const priorityBytes = 5;
const pingBytes = 8;

/**
 * Reads frames (RFC 9113, section 4) from bytes that come in any pieces. Data are handed on as they come; other
 * frames are read where they lie when they come whole, and gathered otherwise. Nothing is kept between frames.
 */
export class FrameReader {
  private readonly handler: FrameHandler;
  private readonly limits: Http2Limits;
  private readonly block: FieldBlock;
  private state = atHeader;
  /** Bytes of a header or a payload that came in pieces; null while there are none. */
  private gathered: Buffer | null = null;
  private gatheredLength = 0;
  private length = 0;
  private type = 0;
  private flags = 0;
  private streamId = 0;
  /** Bytes of data that are still to come. */
  private dataLeft = 0;
  /** Bytes to skip, after the data. */
  private skipLeft = 0;
  private inData = false;
  /** The first frame must be SETTINGS (section 3.4). */
  private first = true;
  /** Set once the connection cannot go on; nothing is read from there. */
  failure: Http2Failure | null = null;

  constructor(handler: FrameHandler, limits: Http2Limits) {
    this.handler = handler;
    this.limits = limits;
    this.block = new FieldBlock(limits);
  }

  /** Ends the reading, also from within a call of the handler. The first failure counts. */
  fail(code: number, reason: string): void {
    this.failure ??= { code, reason };
  }

  /** True when a frame or a field block has begun and not ended. */
  get midFrame(): boolean {
    return this.state !== atHeader || this.gathered !== null || this.block.open;
  }

  /** Reads all of `[start, end)`, unless it fails on the way. */
  feed(bytes: Buffer, start: number, end: number): void {
    let p = start;
    while (this.failure === null) {
      if (this.state === atData) p = this.readData(bytes, p, end);
      else if (this.state === atSkip) p = this.skip(p, end);
      else if (p === end) return;
      else if (this.state === atHeader) p = this.readHeader(bytes, p, end);
      else if (this.state === atPadLength) p = this.readPadLength(bytes, p);
      else p = this.readPayload(bytes, p, end);
      if (p === end && (this.state === atData ? this.dataLeft > 0 : this.skipLeft > 0)) return;
    }
  }

  private readHeader(bytes: Buffer, p: number, end: number): number {
    if (this.gathered === null && end - p >= frameHeaderBytes) {
      this.beginFrame(bytes, p);
      return p + frameHeaderBytes;
    }
    const next = this.gather(bytes, p, end, frameHeaderBytes);
    if (this.gatheredLength === frameHeaderBytes) this.beginFrame(this.takeGathered(), 0);
    return next;
  }

  private beginFrame(bytes: Buffer, at: number): void {
    this.length = readUint24(bytes, at);
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    this.streamId = readUint31(bytes, at + 5);
    if (!this.checkHeader()) return;
    if (this.type === frameData) {
      if ((this.flags & flagPadded) !== 0) this.state = atPadLength;
      else this.beginData(this.length, 0);
    } else if (this.type > frameContinuation) {
      this.handler.onUnknownFrame(this.type, this.streamId);
      this.skipLeft = this.length;
      this.state = atSkip;
    } else if (this.length === 0) {
      this.readWhole(bytes, at, at);
    } else {
      this.state = atPayload;
    }
  }

  /** What can be told from the header alone. */
  private checkHeader(): boolean {
    const { type, streamId, length } = this;
    if (this.first && (type !== frameSettings || (this.flags & flagAck) !== 0)) {
      this.fail(protocolError, "the first frame is no SETTINGS");
    } else if (length > this.limits.frameBytesMax) {
      this.fail(frameSizeError, `frame of ${length} bytes`);
    } else if (
      this.block.open !== (type === frameContinuation) ||
      (this.block.open && this.block.streamId !== streamId)
    ) {
      this.fail(protocolError, "CONTINUATION out of order");
    } else {
      this.checkType(type, streamId, length);
    }
    this.first = false;
    return this.failure === null;
  }

  private checkType(type: number, streamId: number, length: number): void {
    switch (type) {
      case frameData:
      case frameHeaders:
        if (streamId === 0) this.fail(protocolError, "frame without a stream");
        else if ((this.flags & flagPadded) !== 0 && length === 0)
          this.fail(frameSizeError, "no room for padding");
        return;
      case framePriority:
        if (streamId === 0) this.fail(protocolError, "PRIORITY without a stream");
        return;
      case frameRstStream:
        if (streamId === 0) this.fail(protocolError, "RST_STREAM without a stream");
        else if (length !== 4) this.fail(frameSizeError, `RST_STREAM of ${length} bytes`);
        return;
      case frameSettings:
        this.checkSettings(streamId, length);
        return;
      case framePushPromise:
        // No server may push to us: our SETTINGS say so; and a client never may (section 8.4).
        this.fail(protocolError, "PUSH_PROMISE");
        return;
      case framePing:
        if (streamId !== 0) this.fail(protocolError, "PING on a stream");
        else if (length !== pingBytes) this.fail(frameSizeError, `PING of ${length} bytes`);
        return;
      case frameGoAway:
        if (streamId !== 0) this.fail(protocolError, "GOAWAY on a stream");
        else if (length < 8) this.fail(frameSizeError, `GOAWAY of ${length} bytes`);
        return;
      case frameWindowUpdate:
        if (length !== 4) this.fail(frameSizeError, `WINDOW_UPDATE of ${length} bytes`);
        return;
      default:
    }
  }

  private checkSettings(streamId: number, length: number): void {
    if (streamId !== 0) this.fail(protocolError, "SETTINGS on a stream");
    else if ((this.flags & flagAck) !== 0 && length !== 0)
      this.fail(frameSizeError, "SETTINGS ack with a payload");
    else if (length % 6 !== 0) this.fail(frameSizeError, `SETTINGS of ${length} bytes`);
    else if (length / 6 > this.limits.settingsPerFrameMax) {
      this.fail(enhanceYourCalm, `${length / 6} settings in a frame`);
    }
  }

  private readPadLength(bytes: Buffer, p: number): number {
    const padding = bytes[p]!;
    if (padding >= this.length) this.fail(protocolError, "padding longer than the frame");
    else this.beginData(this.length - 1 - padding, padding);
    return p + 1;
  }

  private beginData(dataBytes: number, padding: number): void {
    this.dataLeft = dataBytes;
    this.skipLeft = padding;
    this.inData = true;
    this.state = atData;
    const endStream = (this.flags & flagEndStream) !== 0;
    this.handler.onDataStart(this.streamId, this.length, dataBytes, endStream);
  }

  private readData(bytes: Buffer, p: number, end: number): number {
    const piece = Math.min(end - p, this.dataLeft);
    this.dataLeft -= piece;
    if (piece > 0) this.handler.onDataPiece(bytes, p, p + piece);
    if (this.dataLeft === 0) this.state = atSkip;
    return p + piece;
  }

  private skip(p: number, end: number): number {
    const piece = Math.min(end - p, this.skipLeft);
    this.skipLeft -= piece;
    if (this.skipLeft === 0) {
      this.state = atHeader;
      if (this.inData) {
        this.inData = false;
        this.handler.onDataEnd();
      }
    }
    return p + piece;
  }

  private readPayload(bytes: Buffer, p: number, end: number): number {
    if (this.gathered === null && end - p >= this.length) {
      this.readWhole(bytes, p, p + this.length);
      return p + this.length;
    }
    const next = this.gather(bytes, p, end, this.length);
    if (this.gatheredLength === this.length) this.readWhole(this.takeGathered(), 0, this.length);
    return next;
  }

  private gather(bytes: Buffer, p: number, end: number, length: number): number {
    this.gathered ??= Buffer.allocUnsafe(length);
    const piece = Math.min(end - p, length - this.gatheredLength);
    bytes.copy(this.gathered, this.gatheredLength, p, p + piece);
    this.gatheredLength += piece;
    return p + piece;
  }

  private takeGathered(): Buffer {
    const bytes = this.gathered!;
    this.gathered = null;
    this.gatheredLength = 0;
    return bytes;
  }

  /** The payload is `[start, end)`. */
  private readWhole(bytes: Buffer, start: number, end: number): void {
    this.state = atHeader;
    const { handler, streamId } = this;
    const ack = (this.flags & flagAck) !== 0;
    switch (this.type) {
      case frameHeaders:
        this.readHeaders(bytes, start, end);
        return;
      case frameContinuation:
        this.addToBlock(bytes, start, end);
        return;
      case framePriority:
        if (end - start === priorityBytes) handler.onPriority(streamId);
        else handler.onStreamError(streamId, frameSizeError, `PRIORITY of ${end - start} bytes`);
        return;
      case frameRstStream:
        handler.onRstStream(streamId, readUint32(bytes, start));
        return;
      case frameSettings:
        if (ack) handler.onSettingsAck();
        else handler.onSettings(bytes, start, end);
        return;
      case framePing:
        handler.onPing(ack, bytes, start);
        return;
      case frameGoAway:
        handler.onGoAway(readUint31(bytes, start), readUint32(bytes, start + 4));
        return;
      default:
        this.readWindowUpdate(readUint31(bytes, start));
    }
  }

  private readWindowUpdate(increment: number): void {
    if (increment > 0) this.handler.onWindowUpdate(this.streamId, increment);
    else if (this.streamId === 0) this.fail(protocolError, "WINDOW_UPDATE of 0");
    else this.handler.onStreamError(this.streamId, protocolError, "WINDOW_UPDATE of 0");
  }

  /** Padding and the old priority fields (section 6.2) are stepped over. */
  private readHeaders(bytes: Buffer, start: number, end: number): void {
    let from = start;
    let to = end;
    if ((this.flags & flagPadded) !== 0) to -= bytes[from++]!;
    if ((this.flags & flagPriority) !== 0) from += priorityBytes;
    if (from > to) {
      this.fail(protocolError, "HEADERS shorter than its padding and priority");
      return;
    }
    const endStream = (this.flags & flagEndStream) !== 0;
    if ((this.flags & flagEndHeaders) !== 0) {
      this.handler.onFieldBlock(this.streamId, endStream, bytes, from, to);
      return;
    }
    this.block.begin(this.streamId, endStream);
    if (!this.block.add(bytes, from, to)) this.fail(enhanceYourCalm, this.block.tooMuch);
  }

  private addToBlock(bytes: Buffer, start: number, end: number): void {
    const { block } = this;
    block.continuations++;
    if (!block.add(bytes, start, end)) {
      this.fail(enhanceYourCalm, block.tooMuch);
    } else if ((this.flags & flagEndHeaders) !== 0) {
      const whole = block.take();
      this.handler.onFieldBlock(this.streamId, block.endStream, whole, 0, whole.length);
    }
  }
}
