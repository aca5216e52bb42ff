import { connect, type Socket } from "node:net";
import { handshakeKey, paths, StampedFrame } from "./wire.ts";

const payloadBytes = 128;
const patienceMs = 5000;

/** One tunnel of the runner's own, to see whether it stays usable. */
export class ProbeTunnel {
  readonly #socket: Socket;
  readonly #request = new StampedFrame(payloadBytes, true);
  readonly #reply = new StampedFrame(payloadBytes, false);
  #received = Buffer.alloc(0);
  #over = false;
  #wake: () => void = () => {};
  #sequence = 0;

  private constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    const over = (): void => {
      this.#over = true;
      this.#wake();
    };
    this.#socket.on("end", over).on("error", over).on("close", over);
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
  }

  /** @throws Error when the handshake fails. */
  static async open(port: number): Promise<ProbeTunnel> {
    const tunnel = new ProbeTunnel(port);
    const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13`;
    const head = `GET ${paths.echo} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`;
    tunnel.#socket.write(`${head}Sec-WebSocket-Key: ${handshakeKey}\r\n\r\n`);
    await tunnel.#until(() => tunnel.#received.includes("\r\n\r\n"));
    if (!tunnel.#received.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error("no tunnel");
    tunnel.#received = Buffer.alloc(0);
    return tunnel;
  }

  /** Sends a message and waits for it to come back. @throws Error when the tunnel is gone or answers wrongly. */
  async echo(): Promise<void> {
    this.#socket.write(Buffer.from(this.#request.stamp(0, this.#sequence)));
    const expected = this.#reply.stamp(0, this.#sequence);
    this.#sequence += 1;
    await this.#until(() => this.#received.length >= expected.length);
    if (!this.#received.equals(expected)) throw new Error("an open tunnel answered wrongly");
    this.#received = Buffer.alloc(0);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until(isDone: () => boolean): Promise<void> {
    const timer = setTimeout(() => this.#socket.destroy(), patienceMs);
    try {
      while (!isDone()) {
        if (this.#over) throw new Error("an open tunnel did not survive");
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
