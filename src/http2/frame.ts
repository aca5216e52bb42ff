// Frame types (RFC 9113, section 6). Others are skipped.

/** DATA (section 6.1): a piece of a body. */
export const frameData = 0x0;
/** HEADERS (section 6.2): a head or trailers, or the beginning of them. */
export const frameHeaders = 0x1;
/** PRIORITY (section 6.3): deprecated; it is checked and counted, and changes nothing. */
export const framePriority = 0x2;
/** RST_STREAM (section 6.4): ends one stream. */
export const frameRstStream = 0x3;
/** SETTINGS (section 6.5): what its sender wants kept to; or, with ACK, that it has been read. */
export const frameSettings = 0x4;
/** PUSH_PROMISE (section 6.6): never sent here, and an error when it comes. */
export const framePushPromise = 0x5;
/** PING (section 6.7): eight bytes that the peer has to send back. */
export const framePing = 0x6;
/** GOAWAY (section 6.8): no new streams, and which of the old ones are still looked at. */
export const frameGoAway = 0x7;
/** WINDOW_UPDATE (section 6.9): room for more data, of a stream or of the connection. */
export const frameWindowUpdate = 0x8;
/** CONTINUATION (section 6.10): goes on with the field block of HEADERS. */
export const frameContinuation = 0x9;

// Flags; a bit means different things on different types.

/** END_STREAM, of DATA and HEADERS: its sender sends nothing more on the stream. */
export const flagEndStream = 0x1;
/** ACK, of SETTINGS and PING: the answer to the peer's. */
export const flagAck = 0x1;
/** END_HEADERS, of HEADERS and CONTINUATION: the field block ends with the frame. */
export const flagEndHeaders = 0x4;
/** PADDED, of DATA and HEADERS: the payload's first byte tells how much padding is at its end. */
export const flagPadded = 0x8;
/** PRIORITY, of HEADERS: five bytes of priority stand before the field block (section 6.2). */
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

/** The unsigned number in the three bytes from `at`, the highest first. */
export function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/** The unsigned number in the four bytes from `at`, the highest first. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** 31 bits: the first one is reserved and ignored. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & windowLargest;
}

/** Writes an unsigned number as four bytes from `at`, the highest first. */
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
