import {
  flagAck,
  flagEndHeaders,
  flagEndStream,
  frameContinuation,
  frameData,
  frameGoAway,
  frameHeaderBytes,
  frameHeaders,
  framePing,
  frameRstStream,
  frameSettings,
  frameWindowUpdate,
  writeFrameHeader,
  writeUint32,
} from "./frame.ts";
import { returnScratch, scratchBytes, takeScratch } from "./scratch.ts";

/** Where a session's bytes go. */
export interface Http2Sink {
  /**
   * Takes all of `bytes`, whose memory is used again after the call. False means: take no more data, until the
   * owner tells the session by `onDrain`.
   */
  write(bytes: Buffer): boolean;
}

/**
 * Writes frames into a scratch buffer, so that all that comes of one turn goes out in one write. It is sent before
 * when it is full. Nothing is held while there is nothing to send.
 */
export class FrameWriter {
  private readonly sink: Http2Sink;
  private scratch: Buffer | null = null;
  private length = 0;
  /** The sink said that it has enough. */
  blocked = false;
  /** Frames written while the sink was blocked, data apart. */
  unreadAnswers = 0;

  constructor(sink: Http2Sink) {
    this.sink = sink;
  }

  /** Bytes that wait for `flush`. */
  get pending(): number {
    return this.length;
  }

  /** Hands the sink all that has been written, in one call; sets `blocked` when the sink has enough after it. */
  flush(): void {
    const { scratch, length } = this;
    if (scratch === null) return;
    // The sink may come back to here.
    this.scratch = null;
    this.length = 0;
    if (length > 0 && !this.sink.write(scratch.subarray(0, length))) this.blocked = true;
    returnScratch(scratch);
  }

  /** The sink takes data again. */
  onDrain(): void {
    this.blocked = false;
    this.unreadAnswers = 0;
  }

  /** Writes bytes as they are, no more than the scratch buffer holds: the client's preface (RFC 9113, section 3.4). */
  raw(bytes: Buffer): void {
    const at = this.reserve(bytes.length);
    bytes.copy(this.scratch!, at);
  }

  /** A DATA frame; the caller has asked the windows and kept to the peer's frame size. */
  data(streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const flags = endStream ? flagEndStream : 0;
    const at = this.header(end - start, frameData, flags, streamId);
    bytes.copy(this.scratch!, at, start, end);
  }

  /**
   * A field block as HEADERS and as many CONTINUATION as it needs, which nothing may come between.
   * @returns the bytes of these frames
   */
  headers(streamId: number, block: Buffer, endStream: boolean, frameBytesMax: number): number {
    let from = 0;
    let bytes = 0;
    do {
      const to = Math.min(block.length, from + frameBytesMax);
      let flags = to === block.length ? flagEndHeaders : 0;
      if (from === 0 && endStream) flags |= flagEndStream;
      const at = this.header(to - from, from === 0 ? frameHeaders : frameContinuation, flags, streamId);
      block.copy(this.scratch!, at, from, to);
      bytes += frameHeaderBytes + to - from;
      from = to;
    } while (from < block.length);
    return bytes;
  }

  /** SETTINGS with these values, in their order (RFC 9113, section 6.5). */
  settings(values: readonly (readonly [id: number, value: number])[]): void {
    let at = this.header(values.length * 6, frameSettings, 0, 0);
    for (const [id, value] of values) {
      this.scratch![at] = id >>> 8;
      this.scratch![at + 1] = id;
      writeUint32(this.scratch!, value, at + 2);
      at += 6;
    }
  }

  /** SETTINGS with ACK: the peer's settings are in force here. An answer, counted while the sink is blocked. */
  settingsAck(): void {
    this.answer();
    this.header(0, frameSettings, flagAck, 0);
  }

  /** PING with the eight bytes from `start` (RFC 9113, section 6.7). With `ack` it is an answer, and counted as one. */
  ping(ack: boolean, bytes: Buffer, start: number): void {
    if (ack) this.answer();
    const at = this.header(8, framePing, ack ? flagAck : 0, 0);
    bytes.copy(this.scratch!, at, start, start + 8);
  }

  /** RST_STREAM (RFC 9113, section 6.4). Counted as an answer while the sink is blocked. */
  rstStream(streamId: number, code: number): void {
    this.answer();
    const at = this.header(4, frameRstStream, 0, streamId);
    writeUint32(this.scratch!, code, at);
  }

  /** WINDOW_UPDATE (RFC 9113, section 6.9): the peer may send so many bytes more. `streamId` 0: on the connection. */
  windowUpdate(streamId: number, increment: number): void {
    this.answer();
    const at = this.header(4, frameWindowUpdate, 0, streamId);
    writeUint32(this.scratch!, increment, at);
  }

  /**
   * GOAWAY (RFC 9113, section 6.8).
   * @param lastStreamId the highest id of the peer's streams that is or may be looked at
   * @param words debug data: why, in ISO-8859-1
   */
  goAway(lastStreamId: number, code: number, words: string): void {
    const debug = Buffer.from(words, "latin1");
    const at = this.header(8 + debug.length, frameGoAway, 0, 0);
    writeUint32(this.scratch!, lastStreamId, at);
    writeUint32(this.scratch!, code, at + 4);
    debug.copy(this.scratch!, at + 8);
  }

  private answer(): void {
    if (this.blocked) this.unreadAnswers++;
  }

  /** Makes room for a whole frame and writes its header; returns where its payload goes. */
  private header(length: number, type: number, flags: number, streamId: number): number {
    const at = this.reserve(frameHeaderBytes + length);
    return writeFrameHeader(this.scratch!, at, length, type, flags, streamId);
  }

  private reserve(bytes: number): number {
    if (this.length + bytes > scratchBytes) this.flush();
    this.scratch ??= takeScratch();
    const at = this.length;
    this.length += bytes;
    return at;
  }
}
