import { isUtf8 } from "node:buffer";
import {
  CLOSE_INVALID_DATA,
  CLOSE_NO_STATUS,
  CLOSE_PROTOCOL_ERROR,
  CLOSE_TOO_BIG,
  isSendableCloseCode,
} from "./close-codes.ts";

/** A further frame of a message (RFC 6455 section 5.2; so are the other opcodes). */
export const OPCODE_CONTINUATION = 0;
/** The first frame of a message that is text in UTF-8. */
export const OPCODE_TEXT = 1;
/** The first frame of a message that is bytes. */
export const OPCODE_BINARY = 2;
/** The last frame of a direction; its payload is a close code and a reason, or nothing. */
export const OPCODE_CLOSE = 8;
/** Asks for a pong with the same payload. */
export const OPCODE_PING = 9;
/** Answers a ping, or comes unasked as a sign of life. */
export const OPCODE_PONG = 10;

/** Payload of a control frame, bytes (RFC 6455, section 5.5). */
export const CONTROL_PAYLOAD_MAX = 125;

/** Whose frames are read, and what they may be. */
export interface FrameScannerOptions {
  /** Frames from a client must be masked, frames from a server must not. */
  readonly from: "client" | "server";
  /** An extension that uses RSV1 on the first frame of a message was agreed (permessage-deflate). */
  readonly rsv1Allowed?: boolean;
  /** Payload bytes of one message, all its frames together; above it is an error with code 1009. */
  readonly messageBytesMax?: number;
}

/** Takes what the scanner finds, for owners that want more than its counters. */
export interface FrameObserver {
  /** The header is complete: `opcode`, `fin`, `payloadLength` and the mask are those of this frame. */
  onFrameStart(scanner: FrameScanner): void;
  /**
   * A piece of payload, still masked: byte `start` is number `scanner.payloadOffset` of the payload.
   * Not called for close frames.
   */
  onPayload(scanner: FrameScanner, bytes: Uint8Array, start: number, end: number): void;
  /** The frame is complete. */
  onFrameEnd(scanner: FrameScanner): void;
}

const FIRST_BYTE = 0;
const SECOND_BYTE = 1;
const LENGTH = 2;
const MASK = 3;
const PAYLOAD = 4;
/** After a close frame or an error: what follows means nothing. */
const OVER = 5;

/**
 * Follows the frames of one direction of a WebSocket connection through any cuts, in constant memory, and
 * without allocating anything per chunk. It looks at headers, and reads the payload of close frames alone.
 */
export class FrameScanner {
  readonly #masked: boolean;
  readonly #rsv1Allowed: boolean;
  readonly #messageBytesMax: number;
  readonly #observer: FrameObserver | null;
  #step = FIRST_BYTE;
  #lengthBytes = 0;
  #maskBytes = 0;
  #closePayload: Buffer | null = null;

  /** The frame that is being read, or was read last. */
  opcode = 0;
  fin = false;
  rsv1 = false;
  payloadLength = 0;
  /** Bytes of the payload that have gone by. */
  payloadOffset = 0;
  /** The mask's four bytes; the first is the most significant. 0 for unmasked frames. */
  mask = 0;

  /** A message has begun and its last frame has not. */
  inMessage = false;
  /** Opcode of the message that is being read, or was read last: text or binary. */
  messageOpcode = 0;
  /** Payload bytes of that message so far. */
  messageBytes = 0;

  /** Complete frames of any kind. */
  frames = 0;
  /** Complete messages. */
  messages = 0;
  pings = 0;
  pongs = 0;
  /** Payload bytes of text and binary messages. */
  payloadBytes = 0;
  /**
   * Index after the last frame that ended in the chunk scanned last; -1 when none did. There, frames of
   * one's own may be put into the stream, as long as they are control frames.
   */
  boundary = -1;

  /** Code of the close frame, 1005 when it had none; 0 before one came. */
  closeCode = 0;
  closeReason = "";
  /** What broke RFC 6455, and the close code that answers it; "" and 0 while nothing did. */
  error = "";
  errorCode = 0;

  constructor(options: FrameScannerOptions, observer: FrameObserver | null = null) {
    this.#masked = options.from === "client";
    this.#rsv1Allowed = options.rsv1Allowed === true;
    this.#messageBytesMax = options.messageBytesMax ?? Number.MAX_SAFE_INTEGER;
    this.#observer = observer;
  }

  /** True between two frames. */
  get atBoundary(): boolean {
    return this.#step === FIRST_BYTE;
  }

  /** True after a close frame or an error: nothing more is scanned. */
  get over(): boolean {
    return this.#step === OVER;
  }

