// Error codes of RST_STREAM and GOAWAY (RFC 9113, section 7).

/** NO_ERROR: a graceful end. */
export const noError = 0x0;
/** PROTOCOL_ERROR: a rule was broken for which there is no closer code. */
export const protocolError = 0x1;
/** INTERNAL_ERROR: who sends it could not go on, through no fault of the peer. */
export const internalError = 0x2;
/** FLOW_CONTROL_ERROR: more data than the window allowed, or a window above 2^31 - 1. */
export const flowControlError = 0x3;
const settingsTimeout = 0x4;
/** STREAM_CLOSED: a frame for a stream that is closed, or that its sender had ended. */
export const streamClosed = 0x5;
/** FRAME_SIZE_ERROR: a frame's length is above the limit, or wrong for its type. */
export const frameSizeError = 0x6;
/** REFUSED_STREAM: nothing was done about the request, which may be sent again (section 8.7). */
export const refusedStream = 0x7;
/** CANCEL: the stream is not wanted any more. */
export const cancel = 0x8;
/** COMPRESSION_ERROR: a field block is no HPACK; it ends the connection (section 4.3). */
export const compressionError = 0x9;
const connectError = 0xa;
/** ENHANCE_YOUR_CALM: the peer makes too much work. */
export const enhanceYourCalm = 0xb;
const inadequateSecurity = 0xc;
const http11Required = 0xd;

const names: Readonly<Record<number, string>> = {
  [noError]: "NO_ERROR",
  [protocolError]: "PROTOCOL_ERROR",
  [internalError]: "INTERNAL_ERROR",
  [flowControlError]: "FLOW_CONTROL_ERROR",
  [settingsTimeout]: "SETTINGS_TIMEOUT",
  [streamClosed]: "STREAM_CLOSED",
  [frameSizeError]: "FRAME_SIZE_ERROR",
  [refusedStream]: "REFUSED_STREAM",
  [cancel]: "CANCEL",
  [compressionError]: "COMPRESSION_ERROR",
  [connectError]: "CONNECT_ERROR",
  [enhanceYourCalm]: "ENHANCE_YOUR_CALM",
  [inadequateSecurity]: "INADEQUATE_SECURITY",
  [http11Required]: "HTTP_1_1_REQUIRED",
};

/** The code's name as the RFC writes it; a number in hexadecimal for one that the RFC does not know. */
export function errorCodeName(code: number): string {
  return names[code] ?? `0x${code.toString(16)}`;
}

/** What ends a connection: the code that GOAWAY tells, and why, in words for a log. */
export interface Http2Failure {
  readonly code: number;
  readonly reason: string;
}
