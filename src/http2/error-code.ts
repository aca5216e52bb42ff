/** Error codes of RST_STREAM and GOAWAY (RFC 9113, section 7). */
export const noError = 0x0;
export const protocolError = 0x1;
export const internalError = 0x2;
export const flowControlError = 0x3;
const settingsTimeout = 0x4;
export const streamClosed = 0x5;
export const frameSizeError = 0x6;
export const refusedStream = 0x7;
export const cancel = 0x8;
export const compressionError = 0x9;
const connectError = 0xa;
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
