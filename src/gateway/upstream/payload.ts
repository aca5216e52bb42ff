import { BodyFile } from "../body-file.ts";
import { BodySpool } from "../body-spool.ts";
import type { SpoolOwner } from "../body-spool.ts";
import type { BodyConsumer } from "../request-body.ts";
import type { Request } from "../request.ts";

/**
 * Bodies up to this size are kept in memory, where `client_body_buffer_size` is less: a file for each
 * small body would cost more than it saves.
 */
const memoryBytesMax = 1024 * 1024;

/** Read at once of a file. */
const pieceBytes = 65_536;

/** Small pieces share memory of this size: a Buffer for each byte of a body would take a hundred times its length. */
const blockBytes = 16 * 1024;

/** Where a payload's bytes go once a connection to an upstream server is there. */
export interface PayloadTarget {
  /** False: pause until `Payload.flow()` is called. */
  onPayload(bytes: Buffer): boolean;
  onPayloadEnd(): void;
}

/** Who deals with upstream servers on a payload's behalf. */
export interface PayloadOwner {
  /** The body is gathered, or as much of it as is waited for: the upstream may be asked. */
  onPayloadReady(): void;
  /** The body cannot be completed: the status to end the request with. */
  onPayloadFailed(status: number): void;
  /** A programming error met on the way. */
  crash(error: unknown): void;
}

/**
 * A request's body on its way to an upstream server. As in nginx it is read whole before a server is
 * asked, in memory or into a temporary file, so that a slow client occupies no server and another server
 * can be tried; or else it is passed on while it comes.
 */
export class Payload implements BodyConsumer, SpoolOwner {
  private readonly owner: PayloadOwner;
  private readonly request: Request;
  private readonly whole: boolean;
  /** More bytes than these are not kept in memory. */
  private readonly memoryMax: number;
  private chunks: Buffer[] = [];
  private gathered = 0;
  /** The memory of the last chunk, while there is room for more behind it. */
  private block: Buffer | null = null;
  private started = false;
  private target: PayloadTarget | null = null;
  private closed = false;
  private spool: BodySpool | null = null;
  private file: BodyFile | null = null;
  /** Bytes of the file that are on their way to the target. */
  private position = 0;
  private piece: Buffer | null = null;
  private reading = false;
  complete = false;
  /** Bytes have gone out that were not kept: no other server can be tried with this body. */
  spent = false;

  /** @param whole the upstream is not asked before all of the body is there */
  constructor(request: Request, whole: boolean, owner: PayloadOwner) {
    this.request = request;
    this.owner = owner;
    this.whole = whole;
    const { clientBodyBufferSize, clientBodyInFileOnly } = request.location.core;
    const mayStay = whole && clientBodyInFileOnly === "off";
    this.memoryMax = mayStay ? Math.max(memoryBytesMax, clientBodyBufferSize) : 0;
  }

  /** All of it is at hand, and `sendTo` gives it at once. */
  get inMemory(): boolean {
    return this.complete && this.file === null;
  }

  /** Length of the body when it is known by now; null for one that must be sent in chunks. */
  get length(): number | null {
    if (this.complete && !this.spent) return this.gathered;
    const { contentLength } = this.request.body;
    return contentLength >= 0 ? contentLength : null;
  }

  /** The client sent a body, or said that there is one of no bytes. */
  get present(): boolean {
    return this.gathered > 0 || this.request.body.contentLength !== 0;
  }

  start(): void {
    const { body } = this.request;
    if (body.file?.whole === true) return this.takeFile(body.file);
    if (body.discarded || (body.started && body.kept === null)) return this.startWithoutBody();
    // An exchange before this one, whose failure led here, may have read some of the body.
    for (const chunk of body.kept ?? []) this.keep(chunk);
    body.kept = this.chunks;
    if (!body.complete && body.contentLength > this.memoryMax) this.beginLarge();
    if (!this.closed) body.start(this);
  }

  /** Sends what is gathered, then what comes. Called once per connection that the body is sent on. */
  sendTo(target: PayloadTarget): void {
    this.target = target;
    if (this.file !== null) {
      this.position = 0;
      this.readOn(this.file);
      return;
    }
    let flowing = true;
    for (const chunk of this.chunks) flowing = target.onPayload(chunk) && flowing;
    if (this.complete) {
      target.onPayloadEnd();
      return;
    }
    this.spent = true;
    this.chunks = [];
    this.block = null;
    this.request.body.kept = null;
    if (flowing) this.request.body.resume();
  }

  /** The connection that was sent to is gone; keeps what comes for the next one. */
  detach(): void {
    this.target = null;
  }

  /** The exchange is over: nothing is wanted any more. */
  close(): void {
    this.closed = true;
    this.target = null;
    this.spool?.stop();
  }

