import { acceptValue, clientClose, handshakeKey, StampedFrame } from "../wire.ts";
import { LoadConnection, type Opening } from "./connection.ts";

const expectedAccept = acceptValue(handshakeKey).toLowerCase();

/** A WebSocket through the proxy: performs the handshake, then hands the bytes to the subclass. */
export abstract class Tunnel extends LoadConnection implements Opening {
  readonly whenOpen: Promise<void>;
  #upgraded = false;
  #head = "";
  #resolveOpen!: () => void;
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
    this.whenOpen = new Promise((resolve) => {
      this.#resolveOpen = resolve;
    });
  }

  opened(): void {
    const request = `GET ${this.#path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`;
    const websocket = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${handshakeKey}\r\n\r\n`;
    this.send(Buffer.from(request + websocket, "latin1"));
  }

  receive(bytes: Buffer): void {
    if (this.#upgraded) this.receiveFrames(bytes);
    else this.#receiveHead(bytes);
  }

  abstract receiveFrames(bytes: Buffer): void;

  /** The handshake is through. */
  upgraded(): void {}

  #receiveHead(bytes: Buffer): void {
    this.#head += bytes.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#head;
    if (!head.startsWith("HTTP/1.1 101 "))
      this.fail(`handshake refused: ${head.slice(0, head.indexOf("\r\n"))}`);
    if (!head.toLowerCase().includes(`sec-websocket-accept: ${expectedAccept}`))
      this.fail("wrong accept value");
    this.#upgraded = true;
    this.#head = "";
    this.upgraded();
    this.#resolveOpen();
    if (end + 4 < head.length) this.receiveFrames(Buffer.from(head.slice(end + 4), "latin1"));
  }
}

/** What all echo tunnels of a job share: the one message that they send and the one reply that they await. */
export class EchoMessage {
  readonly request: StampedFrame;
  readonly reply: StampedFrame;

  constructor(payloadBytes: number) {
    this.request = new StampedFrame(payloadBytes, true);
    this.reply = new StampedFrame(payloadBytes, false);
  }
}

/** Sends stamped messages and checks every byte of their echoes. */
export abstract class EchoTunnel extends Tunnel {
  readonly id: number;
  #sent = 0;
  #received = 0;
  #position = 0;
  readonly #message: EchoMessage;

  constructor(path: string, id: number, message: EchoMessage) {
    super(path);
    this.id = id;
    this.#message = message;
  }

  /** One echo is back, complete and right. */
  abstract answered(): void;

  ask(): void {
    this.send(this.#message.request.stamp(this.id, this.#sent));
    this.#sent += 1;
  }

  sayClose(): void {
    this.send(clientClose);
  }

  receiveFrames(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) {
      const expected = this.#message.reply.stamp(this.id, this.#received);
      const take = Math.min(expected.length - this.#position, bytes.length - offset);
      if (this.#received === this.#sent) this.fail("bytes beyond the last echo");
      const end = this.#position + take;
      if (bytes.compare(expected, this.#position, end, offset, offset + take) !== 0)
        this.fail("echo differs");
      offset += take;
      this.#position = end;
      if (end === expected.length) {
        this.#position = 0;
        this.#received += 1;
        this.answered();
      }
    }
  }
}
