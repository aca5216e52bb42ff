import { RequestHeadReader } from "../http/request-head.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { Clock, Timer } from "../net/clock.ts";
import type { Connection, ConnectionOwner } from "../net/connection.ts";
import { CLOSE_ABNORMAL, CLOSE_NO_STATUS } from "./close-codes.ts";
import { writeClose, writeFrame, writePing, writePong } from "./frame-writer.ts";
import { OPCODE_BINARY, OPCODE_CONTINUATION, OPCODE_TEXT } from "./frames.ts";
import { answerHandshake } from "./handshake.ts";
import { MessageReader } from "./message-reader.ts";
import type { MessageSink } from "./message-reader.ts";

/** What a server is told of all its connections. */
export interface WebSocketServerEvents {
  onOpen?(socket: WebSocketServerConnection, head: RequestHead): void;
  /** `data` is valid only during the call. */
  onMessage(socket: WebSocketServerConnection, data: Buffer, isText: boolean): void;
  onPong?(socket: WebSocketServerConnection, payload: Buffer): void;
  /** Exactly once for each socket that was opened; 1006 when there was no close frame. */
  onClose?(socket: WebSocketServerConnection, code: number, reason: string): void;
  /** The whole answer to a request that is not for a WebSocket; without it the answer is 426. */
  onRequest?(head: RequestHead): Buffer;
}

/** What a connection is served with; limits that are left out have the defaults of this file. */
export interface WebSocketServerOptions {
  readonly clock: Clock;
  readonly events: WebSocketServerEvents;
  /** Payload bytes of one message. */
  readonly messageBytesMax?: number;
  /** Payload bytes of one frame that is sent; larger messages are sent in fragments. */
  readonly frameBytesMax?: number;
  /** For the opening handshake, and for the peer's answer to a close frame. */
  readonly timeoutMs?: number;
}

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
/** The subprotocol that is confirmed is the first one offered. */
const FIRST_TOKEN = /^[^,\s]+/;

/**
 * The server's end of a WebSocket connection: the handshake, messages, pings and the close. Small on
 * purpose: it serves the embedded backends and tests, not the tunnel.
 */
export class WebSocketServerConnection implements ConnectionOwner, MessageSink {
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #events: WebSocketServerEvents;
  readonly #frameBytesMax: number;
  readonly #timeoutMs: number;
  readonly #headReader = new RequestHeadReader();
  readonly #reader: MessageReader;
  #timer: Timer;
  #answered = false;
  #opened = false;
  #closeSent = false;
  #closeCode = CLOSE_ABNORMAL;
  #closeReason = "";

  constructor(connection: Connection, options: WebSocketServerOptions) {
    this.connection = connection;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#frameBytesMax = options.frameBytesMax ?? Number.MAX_SAFE_INTEGER;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#reader = new MessageReader("client", options.messageBytesMax ?? MESSAGE_BYTES_MAX, this);
    this.#timer = this.#startTimer();
  }

  /** Sends a message, in fragments when it is larger than one frame may be. */
  send(data: Uint8Array, isText: boolean): void {
    if (!this.#opened || this.#closeSent) return;
    let opcode = isText ? OPCODE_TEXT : OPCODE_BINARY;
    let from = 0;
    do {
      const end = Math.min(data.length, from + this.#frameBytesMax);
      this.#write(writeFrame(opcode, data.subarray(from, end), { fin: end === data.length }));
      opcode = OPCODE_CONTINUATION;
      from = end;
    } while (from < data.length);
  }

  /** Sends a ping with at most 125 bytes; nothing before the handshake or after a close frame. */
  ping(payload: Uint8Array): void {
    if (this.#opened && !this.#closeSent) this.#write(writePing(payload));
  }

  /** Starts the closing handshake; the connection is dropped if the peer does not answer in time. */
  close(code: number, reason: string): void {
    if (!this.#opened || this.#closeSent) return;
    this.#closeSent = true;
    this.#write(writeClose(code, reason));
    this.#timer = this.#startTimer();
  }

  onData(bytes: Buffer): void {
    let start = 0;
    if (!this.#answered) {
      start = this.#headReader.feed(bytes, 0, bytes.length);
      if (this.#headReader.state === "needMore") return;
      this.#answered = true;
      this.#timer.cancel();
      this.#answer();
    }
    if (this.#opened && start < bytes.length) this.#reader.read(bytes, start, bytes.length);
  }

  onEnd(): void {
    this.connection.shutdown();
  }

  onDrain(): void {
    this.connection.resume();
  }

  onClose(_code: string | null): void {
    this.#timer.cancel();
    if (this.#opened) this.#events.onClose?.(this, this.#closeCode, this.#closeReason);
  }

  onMessage(data: Buffer, isText: boolean): void {
    if (!this.#closeSent) this.#events.onMessage(this, data, isText);
  }

  onPing(payload: Buffer): void {
    if (!this.#closeSent) this.#write(writePong(payload));
  }

  onPong(payload: Buffer): void {
    this.#events.onPong?.(this, payload);
  }

  onCloseFrame(code: number, reason: string): void {
    this.#closeCode = code;
    this.#closeReason = reason;
    this.close(code, code === CLOSE_NO_STATUS ? "" : reason);
    // The server is the one that ends the connection (RFC 6455, section 7.1.1).
    this.connection.shutdown();
  }

  onViolation(code: number, error: string): void {
    this.#closeCode = code;
    this.#closeReason = error;
    this.close(code, error);
    this.connection.shutdown();
  }

  #answer(): void {
    if (this.#headReader.state === "failed") {
      this.#refuse(Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
      return;
    }
    const head = this.#headReader.head;
    const offered = FIRST_TOKEN.exec(head.fields.get("sec-websocket-protocol") ?? "");
    const answer = answerHandshake(head, offered === null ? null : offered[0]);
    const isRequest = !answer.accepted && !head.fields.has("upgrade");
    const other = isRequest ? this.#events.onRequest?.(head) : undefined;
    if (!answer.accepted) {
      this.#refuse(other ?? answer.bytes);
      return;
    }
    this.#write(answer.bytes);
    this.#opened = true;
    this.#events.onOpen?.(this, head);
  }

  #refuse(answer: Buffer): void {
    this.#write(answer);
    this.connection.shutdown();
    this.#timer = this.#startTimer();
  }

  #write(bytes: Buffer): void {
    if (!this.connection.send(bytes)) this.connection.pause();
  }

  #startTimer(): Timer {
    return this.#clock.timer(this.#timeoutMs, () => this.connection.reset());
  }
}
