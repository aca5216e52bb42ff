/** Frame types (RFC 9113, section 6). Others are skipped. */
export const frameData = 0x0;
export const frameHeaders = 0x1;
export const framePriority = 0x2;
export const frameRstStream = 0x3;
export const frameSettings = 0x4;
export const framePushPromise = 0x5;
export const framePing = 0x6;
export const frameGoAway = 0x7;
export const frameWindowUpdate = 0x8;
export const frameContinuation = 0x9;

/** Flags; a bit means different things on different types. */
export const flagEndStream = 0x1;
export const flagAck = 0x1;
export const flagEndHeaders = 0x4;
export const flagPadded = 0x8;
export const flagPriority = 0x20;

/** Bytes of a frame's header (section 4.1). */
export const frameHeaderBytes = 9;
/** The largest payload that everybody has to take (section 4.2). */
export const frameBytesDefault = 16_384;
/** The largest payload that can be asked for. */
export const frameBytesLargest = 16_777_215;
/** The window of a stream and of a connection before anybody says otherwise (section 6.9.2). */
export const windowDefault = 65_535;
/** The largest window, increment and stream id: 2^31 - 1. */
export const windowLargest = 0x7fff_ffff;

export function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** 31 bits: the first one is reserved and ignored. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & windowLargest;
}

export function writeUint32(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes a frame's header; returns the index after it. */
export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, streamId, at + 5);
  return at + frameHeaderBytes;
}
