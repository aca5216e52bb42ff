import type { Socket } from "node:net";
import type { Ledger } from "../ledger.ts";
import { AnswerReader, fieldOf, generationOf } from "./answer.ts";
import { codeOf, dial } from "./dial.ts";
import type { Target } from "./dial.ts";
import { clientFrame, echoing, FrameReader, messageOf, numberOf, opcodes } from "./message.ts";
import type { Conversation, Frame } from "./message.ts";
import { firstDifference } from "./pattern.ts";

const openPatienceMs = 20_000;

/** A Close frame that came, unasked or as an answer. */
export interface CloseSeen {
  /** -1: without a code. */
  readonly code: number;
  readonly reason: string;
  readonly at: number;
}

/** A WebSocket through the gateway that sends numbered messages and checks every byte of their echoes. */
export class Tunnel {
  readonly id: number;
  readonly target: Target;
  /** The configuration under which it was opened, and the worker that accepted it. */
  generation = -1;
  worker = "";
  sent = 0;
  received = 0;
  echoMaxMs = 0;
  /** Close frames of the other side. */
  readonly closes: CloseSeen[] = [];
  /** Resolves when the connection has ended, however. */
  readonly ended: Promise<void>;
  isOpen = false;
  readonly #ledger: Ledger;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #sentAt: number[] = [];
  readonly #conversation: Conversation;
  readonly #opened: Promise<boolean>;
  #upgrade: AnswerReader | null = new AnswerReader();
  #settleOpened: (isOpen: boolean) => void = () => undefined;
  #code = "end of stream";
  #mayEnd = false;
  #hasSentClose = false;

