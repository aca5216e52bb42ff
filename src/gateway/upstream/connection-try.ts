import { writeLatin1 } from "../../http/latin1.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { failureOf, lostUpstream } from "../failure/failure.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { Payload, PayloadTarget } from "./payload.ts";
import type { AnswerSink, TryOwner, UpstreamTry } from "./protocol.ts";

/** What is sent in small parts is put together here and leaves in one piece. */
const scratch = Buffer.allocUnsafeSlow(32768);

/**
 * One request on a connection that it has for itself, as far as that is the same for all protocols: sending with
 * back-pressure, times for sending and reading, the answer's body on its way to the sink.
 */
export abstract class ConnectionTry implements UpstreamTry, PayloadTarget, DeadlineOwner {
  protected readonly owner: TryOwner;
  protected readonly sink: AnswerSink;
  protected readonly pooled: PooledConnection;
  protected readonly readDeadline: Deadline;
  private sendDeadline: Deadline | null = null;
  /** Bytes of the request that wait to leave together. */
  private pending = 0;
  /** The request is sent whole, as far as this side is concerned. */
  protected payloadSent = false;
  private payloadBlocked = false;
  /** What was queued when the time for sending was last set. */
  private queuedThen = 0;
  protected done = false;
  /** The answer's head has come. */
  protected answering = false;
  /** The answer is over with its head, and so the connection could serve again. */
  protected keepable = false;
  private sinkBlocked = false;

  constructor(owner: TryOwner, pooled: PooledConnection, sink: AnswerSink) {
    this.owner = owner;
    this.sink = sink;
    this.pooled = pooled;
    this.readDeadline = pooled.deadline;
    this.readDeadline.owner = this;
  }

  /** Sends the request: see `UpstreamTry`. */
  abstract start(): void;
  /** Sends a part of the body: see `PayloadTarget`. */
  abstract onPayload(pieces: readonly Buffer[]): boolean;
  /** Sends what tells the body's end. */
  protected abstract closePayload(): void;
  /** Reads bytes of the answer. */
  protected abstract take(bytes: Buffer): void;
  /** The server has ended its side. True: that ends the answer, which was dealt with. */
  protected abstract takeEnd(): boolean;

  /** Sends the body, if there is one that comes from the client, and then what ends the request. */
  protected sendPayload(payload: Payload | null): void {
    if (payload === null) return this.onPayloadEnd();
    payload.sendTo(this);
    if (!this.payloadSent) this.leave();
  }

  /** After an answer without a body the connection is kept. */
  drop(blameless: boolean): void {
    if (this.done) return;
    this.done = true;
    this.sendDeadline?.dispose();
    const { pool } = this.owner;
    if (pool === null || !this.keepable || !blameless) return this.pooled.close();
    this.readDeadline.clear();
    pool.give(this.pooled);
  }

  /** All of the body was given. */
  onPayloadEnd(): void {
    if (this.done || this.payloadSent) return;
    this.closePayload();
    this.payloadSent = true;
    if (this.leave()) this.awaitAnswer();
  }

  /** The connection has sent what was queued. */
  onDrain(): void {
    this.sendDeadline?.clear();
    if (this.done || !this.payloadBlocked) return;
    this.payloadBlocked = false;
    if (this.payloadSent) this.awaitAnswer();
    else this.owner.payload?.flow();
  }

  /** Bytes of the answer have come. */
  onData(bytes: Buffer): void {
    if (this.done) return;
    try {
      this.owner.state.bytesReceived += bytes.length;
      // As in nginx, the time for the head is not prolonged by parts of it.
      if (!this.answering) this.awaitHead();
      else if (this.readDeadline.armed) this.readDeadline.set(this.owner.settings.readTimeoutMs);
      this.take(bytes);
    } catch (error) {
      this.owner.crash(error);
    }
  }

  /** The server has ended its side. */
  onEnd(): void {
    if (this.done || this.takeEnd()) return;
    this.lost(null);
  }

  /** The connection is gone. */
  onClose(code: string | null): void {
    if (!this.done) this.lost(code);
  }

