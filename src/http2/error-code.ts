/** Error codes of RST_STREAM and GOAWAY (RFC 9113, section 7). */
export const noError = 0x0;
export const protocolError = 0x1;
export const internalError = 0x2;
export const flowControlError = 0x3;
export const settingsTimeout = 0x4;
export const streamClosed = 0x5;
export const frameSizeError = 0x6;
export const refusedStream = 0x7;
export const cancel = 0x8;
export const compressionError = 0x9;
export const connectError = 0xa;
export const enhanceYourCalm = 0xb;
export const inadequateSecurity = 0xc;
export const http11Required = 0xd;

const names = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** The code's name as the RFC writes it; a number in hexadecimal for one that the RFC does not know. */
export function errorCodeName(code: number): string {
  return names[code] ?? `0x${code.toString(16)}`;
}

/** What ends a connection: the code that GOAWAY tells, and why, in words for a log. */
export interface Http2Failure {
  readonly code: number;
  readonly reason: string;
}