  constructor(id: number, target: Target, ledger: Ledger, conversation = echoing) {
    this.id = id;
    this.target = target;
    this.#ledger = ledger;
    this.#conversation = conversation;
    this.#opened = new Promise((resolve) => (this.#settleOpened = resolve));
    this.#socket = dial(target, () => this.#handshake());
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("error", (error) => (this.#code = codeOf(error)));
    this.#socket.on("end", () => this.#socket.destroy());
    this.ended = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#over();
        resolve();
      });
    });
  }

  /** Opens one; null, with an entry in the ledger, when that fails. */
  static async open(
    id: number,
    target: Target,
    ledger: Ledger,
    conversation?: Conversation,
  ): Promise<Tunnel | null> {
    const tunnel = new Tunnel(id, target, ledger, conversation);
    const timer = setTimeout(() => tunnel.#notOpened(`no answer in ${openPatienceMs} ms`), openPatienceMs);
    const isOpen = await tunnel.#opened;
    clearTimeout(timer);
    return isOpen ? tunnel : null;
  }

  get name(): string {
    const { secure } = this.target;
    return `tunnel ${this.id} (${secure ? "wss" : "ws"}, generation ${this.generation}, worker ${this.worker})`;
  }

  /** Echoes that have not come back. */
  get outstanding(): number {
    return Math.max(0, this.sent - this.received);
  }

  send(): void {
    if (!this.isOpen || this.#hasSentClose || this.#conversation !== echoing) return;
    const payload = messageOf(this.id, this.sent);
    this.sent += 1;
    this.#sentAt.push(performance.now());
    this.#socket.write(clientFrame(opcodes.binary, payload));
  }

  /** Closes as a client should: a Close frame, then the wait for the other's and for the end. */
  async close(): Promise<void> {
    this.#mayEnd = true;
    this.#hasSentClose = true;
    this.#socket.write(clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
    const timer = setTimeout(() => {
      this.#ledger.record("bytes lost", `${this.name}: its Close frame was not answered in 20 s`);
      this.#socket.destroy();
    }, 20_000);
    await this.ended;
    clearTimeout(timer);
  }

  /** From now on the other side may close; an end after its Close frame is no drop. */
  allowClose(): void {
    this.#mayEnd = true;
  }

  destroy(): void {
    this.#mayEnd = true;
    this.#socket.destroy();
  }

  #handshake(): void {
    this.#socket.write(
      `GET ${this.#conversation.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bG9uZ2hhdWwgYmVuY2htaw==\r\n\r\n",
    );
  }

  #receive(chunk: Buffer): void {
    try {
      if (this.#upgrade === null) this.#frames.push(chunk);
      else if (!this.#accept(this.#upgrade, chunk)) return;
      for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next()) this.#take(frame);
    } catch (error) {
      this.#ledger.record(
        "bytes changed",
        `${this.name}, where message ${this.received} was due: ${String(error)}`,
      );
      this.destroy();
    }
  }

  /** True when the handshake is done. */
  #accept(upgrade: AnswerReader, chunk: Buffer): boolean {
    const answer = upgrade.push(chunk);
    if (answer === null) return false;
    if (answer.status !== 101) {
      this.#notOpened(`status ${answer.status}`);
      return false;
    }
    this.#upgrade = null;
    this.generation = generationOf(answer.head);
    this.worker = fieldOf(answer.head, "x-worker") ?? "unknown";
    this.isOpen = true;
    this.#frames.push(answer.rest);
    this.#settleOpened(true);
    return true;
  }

  #take(frame: Frame): void {
    if (frame.opcode === opcodes.binary || frame.opcode === opcodes.continuation) this.#check(frame.payload);
    else if (frame.opcode === opcodes.ping) this.#socket.write(clientFrame(opcodes.pong, frame.payload));
    else if (frame.opcode === opcodes.close) this.#closeFrame(frame.payload);
  }

  #closeFrame(payload: Buffer): void {
    const code = payload.length < 2 ? -1 : payload.readUInt16BE(0);
    this.closes.push({ code, reason: payload.toString("utf8", 2), at: performance.now() });
    if (this.#hasSentClose) return;
    this.#hasSentClose = true;
    this.#socket.write(clientFrame(opcodes.close, payload.subarray(0, 2)));
  }

  /** Compares a data frame with the one that is due. */
  #check(payload: Buffer): void {
    if (this.closes.length > 0) {
      this.#ledger.record("bytes changed", `${this.name}: a data frame after the Close frame`);
    }
    const due = this.#conversation.due(this.id, this.received);
    const at = firstDifference(payload, due);
    const sentAt = this.#sentAt.shift();
    if (at < 0) {
      this.received += 1;
      if (sentAt !== undefined) this.echoMaxMs = Math.max(this.echoMaxMs, performance.now() - sentAt);
      return;
    }
    const number = numberOf(this.id, payload);
    if (number === null || number === this.received) {
      const bytes = `${payload.toString("hex", at, at + 8)} instead of ${due.toString("hex", at, at + 8)}`;
      this.#ledger.record("bytes changed", `${this.name}, message ${this.received}, byte ${at}: ${bytes}`);
      this.received += 1;
    } else if (number < this.received) {
      const text = `${this.name}: message ${number} again, ${this.received} was due`;
      this.#ledger.record("bytes repeated or out of order", text);
    } else {
      const text = `${this.name}: message ${number}, ${this.received} was due`;
      this.#ledger.record("bytes lost", text, number - this.received);
      this.received = number + 1;
    }
  }

  #notOpened(text: string): void {
    this.#mayEnd = true;
    this.#ledger.record("tunnel not opened", `${this.name}: ${text}`);
    this.#settleOpened(false);
    this.#socket.destroy();
  }

  #over(): void {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    if (this.#upgrade !== null && !this.#mayEnd) this.#notOpened(`${this.#code} during the handshake`);
    if (!wasOpen || this.#mayEnd) return;
    const close = this.closes[0];
    const told = close === undefined ? "without a Close frame" : `after a Close frame ${close.code}`;
    const where = `${this.received} of ${this.sent} echoes there, ${this.#frames.pending} bytes of the next`;
    this.#ledger.record("tunnel dropped", `${this.name}: ${this.#code} ${told}, ${where}`);
  }
}
