/** One end of a connection in a simulation: a client, or an upstream server's side. */
import type { Clock } from "../net/clock.ts";
import type { Connection, ConnectionOwner } from "../net/connection.ts";
import type { MemoryNetwork } from "../net/memory/network.ts";
import type { Endpoint } from "../net/network.ts";

/** A message off the wire, taken apart without the gateway's own parser. */
export interface Message {
  readonly startLine: string;
  /** Lower-case names; of a repeated field the last value. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** `take` of a message that has not come whole yet. */
export const incomplete = Symbol("incomplete");

export class Wire implements ConnectionOwner {
  connection: Connection | null = null;
  receivedBytes = 0;
  /** When the peer's end came, or null. */
  endedAt: number | null = null;
  closedAt: number | null = null;
  closeCode: string | null = null;
  /** The connection could not be made. */
  refused = false;
  /** Answer the peer's end with an own one. */
  endsAlong = true;
  /** Called after bytes were added to `inbox`. */
  onBytes: (() => void) | null = null;
  onPeerEnd: (() => void) | null = null;
  private readonly clock: Clock;
  private store = Buffer.alloc(1024);
  private storedFrom = 0;
  private storedTo = 0;
  /** A message is not complete before so many bytes are in the inbox. */
  private needed = 0;
  private readonly outbox: Buffer[] = [];
  private flowing = true;
  private wantsEnd = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  dial(network: MemoryNetwork, endpoint: Endpoint): void {
    network.dial(
      { endpoint, tls: null },
      {
        onConnected: (connection) => {
          this.opened(connection);
          return this;
        },
        onFailed: () => {
          this.refused = true;
        },
      },
    );
  }

  opened(connection: Connection): void {
    this.connection = connection;
    this.flush();
  }

  /** Everything that came and was not taken. */
  get inbox(): Buffer {
    return this.store.subarray(this.storedFrom, this.storedTo);
  }

  get text(): string {
    return this.inbox.toString("latin1");
  }

  /** The connection is over, one way or another. */
  get over(): boolean {
    return this.closedAt !== null || this.refused;
  }

  /** The peer will send nothing more. */
  get finished(): boolean {
    return this.endedAt !== null || this.closedAt !== null;
  }

