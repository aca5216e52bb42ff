import { BodyFile } from "../request/body-file.ts";
import { fitsBuffer, mayStayInMemory } from "../request/body-memory.ts";
import { BodySpool } from "../request/body-spool.ts";
import type { SpoolOwner } from "../request/body-spool.ts";
import type { BodyConsumer } from "../request/request-body.ts";
import type { Request } from "../request/request.ts";

/** Read at once of a file. */
const pieceBytes = 65_536;

/** Small pieces share memory of this size: a Buffer for each byte of a body would take a hundred times its length. */
const blockBytes = 16 * 1024;

/** Chunks that go on as one at most: half a megabyte of single bytes would be as many Buffers. */
const partPiecesMax = 256;

/** Where a payload's bytes go once a connection to an upstream server is there. */
export interface PayloadTarget {
  /** What goes out together: as one chunk where the body is chunked. False: pause until `Payload.flow()` is called. */
  onPayload(pieces: readonly Buffer[]): boolean;
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
  private chunks: Buffer[] = [];
  /** What came together and goes on as one, while it is given: views of memory that others use again. */
  private part: Buffer[] = [];
  private gathered = 0;
  /** Chunks that were there when this began. */
  private keptBefore = 0;
  /** The memory of the last chunk, while there is room for more behind it. */
  private block: Buffer | null = null;
  private started = false;
  /** What has come with the head is being read. */
  private arriving = false;
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
  /** It goes out in chunks although its length may be known by now: the head was made before. */
  private inChunks = false;

  /** @param whole the upstream is not asked before all of the body is there */
  constructor(request: Request, whole: boolean, owner: PayloadOwner) {
    this.request = request;
    this.owner = owner;
    this.whole = whole;
  }

  /** All of it is at hand, and `sendTo` gives it at once. */
  get inMemory(): boolean {
    return this.complete && this.file === null;
  }

  /** Length of the body when it is known by now; null for one that must be sent in chunks. */
  get length(): number | null {
    if (this.inChunks) return null;
    if (this.complete && !this.spent) return this.gathered;
    const { contentLength } = this.request.body;
    return contentLength >= 0 ? contentLength : null;
  }

  /** The client sent a body, or said that there is one of no bytes. */
  get present(): boolean {
    return this.gathered > 0 || this.request.body.contentLength !== 0;
  }

  /**
   * Begins to read the body, or takes what was read of it before. Tells the owner, possibly from inside the
   * call.
   */
  start(): void {
    const { body } = this.request;
    if (body.file?.whole === true) return this.takeFile(body.file);
    if (body.discarded || (body.started && body.kept === null)) return this.startWithoutBody();
    // An exchange before this one, whose failure led here, may have read some of the body.
    for (const chunk of body.kept ?? []) this.keep(chunk);
    body.kept = this.chunks;
    this.keptBefore = this.chunks.length;
    if (this.whole && !body.complete && !mayStayInMemory(this.request, body.contentLength)) this.beginLarge();
    body.start(this);
    if (this.whole || this.complete || this.closed) return;
    // As in nginx, what has come with the head is read first; a body that is whole by then has a length.
    this.arriving = true;
    body.readArrived();
    this.arriving = false;
    if (this.closed) return;
    // In nginx, too, `$request_body` is what there is of it when a server is asked.
    if (!this.complete && this.chunks.length > 0) body.gathered = this.chunks;
    this.begin();
  }

  /** Sends what is gathered, then what comes. Called once per connection that the body is sent on. */
  sendTo(target: PayloadTarget): void {
    this.target = target;
    if (this.file !== null) {
      this.position = 0;
      this.readOn(this.file);
      return;
    }
    const flowing = this.chunks.length === 0 || target.onPayload(this.chunks);
    if (this.complete) {
      target.onPayloadEnd();
      return;
    }
    this.spent = true;
    this.chunks = [];
    this.block = null;
    this.request.body.letGo();
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
    if (this.target !== null) {
      this.part.push(bytes);
      return this.part.length < partPiecesMax || this.onBodyPart();
    }
    if (this.spool !== null) {
      this.gathered += bytes.length;
      this.spool.add(bytes);
      return false;
    }
    this.keepCopy(bytes);
    if (!this.whole) return false;
    if (mayStayInMemory(this.request, this.gathered)) return true;
    this.beginLarge();
    return false;
  }

  onBodyPart(): boolean {
    const { part, target } = this;
    if (part.length === 0) return true;
    this.part = [];
    return target === null || target.onPayload(part);
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
      this.request.body.hold(bytes.length);
      return this.keep(Buffer.from(bytes));
    }
    const used = this.block === null ? blockBytes : chunks.at(-1)!.length;
    if (used + bytes.length > blockBytes) {
      this.block = Buffer.allocUnsafeSlow(blockBytes);
      this.request.body.hold(blockBytes);
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
    // Only now is it known how long the framing was. What an exchange before this one has kept, stays.
    const fresh = this.whole && this.spool === null && this.chunks.length > this.keptBefore;
    if (fresh && !mayStayInMemory(this.request, this.gathered)) this.beginLarge();
    if (this.spool !== null) return this.spool.end();
    this.complete = true;
    if (!this.spent && fitsBuffer(this.request)) this.request.body.gathered = this.chunks;
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

  /** The body is too large for memory: it goes into a file. */
  private beginLarge(): void {
    const { body, location, server } = this.request;
    const { clientBodyTempPath, clientBodyInFileOnly } = location.core;
    const named = server.namesBodyFiles ? "clean" : "nameless";
    const kinds = { off: named, clean: "clean", on: "persistent" } as const;
    const file = new BodyFile(clientBodyTempPath, kinds[clientBodyInFileOnly], (path) => {
      const level = clientBodyInFileOnly === "off" ? "warn" : "notice";
      this.request.log(level, `a client request body is buffered to a temporary file ${path}`);
    });
    body.file = file;
    body.letGo();
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
    if (target.onPayload([this.piece!.subarray(0, result)])) this.readOn(file);
  }

  private begin(): void {
    if (this.started || this.arriving) return;
    this.started = true;
    this.inChunks = !this.complete && this.request.body.contentLength < 0;
    this.owner.onPayloadReady();
  }
}
