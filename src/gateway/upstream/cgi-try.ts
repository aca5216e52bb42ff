import { ApplicationTry } from "./application-try.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, TryOwner } from "./protocol.ts";

/** A request as SCGI and uwsgi have it: the same for every try. */
export interface CgiRequest {
  readonly passesBody: boolean;
  /** What begins the request; or in nginx's words, why it cannot be sent. `bodyBytes`: of the body that follows. */
  buildHead(bodyBytes: number): Buffer | string;
}

/**
 * One request on one connection to an application that speaks SCGI or uwsgi: after what begins it the body as it is; the
 * answer with a status line or without, until the connection ends.
 */
export class CgiTry extends ApplicationTry {
  private readonly request: CgiRequest;

  constructor(owner: TryOwner, pooled: PooledConnection, request: CgiRequest, sink: AnswerSink) {
    super(owner, pooled, sink, "either");
    this.request = request;
  }

  /** Sends parameters and body. */
  start(): void {
    const { passesBody } = this.request;
    const { payload } = this.owner;
    const bodyBytes = passesBody && payload?.present === true ? (payload.length ?? 0) : 0;
    this.sendHead(this.request.buildHead(bodyBytes), passesBody);
  }

  /** Sends a part of the body. */
  onPayload(pieces: readonly Buffer[]): boolean {
    if (this.done) return true;
    for (const piece of pieces) this.append(piece);
    if (this.owner.payload!.inMemory) return true;
    return this.leave();
  }

  /** The length was told before. */
  protected closePayload(): void {}

  protected take(bytes: Buffer): void {
    this.takeAnswer(bytes, 0, bytes.length);
    if (this.done || !this.answering) return;
    if (this.bodyLeft === 0) this.complete(false);
    else this.sink.passOn();
  }
}
