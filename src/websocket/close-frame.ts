import { isUtf8 } from "node:buffer";
import {
  CLOSE_INVALID_DATA,
  CLOSE_NO_STATUS,
  CLOSE_PROTOCOL_ERROR,
  isSendableCloseCode,
} from "./close-codes.ts";

/** What a close frame says (RFC 6455, section 5.5.1). */
export interface CloseFrame {
  /** 1005 when it has none; as it came, even if it must not stand there. */
  readonly code: number;
  readonly reason: string;
}

/** A rule of RFC 6455 that was broken. */
export interface Violation {
  readonly rule: string;
  /** The close code that answers it. */
  readonly code: number;
}

/** Reads the payload of a close frame, unmasked. */
export function readClose(payload: Buffer): CloseFrame {
  if (payload.length < 2) return { code: CLOSE_NO_STATUS, reason: "" };
  return { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
}

/** What is wrong with the payload of a close frame; null when nothing is (RFC 6455, sections 5.5.1 and 7.4). */
export function judgeClose(payload: Buffer): Violation | null {
  if (payload.length === 0) return null;
  if (payload.length === 1) return { rule: "close frame with one byte", code: CLOSE_PROTOCOL_ERROR };
  if (!isSendableCloseCode(payload.readUInt16BE(0)))
    return { rule: "invalid close code", code: CLOSE_PROTOCOL_ERROR };
  if (!isUtf8(payload.subarray(2))) return { rule: "close reason is not UTF-8", code: CLOSE_INVALID_DATA };
  return null;
}