  /** Reads on in `bytes[start, end)`. @returns how many bytes were read; less than given once `over` */
  scan(bytes: Uint8Array, start: number, end: number): number {
    let p = start;
    this.boundary = -1;
    while (p < end) {
      const step = this.#step;
      if (step === PAYLOAD) {
        p = this.#payload(bytes, p, end);
        continue;
      }
      if (step === OVER) break;
      const byte = bytes[p]!;
      p++;
      if (step === FIRST_BYTE) this.#firstByte(byte);
      else if (step === SECOND_BYTE) this.#secondByte(byte);
      else if (step === LENGTH) this.#lengthByte(byte);
      else this.#maskByte(byte);
      // A frame without payload ends with its header.
      if (this.#step === PAYLOAD && this.payloadLength === 0) this.#endFrame(p);
    }
    return p - start;
  }

  #firstByte(byte: number): void {
    const opcode = byte & 0x0f;
    this.fin = (byte & 0x80) !== 0;
    this.rsv1 = (byte & 0x40) !== 0;
    this.opcode = opcode;
    this.payloadOffset = 0;
    this.#step = SECOND_BYTE;
    if ((byte & 0x30) !== 0) return this.#fail("reserved bits are set");
    if (opcode >= OPCODE_CLOSE) {
      if (opcode > OPCODE_PONG) return this.#fail("unknown opcode");
      if (!this.fin) return this.#fail("fragmented control frame");
    } else if (opcode > OPCODE_BINARY) {
      return this.#fail("unknown opcode");
    } else if (opcode === OPCODE_CONTINUATION) {
      if (!this.inMessage) return this.#fail("continuation without a message");
    } else {
      if (this.inMessage) return this.#fail("new message inside a message");
      this.messageOpcode = opcode;
      this.messageBytes = 0;
    }
    const mayUseRsv1 = this.#rsv1Allowed && (opcode === OPCODE_TEXT || opcode === OPCODE_BINARY);
    if (this.rsv1 && !mayUseRsv1) this.#fail("reserved bits are set");
  }

  #secondByte(byte: number): void {
    const masked = (byte & 0x80) !== 0;
    if (masked !== this.#masked) {
      return this.#fail(masked ? "masked frame from a server" : "unmasked frame from a client");
    }
    const length = byte & 0x7f;
    this.mask = 0;
    this.#maskBytes = 0;
    if (length <= CONTROL_PAYLOAD_MAX) {
      this.payloadLength = length;
      return this.#endLength();
    }
    if (this.opcode >= OPCODE_CLOSE) return this.#fail("too long control frame");
    this.payloadLength = 0;
    this.#lengthBytes = length === 126 ? 2 : 8;
    this.#step = LENGTH;
  }

  #lengthByte(byte: number): void {
    this.payloadLength = this.payloadLength * 256 + byte;
    if (this.payloadLength > Number.MAX_SAFE_INTEGER) return this.#fail("too long frame", CLOSE_TOO_BIG);
    this.#lengthBytes--;
    if (this.#lengthBytes === 0) this.#endLength();
  }

  #endLength(): void {
    if (this.opcode < OPCODE_CLOSE && this.messageBytes + this.payloadLength > this.#messageBytesMax) {
      return this.#fail("too long message", CLOSE_TOO_BIG);
    }
    if (this.#masked) this.#step = MASK;
    else this.#startPayload();
  }

  #maskByte(byte: number): void {
    this.mask = ((this.mask << 8) | byte) >>> 0;
    if (++this.#maskBytes === 4) this.#startPayload();
  }

  #startPayload(): void {
    this.#step = PAYLOAD;
    this.#observer?.onFrameStart(this);
  }

  #payload(bytes: Uint8Array, start: number, end: number): number {
    const pieceEnd = Math.min(end, start + this.payloadLength - this.payloadOffset);
    if (this.opcode === OPCODE_CLOSE) this.#keepClosePayload(bytes, start, pieceEnd);
    else this.#observer?.onPayload(this, bytes, start, pieceEnd);
    const taken = pieceEnd - start;
    this.payloadOffset += taken;
    if (this.opcode < OPCODE_CLOSE) {
      this.messageBytes += taken;
      this.payloadBytes += taken;
    }
    if (this.payloadOffset === this.payloadLength) this.#endFrame(pieceEnd);
    return pieceEnd;
  }

  #endFrame(p: number): void {
    this.#step = FIRST_BYTE;
    this.frames++;
    this.boundary = p;
    if (this.opcode === OPCODE_CLOSE) this.#readClose();
    else if (this.opcode === OPCODE_PING) this.pings++;
    else if (this.opcode === OPCODE_PONG) this.pongs++;
    else {
      this.inMessage = !this.fin;
      if (this.fin) this.messages++;
    }
    if (this.error === "") this.#observer?.onFrameEnd(this);
  }

  #keepClosePayload(bytes: Uint8Array, start: number, end: number): void {
    this.#closePayload ??= Buffer.alloc(CONTROL_PAYLOAD_MAX);
    let at = this.payloadOffset;
    for (let p = start; p < end; p++, at++) this.#closePayload[at] = bytes[p]! ^ maskByteAt(this.mask, at);
  }

  #readClose(): void {
    this.#step = OVER;
    const payload = this.#closePayload;
    if (payload === null) {
      this.closeCode = CLOSE_NO_STATUS;
      return;
    }
    if (this.payloadLength === 1) return this.#fail("close frame with one byte");
    const code = payload.readUInt16BE(0);
    const reason = payload.subarray(2, this.payloadLength);
    if (!isSendableCloseCode(code)) return this.#fail("invalid close code");
    if (!isUtf8(reason)) return this.#fail("close reason is not UTF-8", CLOSE_INVALID_DATA);
    this.closeCode = code;
    this.closeReason = reason.toString("utf8");
  }

  #fail(error: string, code: number = CLOSE_PROTOCOL_ERROR): void {
    this.#step = OVER;
    this.error = error;
    this.errorCode = code;
  }
}

/** Byte number `offset` of a mask that repeats every four bytes. */
export function maskByteAt(mask: number, offset: number): number {
  return (mask >>> (24 - 8 * (offset & 3))) & 0xff;
}
