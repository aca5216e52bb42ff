import { isUtf8 } from "node:buffer";
import { CLOSE_INVALID_DATA } from "./close-codes.ts";
import { applyMask } from "./frame-writer.ts";
import {
  CONTROL_PAYLOAD_MAX,
  FrameScanner,
  OPCODE_CLOSE,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
} from "./frames.ts";
import type { FrameObserver } from "./frames.ts";

/** What an endpoint of a WebSocket connection reads. The bytes are valid only during the call. */
export interface MessageSink {
  onMessage(data: Buffer, isText: boolean): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** The peer's close frame; the code is 1005 when it had none. */
  onCloseFrame(code: number, reason: string): void;
  /** The peer broke the rules; `code` is what to close with. */
  onViolation(code: number, error: string): void;
}

const FIRST_BUFFER_BYTES = 4096;

/** Puts messages together from frames, up to a limit. For endpoints: a tunnel only scans. */
export class MessageReader implements FrameObserver {
  readonly #sink: MessageSink;
  readonly #scanner: FrameScanner;
  readonly #control = Buffer.alloc(CONTROL_PAYLOAD_MAX);
  #message: Buffer = Buffer.alloc(0);
  #messageBytes = 0;
  #told = false;

  /** @param from whose frames are read */
  constructor(from: "client" | "server", messageBytesMax: number, sink: MessageSink) {
    this.#sink = sink;
    this.#scanner = new FrameScanner({ from, messageBytesMax }, this);
  }

  /** Reads on in `bytes[start, end)`. After a violation, which is told once, nothing more is read. */
  read(bytes: Uint8Array, start: number, end: number): void {
    const scanner = this.#scanner;
    scanner.scan(bytes, start, end);
    if (scanner.error === "" || this.#told) return;
    this.#told = true;
    this.#sink.onViolation(scanner.errorCode, scanner.error);
  }

  onFrameStart(_scanner: FrameScanner): void {}

  onPayload(scanner: FrameScanner, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    let target: Buffer = this.#control;
    let at = scanner.payloadOffset;
    if (scanner.opcode < OPCODE_CLOSE) {
      at = this.#messageBytes;
      target = this.#room(at + length);
      this.#messageBytes = at + length;
    }
    target.set(bytes.subarray(start, end), at);
    applyMask(target, at, at + length, scanner.mask, scanner.payloadOffset);
  }

  onFrameEnd(scanner: FrameScanner): void {
    switch (scanner.opcode) {
      case OPCODE_PING:
        return this.#sink.onPing(this.#control.subarray(0, scanner.payloadLength));
      case OPCODE_PONG:
        return this.#sink.onPong(this.#control.subarray(0, scanner.payloadLength));
      case OPCODE_CLOSE:
        return this.#sink.onCloseFrame(scanner.closeCode, scanner.closeReason);
      default:
        if (scanner.fin) this.#endMessage(scanner.messageOpcode === OPCODE_TEXT);
    }
  }

  #endMessage(isText: boolean): void {
    const data = this.#message.subarray(0, this.#messageBytes);
    this.#messageBytes = 0;
    if (this.#told) return;
    if (!isText || isUtf8(data)) {
      this.#sink.onMessage(data, isText);
      return;
    }
    this.#told = true;
    this.#sink.onViolation(CLOSE_INVALID_DATA, "text message is not UTF-8");
  }

  #room(bytes: number): Buffer {
    if (bytes <= this.#message.length) return this.#message;
    const larger = Buffer.allocUnsafe(Math.max(FIRST_BUFFER_BYTES, 2 * bytes));
    this.#message.copy(larger, 0, 0, this.#messageBytes);
    this.#message = larger;
    return larger;
  }
}
