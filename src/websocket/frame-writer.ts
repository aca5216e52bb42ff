import { CLOSE_NO_STATUS } from "./close-codes.ts";
import { CONTROL_PAYLOAD_MAX, maskByteAt, OPCODE_CLOSE, OPCODE_PING, OPCODE_PONG } from "./frames.ts";

const FIN = 0x80;
const RSV1 = 0x40;
const MASKED = 0x80;

/** The first bits and the mask of a frame; a final, unmasked frame without RSV1 by default. */
export interface FrameOptions {
  /** False for all frames of a message but the last. */
  readonly fin?: boolean;
  readonly rsv1?: boolean;
  /** Four bytes as a number, for frames that a client sends; null (the default) for a server's. */
  readonly mask?: number | null;
}

/** One frame, header and payload in one buffer. The payload is copied, and masked if there is a mask. */
export function writeFrame(opcode: number, payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const mask = options.mask ?? null;
  const headBytes = headerLength(payload.length) + (mask === null ? 0 : 4);
  const frame = Buffer.allocUnsafe(headBytes + payload.length);
  frame[0] = opcode | (options.fin === false ? 0 : FIN) | (options.rsv1 === true ? RSV1 : 0);
  writeLength(frame, payload.length, mask !== null);
  frame.set(payload, headBytes);
  if (mask !== null) {
    frame.writeUInt32BE(mask, headBytes - 4);
    applyMask(frame, headBytes, frame.length, mask, 0);
  }
  return frame;
}

/** A close frame. Code 1005 stands for none. The reason is cut to what fits, between characters. */
export function writeClose(code: number, reason: string, mask: number | null = null): Buffer {
  if (code === CLOSE_NO_STATUS) return writeFrame(OPCODE_CLOSE, Buffer.alloc(0), { mask });
  const payload = Buffer.alloc(CONTROL_PAYLOAD_MAX);
  payload.writeUInt16BE(code, 0);
  const reasonBytes = payload.write(reason, 2, "utf8");
  return writeFrame(OPCODE_CLOSE, payload.subarray(0, 2 + reasonBytes), { mask });
}

/** A ping with at most 125 bytes of payload. */
export function writePing(payload: Uint8Array, mask: number | null = null): Buffer {
  return writeFrame(OPCODE_PING, payload, { mask });
}

/** A pong with the ping's payload. */
export function writePong(payload: Uint8Array, mask: number | null = null): Buffer {
  return writeFrame(OPCODE_PONG, payload, { mask });
}

/** Masks or unmasks `bytes[start, end)` in place; byte `start` is number `offset` of the payload. */
export function applyMask(bytes: Uint8Array, start: number, end: number, mask: number, offset: number): void {
  const m0 = maskByteAt(mask, offset);
  const m1 = maskByteAt(mask, offset + 1);
  const m2 = maskByteAt(mask, offset + 2);
  const m3 = maskByteAt(mask, offset + 3);
  let p = start;
  for (; p + 3 < end; p += 4) {
    bytes[p]! ^= m0;
    bytes[p + 1]! ^= m1;
    bytes[p + 2]! ^= m2;
    bytes[p + 3]! ^= m3;
  }
  for (let i = offset + (p - start); p < end; p++, i++) bytes[p]! ^= maskByteAt(mask, i);
}

/** Bytes of a frame's header without the mask. */
function headerLength(payloadLength: number): number {
  if (payloadLength <= 125) return 2;
  return payloadLength <= 0xffff ? 4 : 10;
}

function writeLength(frame: Buffer, length: number, masked: boolean): void {
  const maskBit = masked ? MASKED : 0;
  if (length <= 125) {
    frame[1] = maskBit | length;
  } else if (length <= 0xffff) {
    frame[1] = maskBit | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = maskBit | 127;
    frame.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    frame.writeUInt32BE(length >>> 0, 6);
  }
}
