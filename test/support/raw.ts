import net from "node:net";
import { decodeFrame, type Frame } from "./frames.ts";

/** How a raw connection ended: "end" (FIN) or an error code such as "ECONNRESET". */
export type Ending = string;

/**
 * A raw TCP connection whose bytes a test reads piece by piece. Every read waits for what it needs and
 * rejects when the connection ends first.
 */
export class RawConnection {
  readonly socket: net.Socket;
  readonly ended: Promise<Ending>;
  private received: Buffer = Buffer.alloc(0);
  private ending: Ending | null = null;
  private readonly waiting = new Set<() => void>();

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      const finish = (ending: Ending): void => {
        this.ending ??= ending;
        resolve(ending);
        this.wake();
      };
      socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
      socket.on("end", () => finish("end"));
      socket.on("close", () => finish("end"));
    });
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
  }

  static connect(port: number, localAddress?: string): Promise<RawConnection> {
    const options = { port, host: "127.0.0.1", allowHalfOpen: true };
    const socket = net.connect(localAddress === undefined ? options : { ...options, localAddress });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  write(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Everything up to and including `mark`, as latin1. */
  readThrough(mark: string): Promise<string> {
    return this.take((bytes) => {
      const at = bytes.indexOf(mark, 0, "latin1");
      return at < 0
        ? null
        : { value: bytes.toString("latin1", 0, at + mark.length), length: at + mark.length };
    });
  }

  /** A request's or response's head, with the empty line. */
  readHead(): Promise<string> {
    return this.readThrough("\r\n\r\n");
  }

  read(length: number): Promise<Buffer> {
    return this.take((bytes) =>
      bytes.length < length ? null : { value: Buffer.from(bytes.subarray(0, length)), length },
    );
  }

  readFrame(): Promise<Frame> {
    return this.take((bytes) => {
      const decoded = decodeFrame(bytes);
      return decoded === null ? null : { value: decoded.frame, length: decoded.length };
    });
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private wake(): void {
    for (const look of this.waiting) look();
  }

  private take<T>(find: (bytes: Buffer) => { value: T; length: number } | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find(this.received);
        if (found === null && this.ending === null) return;
        this.waiting.delete(look);
        if (found === null) {
          reject(
            new Error(`ended (${this.ending}) after ${JSON.stringify(this.received.toString("latin1"))}`),
          );
          return;
        }
        this.received = this.received.subarray(found.length);
        resolve(found.value);
      };
      this.waiting.add(look);
      look();
    });
  }
}
