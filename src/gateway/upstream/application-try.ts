import { ResponseHeadReader } from "../../http/response-head.ts";
import type { HeadForm } from "../../http/response-head.ts";
import { failureOf } from "../failure/failure.ts";
import { ConnectionTry } from "./connection-try.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, TryOwner } from "./protocol.ts";

/** What answers of applications have in common: a head as of CGI, and a body of the length that it tells, or any. */
export abstract class ApplicationTry extends ConnectionTry {
  private readonly reader: ResponseHeadReader;
  /** Bytes that the body lacks; null where no length was told. */
  protected bodyLeft: number | null = null;

  constructor(owner: TryOwner, pooled: PooledConnection, sink: AnswerSink, form: HeadForm) {
    super(owner, pooled, sink);
    this.reader = new ResponseHeadReader(owner.settings.bufferSize, form);
  }

  /** Sends what begins a request, or gives up on one that is too large, for which `head` has nginx's words. */
  protected sendHead(head: Buffer | string, passesBody: boolean): void {
    const { owner } = this;
    if (typeof head === "string") return owner.fail(failureOf("requestTooLarge", head));
    owner.activity = "sending request to upstream";
    owner.requestSent = true;
    this.append(head);
    const { payload } = owner;
    this.sendPayload(passesBody && payload?.present === true ? payload : null);
  }

  /** Takes a piece of the answer. */
  protected takeAnswer(bytes: Buffer, start: number, end: number): void {
    const from = this.answering ? start : this.takeHead(bytes, start, end);
    if (from < end && !this.done) this.takeBody(bytes, from, end);
  }

  /** Returns where the body begins. */
  private takeHead(bytes: Buffer, start: number, end: number): number {
    const { owner, reader } = this;
    const at = start + reader.feed(bytes, start, end);
    if (reader.state === "needMore") return end;
    if (reader.state === "failed") {
      this.refuse(reader.failure!);
      return end;
    }
    const { head } = reader;
    for (const warning of head.warnings) owner.log("warn", warning);
    if (head.status < 200 && (head.status !== 101 || !owner.maySwitch)) {
      this.refuse(`upstream sent ${head.status} that was not asked for`);
      return end;
    }
    this.answering = true;
    this.bodyLeft = head.status === 204 || head.status === 304 ? 0 : head.contentLength;
    this.readDeadline.set(owner.settings.readTimeoutMs);
    const outcome = owner.takeHead(head);
    if (outcome === "switched") {
      this.switchProtocols(at < end ? bytes.subarray(at, end) : null);
      return end;
    }
    // As in nginx, nobody waits for the rest.
    if (outcome === "body" && owner.wantsHeadOnly && !this.done) this.complete(false);
    return at;
  }

  private takeBody(bytes: Buffer, start: number, end: number): void {
    const { bodyLeft } = this;
    if (bodyLeft === null) return this.onBody(bytes, start, end);
    const length = Math.min(bodyLeft, end - start);
    this.bodyLeft = bodyLeft - length;
    if (length > 0) this.onBody(bytes, start, start + length);
    if (length === end - start || this.done) return;
    this.owner.log("warn", 'upstream sent more data than specified in "Content-Length" header');
    this.complete(false);
  }

  protected takeEnd(): boolean {
    const { bodyLeft } = this;
    if (!this.answering || (bodyLeft !== null && bodyLeft > 0)) return false;
    this.complete(false);
    return true;
  }
}
