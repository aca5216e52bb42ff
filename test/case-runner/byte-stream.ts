import type { Socket } from "node:net";

/** How long any single wait of a case may take before the case fails, in milliseconds. */
export const WAIT_MS = 5000;

/** Everything that came in on a socket, with a way to wait for more of it. Owns the socket. */
export class ByteStream {
  readonly socket: Socket;
  /** Bytes received and not yet taken. */
  buffered = "";
  /** The peer has ended its side, or the connection is gone. */
  ended = false;
  /** Error code when the connection broke: "ECONNRESET" and the like. */
  errorCode: string | null = null;
  #wake: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.buffered += chunk.toString("latin1");
      this.#notify();
    });
    socket.on("end", () => this.#finish());
    socket.on("close", () => this.#finish());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code ?? error.message;
      this.#finish();
    });
  }

  #finish(): void {
    this.ended = true;
    this.#notify();
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  /** Resolves with the first value that is not undefined; `null` when time is over. Asked again after every change. */
  async until<T>(ask: () => T | undefined, waitMs: number = WAIT_MS): Promise<T | null> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const answer = ask();
      if (answer !== undefined) return answer;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return null;
      await this.#change(leftMs);
    }
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  take(length: number): string {
    const taken = this.buffered.slice(0, length);
    this.buffered = this.buffered.slice(length);
    return taken;
  }

  send(bytes: string): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.from(bytes, "latin1"));
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    if (this.socket.destroyed) return;
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