  /** The target can take more. */
  flow(): void {
    if (this.file !== null) this.readOn(this.file);
    else if (!this.complete) this.request.body.resume();
  }

  onBody(bytes: Buffer): boolean {
    if (this.closed) {
      this.request.body.kept = null;
      return true;
    }
    if (this.target !== null) return this.target.onPayload(bytes);
    if (this.spool !== null) {
      this.gathered += bytes.length;
      this.spool.add(Buffer.from(bytes));
      return false;
    }
    this.keepCopy(bytes);
    if (this.gathered <= this.memoryMax) return true;
    this.beginLarge();
    return this.target !== null;
  }

  onSpoolDrained(): void {
    this.request.body.resume();
  }

  onSpoolEnd(): void {
    const { finished, body } = this.request;
    if (this.closed || finished || body.file === null) return;
    body.file.whole = true;
    this.takeFile(body.file);
  }

  onSpoolFailed(failure: string): void {
    if (this.closed || this.request.finished) return;
    this.request.log("crit", failure);
    this.owner.onPayloadFailed(500);
  }

  private keepCopy(bytes: Buffer): void {
    const { chunks } = this;
    // Most bodies are one piece.
    if (chunks.length === 0 || bytes.length >= blockBytes) {
      this.block = null;
      return this.keep(Buffer.from(bytes));
    }
    const used = this.block === null ? blockBytes : chunks.at(-1)!.length;
    if (used + bytes.length > blockBytes) {
      this.block = Buffer.allocUnsafeSlow(blockBytes);
      bytes.copy(this.block);
      return this.keep(this.block.subarray(0, bytes.length));
    }
    bytes.copy(this.block!, used);
    chunks[chunks.length - 1] = this.block!.subarray(0, used + bytes.length);
    this.gathered += bytes.length;
  }

  private keep(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.gathered += chunk.length;
  }

  onBodyEnd(): void {
    if (this.closed) return;
    if (this.spool !== null) return this.spool.end();
    this.complete = true;
    if (!this.spent) this.request.body.gathered = this.chunks;
    this.begin();
    this.target?.onPayloadEnd();
  }

  onBodyFailed(status: number): void {
    this.spool?.stop();
    this.owner.onPayloadFailed(status);
  }

  /** The body went to another server already, or was thrown away: only a request that needs none goes on. */
  private startWithoutBody(): void {
    const { method, body } = this.request;
    if (!body.discarded && method !== "GET" && method !== "HEAD") return this.owner.onPayloadFailed(502);
    body.discard();
    this.complete = true;
    this.begin();
  }

  /** The body is too large for memory: it goes into a file, or on its way already. */
  private beginLarge(): void {
    if (!this.whole) return this.begin();
    const { body, location, server } = this.request;
    const { clientBodyTempPath, clientBodyInFileOnly } = location.core;
    const named = server.namesBodyFiles ? "clean" : "nameless";
    const kinds = { off: named, clean: "clean", on: "persistent" } as const;
    const file = new BodyFile(clientBodyTempPath, kinds[clientBodyInFileOnly], (path) => {
      const level = clientBodyInFileOnly === "off" ? "warn" : "notice";
      this.request.log(level, `a client request body is buffered to a temporary file ${path}`);
    });
    body.file = file;
    body.kept = null;
    this.spool = new BodySpool(file, this);
    for (const chunk of this.chunks) this.spool.add(chunk);
    this.chunks = [];
    this.block = null;
  }

  private takeFile(file: BodyFile): void {
    this.spool = null;
    this.file = file;
    this.gathered = file.size;
    this.complete = true;
    this.begin();
  }

  /** Sends the next piece of the file, unless one is on its way. */
  private readOn(file: BodyFile): void {
    const { target } = this;
    if (this.reading || target === null) return;
    if (this.position === file.size) return target.onPayloadEnd();
    this.reading = true;
    const piece = (this.piece ??= Buffer.allocUnsafe(pieceBytes));
    file.read(this.position, piece, (result) => {
      this.reading = false;
      // Another try of the same body begins anew.
      if (this.target !== target) return this.readOn(file);
      try {
        this.onRead(file, target, result);
      } catch (error) {
        this.owner.crash(error);
      }
    });
  }

  private onRead(file: BodyFile, target: PayloadTarget, result: number | string): void {
    if (typeof result === "string") {
      this.request.log("crit", result);
      this.owner.onPayloadFailed(500);
      return;
    }
    this.position += result;
    if (target.onPayload(this.piece!.subarray(0, result))) this.readOn(file);
  }

  private begin(): void {
    if (this.started) return;
    this.started = true;
    this.owner.onPayloadReady();
  }
}