  /** Passes on a piece of the answer's body. */
  onBody(bytes: Buffer, start: number, end: number): void {
    const { sink } = this;
    this.owner.state.bodyBytes += end - start;
    const whole = start === 0 && end === bytes.length;
    if (sink.write(whole ? bytes : bytes.subarray(start, end)) || this.sinkBlocked) return;
    this.sinkBlocked = true;
    this.pooled.connection.pause();
    this.readDeadline.clear();
    sink.onDrain = () => this.onSinkDrain();
  }

  private onSinkDrain(): void {
    this.sinkBlocked = false;
    if (this.done) return;
    this.readDeadline.set(this.owner.settings.readTimeoutMs);
    this.pooled.connection.resume();
  }

  /** A request that is not wholly on its way would be followed by the next one in its middle. */
  protected get sentWhole(): boolean {
    return this.payloadSent && this.pooled.connection.queued === 0;
  }

  /** The answer was read whole. `clean`: nothing speaks against another request on this connection. */
  protected complete(clean: boolean): void {
    this.done = true;
    const reusable = clean && this.sentWhole;
    this.readDeadline.clear();
    this.sendDeadline?.dispose();
    if (!reusable || this.owner.pool === null) this.pooled.close();
    this.owner.complete(reusable ? this.pooled : null);
  }

  /** Both sides speak another protocol from now on; `early` came behind the head. */
  protected switchProtocols(early: Buffer | null): void {
    this.readDeadline.dispose();
    this.sendDeadline?.dispose();
    this.done = true;
    // The tunnel counts what it passes on.
    if (early !== null) this.owner.state.bytesReceived -= early.length;
    this.owner.switched(this.pooled.connection, early);
  }

  /** The request is sent: the time for the answer's head begins. */
  private awaitAnswer(): void {
    if (!this.answering) this.readDeadline.set(this.owner.settings.readTimeoutMs);
  }

  /** The answer has no head that could be used. */
  protected refuse(reason: string): void {
    this.awaitHead();
    this.owner.fail(failureOf("invalidHead", reason));
  }

  /** From the first event on, what is waited for is the head. */
  private awaitHead(): void {
    this.owner.activity = "reading response header from upstream";
  }

  private lost(code: string | null): void {
    if (!this.answering) this.awaitHead();
    this.owner.fail(lostUpstream(code));
  }

  /** The time for sending or reading is over. */
  onDeadline(deadline: Deadline): void {
    if (this.done) return;
    const { queued } = this.pooled.connection;
    if (deadline === this.sendDeadline && queued < this.queuedThen) {
      // The server is slow, but takes some.
      this.queuedThen = queued;
      deadline.set(this.owner.settings.sendTimeoutMs);
      return;
    }
    if (!this.answering && this.payloadSent && !this.payloadBlocked) this.awaitHead();
    this.owner.fail(this.owner.timeout(deadline === this.sendDeadline ? "sendTimedOut" : "readTimedOut"));
  }

  /** Adds text to what leaves together. */
  protected appendText(text: string): void {
    if (this.pending + text.length > scratch.length) this.append(Buffer.from(text, "latin1"));
    else this.pending += writeLatin1(scratch, text, this.pending);
  }

  /** Adds bytes to what leaves together. */
  protected append(bytes: Buffer): void {
    if (this.pending + bytes.length <= scratch.length) {
      this.pending += bytes.copy(scratch, this.pending);
      return;
    }
    this.leave();
    this.send(bytes);
  }

  /** Sends what has come together. False: the connection takes no more for now. */
  protected leave(): boolean {
    const { pending } = this;
    this.pending = 0;
    return pending === 0 ? !this.payloadBlocked : this.send(scratch.subarray(0, pending));
  }

  private send(bytes: Buffer): boolean {
    this.owner.state.bytesSent += bytes.length;
    if (this.pooled.connection.send(bytes)) return true;
    this.payloadBlocked = true;
    this.queuedThen = this.pooled.connection.queued;
    this.sendDeadline ??= new Deadline(this.owner.clock, this);
    this.sendDeadline.set(this.owner.settings.sendTimeoutMs);
    return false;
  }
}
