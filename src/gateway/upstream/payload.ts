import type { BodyConsumer } from "../request-body.ts";
import type { Request } from "../request.ts";

/**
 * Bodies up to this size are read whole before an upstream server is asked, as nginx does with all
 * bodies (in temporary files): a slow client then occupies no server, and another one can be tried.
 * Larger ones are passed on while they come, in constant memory.
 */
const wholeBytesMax = 1024 * 1024;

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
}

/** A request's body on its way to an upstream server. */
export class Payload implements BodyConsumer {
  private readonly owner: PayloadOwner;
  private readonly request: Request;
  private readonly waitForMax: number;
  private chunks: Buffer[] = [];
  private gathered = 0;
  private started = false;
  private target: PayloadTarget | null = null;
  private closed = false;
  complete = false;
  /** Bytes have gone out that were not kept: no other server can be tried with this body. */
  spent = false;

  constructor(request: Request, whole: boolean, owner: PayloadOwner) {
    this.request = request;
    this.owner = owner;
    this.waitForMax = whole ? wholeBytesMax : 0;
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
    if (body.discarded || (body.started && body.kept === null)) return this.startWithoutBody();
    // An exchange before this one, whose failure led here, may have read some of the body.
    for (const chunk of body.kept ?? []) this.keep(chunk);
    body.kept = this.chunks;
    const tooLarge = body.contentLength > this.waitForMax;
    if (tooLarge) this.begin();
    if (!this.closed) body.start(this);
  }

  /** Sends what is gathered, then what comes. Called once per connection that the body is sent on. */
  sendTo(target: PayloadTarget): void {
    this.target = target;
    let flowing = true;
    for (const chunk of this.chunks) flowing = target.onPayload(chunk) && flowing;
    if (this.complete) {
      target.onPayloadEnd();
      return;
    }
    this.spent = true;
    this.chunks = [];
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
  }

  /** The target can take more. */
  flow(): void {
    if (!this.complete) this.request.body.resume();
  }

  onBody(bytes: Buffer): boolean {
    if (this.closed) {
      this.request.body.kept = null;
      return true;
    }
    if (this.target !== null) return this.target.onPayload(bytes);
    this.keep(Buffer.from(bytes));
    if (this.gathered <= this.waitForMax) return true;
    this.begin();
    return this.target !== null;
  }

  private keep(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.gathered += chunk.length;
  }

  onBodyEnd(): void {
    if (this.closed) return;
    this.complete = true;
    if (!this.spent) this.request.body.gathered = this.chunks;
    this.begin();
    this.target?.onPayloadEnd();
  }

  onBodyFailed(status: number): void {
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

  private begin(): void {
    if (this.started) return;
    this.started = true;
    this.owner.onPayloadReady();
  }
}
