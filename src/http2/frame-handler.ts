/**
 * What a frame reader has read. Frames that come here are well-formed for themselves: lengths, padding, stream
 * ids that must or must not be 0, and the order of CONTINUATION have been checked. Bytes are valid only
 * during the call.
 */
export interface FrameHandler {
  /**
   * A DATA frame begins.
   * @param flowBytes what counts for flow control: data and padding
   * @param dataBytes the data alone
   */
  onDataStart(streamId: number, flowBytes: number, dataBytes: number, endStream: boolean): void;
  /** A piece of the data, never empty. */
  onDataPiece(bytes: Buffer, start: number, end: number): void;
  /** The frame is over, its padding, too. */
  onDataEnd(): void;
  /** A field block that is complete: of HEADERS and all its CONTINUATION frames. */
  onFieldBlock(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void;
  onPriority(streamId: number): void;
  onRstStream(streamId: number, code: number): void;
  /** The payload is a whole number of settings of six bytes. */
  onSettings(bytes: Buffer, start: number, end: number): void;
  onSettingsAck(): void;
  /** Eight bytes from `start`. */
  onPing(ack: boolean, bytes: Buffer, start: number): void;
  onGoAway(lastStreamId: number, code: number): void;
  /** `streamId` 0: of the connection. `increment` is not 0. */
  onWindowUpdate(streamId: number, increment: number): void;
  /** A frame of a type that is not known; it is skipped. */
  onUnknownFrame(type: number, streamId: number): void;
  /** A frame that is wrong for its stream alone; the connection goes on. */
  onStreamError(streamId: number, code: number, reason: string): void;
}