  /** Bytes that `send` was given and that have not been handed to the socket. */
  get unsent(): number {
    return this.outbox.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Sends in pieces as the connection takes them. */
  send(bytes: Buffer | string): void {
    const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    for (let at = 0; at < all.length; at += 16_384) this.outbox.push(all.subarray(at, at + 16_384));
    this.flush();
  }

  /** Reads about `bytes` at a time, with pauses between. */
  readSlowly(bytes: number, pauseMs: number): void {
    const next = this.onBytes;
    let since = 0;
    let before = this.receivedBytes;
    this.onBytes = () => {
      since += this.receivedBytes - before;
      before = this.receivedBytes;
      if (since >= bytes) {
        since = 0;
        this.connection!.pause();
        this.clock.timer(pauseMs, () => this.connection!.resume());
      }
      next?.();
    };
  }

  /** FIN, once everything is sent. */
  end(): void {
    this.wantsEnd = true;
    this.flush();
  }

  /** Goes away for good, whatever is left. */
  leave(): void {
    this.onBytes = null;
    this.outbox.length = 0;
    this.connection?.close();
  }

  /** Takes everything that came. */
  takeBytes(): Buffer {
    const bytes = Buffer.from(this.inbox);
    this.storedFrom = this.storedTo;
    return bytes;
  }

  /** Takes a message off the front of what came. `until: "close"`: its body ends with the connection. */
  take(options: { headOnly?: boolean } = {}): Message | typeof incomplete {
    const { inbox } = this;
    if (inbox.length < this.needed && !this.finished) return incomplete;
    const headEnd = inbox.indexOf("\r\n\r\n");
    if (headEnd < 0) return incomplete;
    const [startLine = "", ...lines] = inbox.toString("latin1", 0, headEnd).split("\r\n");
    const fields = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const bodyless = options.headOnly === true || /^HTTP\/1\.\d (1\d\d|204|304)/.test(startLine);
    const framed = bodyless
      ? { body: Buffer.alloc(0), end: headEnd + 4 }
      : this.takeBody(fields, headEnd + 4, startLine);
    if (framed === null) return incomplete;
    this.storedFrom += framed.end;
    this.needed = 0;
    return { startLine, fields, body: framed.body };
  }

  onData(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    const { inbox, store } = this;
    if (this.storedTo + bytes.length > store.length) {
      this.store = Buffer.alloc(2 * (inbox.length + bytes.length));
      this.storedTo = inbox.copy(this.store);
      this.storedFrom = 0;
    }
    this.storedTo += bytes.copy(this.store, this.storedTo);
    this.onBytes?.();
  }

  onEnd(): void {
    this.endedAt = this.clock.now();
    this.onPeerEnd?.();
    if (this.endsAlong) this.end();
  }

  onDrain(): void {
    this.flowing = true;
    this.flush();
  }

  onClose(code: string | null): void {
    this.closedAt = this.clock.now();
    this.closeCode = code;
  }

  private flush(): void {
    const { connection } = this;
    if (connection === null) return;
    while (this.flowing && this.outbox.length > 0) this.flowing = connection.send(this.outbox.shift()!);
    if (this.outbox.length === 0 && this.wantsEnd) connection.shutdown();
  }

  private takeBody(
    fields: ReadonlyMap<string, string>,
    start: number,
    startLine: string,
  ): { body: Buffer; end: number } | null {
    if (fields.get("transfer-encoding") === "chunked") return this.takeChunks(start);
    const length = fields.get("content-length");
    if (length !== undefined) {
      const end = start + Number(length);
      return this.lacks(end) ? null : { body: Buffer.from(this.inbox.subarray(start, end)), end };
    }
    if (!startLine.startsWith("HTTP/")) return { body: Buffer.alloc(0), end: start };
    return this.finished ? { body: this.inbox.subarray(start), end: this.inbox.length } : null;
  }

  private takeChunks(start: number): { body: Buffer; end: number } | null {
    const pieces: Buffer[] = [];
    const { inbox } = this;
    for (let at = start; ;) {
      const lineEnd = inbox.indexOf("\r\n", at);
      if (lineEnd < 0) return null;
      const size = parseInt(inbox.toString("latin1", at, lineEnd), 16);
      if (size === 0) {
        // Trailer fields, if any, end as a head does.
        const end = inbox.indexOf("\r\n\r\n", lineEnd);
        return end < 0 ? null : { body: Buffer.concat(pieces), end: end + 4 };
      }
      const dataEnd = lineEnd + 2 + size;
      if (this.lacks(dataEnd + 2)) return null;
      if (inbox.toString("latin1", dataEnd, dataEnd + 2) !== "\r\n") throw new Error("a chunk lacks its end");

      pieces.push(inbox.subarray(lineEnd + 2, dataEnd));
      at = dataEnd + 2;
    }
  }

  private lacks(length: number): boolean {
    if (this.inbox.length >= length) return false;
    this.needed = length;
    return true;
  }
}

/** Makes an upstream server answer each request on a connection by `answer`; the answer is sent as it is. */
export function answering(
  wire: Wire,
  answer: (request: Message, wire: Wire) => Buffer | string | null,
): void {
  wire.onBytes = () => {
    for (let request = wire.take(); request !== incomplete; request = wire.take()) {
      const reply = answer(request, wire);
      if (reply !== null) wire.send(reply);
    }
  };
}

/** A whole response with its length. */
export function response(status: string, body: Buffer | string, more = ""): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${bytes.length}\r\n${more}\r\n`),
    bytes,
  ]);
}

/** `bytes` in chunks of odd sizes. */
export function chunked(bytes: Buffer, size = 1000): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...pieces, Buffer.from("0\r\n\r\n")]);
}
