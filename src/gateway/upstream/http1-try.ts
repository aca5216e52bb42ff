import type { BodyDecoder, BodySink } from "../../http/body.ts";
import { LengthDecoder, UntilCloseDecoder } from "../../http/body.ts";
import { ChunkedDecoder } from "../../http/chunked.ts";
import { writeLatin1 } from "../../http/latin1.ts";
import type { ResponseHead, ResponseHeadReader } from "../../http/response-head.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { failureOf, lostUpstream } from "../failure/failure.ts";
import type { Fields } from "../../http/fields.ts";
import type { PooledConnection } from "./keepalive-pool.ts";
import type { PayloadTarget } from "./payload.ts";
import type { AnswerSink, TryOwner, UpstreamTry } from "./protocol.ts";

/** Head and small bodies are put together here and leave in one piece. */
const scratch = Buffer.allocUnsafeSlow(32768);
/** More "102 Processing" than a request of hours gets; a server that floods would keep the thread to itself. */
const interimMax = 1000;
const chunkEnd = Buffer.from("\r\n", "latin1");
const lastChunk = Buffer.from("0\r\n\r\n", "latin1");

/** A request as HTTP/1 has it: the same for every try. */
export interface Http1Request {
  /** The server is asked by HEAD: its answer has no body. */
  readonly isHead: boolean;
  readonly passesBody: boolean;
  /** Sent instead of the client's body; null for the client's own. */
  readonly replacementBody: Buffer | null;
  /** Request line and fields, ending with the empty line. `bodyLength` null: the body is chunked. */
  buildHead(bodyLength: number | null): string;
  /** Passes on the head of an interim answer with status 103, or not. */
  acceptEarlyHints(head: ResponseHead): void;
  /** Whether the fields behind the last chunk are wanted. */
  readonly keepsTrailers: boolean;
  /** Takes over the fields behind the answer's last chunk. */
  acceptTrailers(trailers: Fields): void;
}

/**
 * One request on one connection to an upstream server, by HTTP/1: sends it, reads the answer, passes its body on
 * with back-pressure. What failing means is its owner's business.
 */
export class Http1Try implements UpstreamTry, PayloadTarget, BodySink, DeadlineOwner {
  private readonly owner: TryOwner;
  private readonly request: Http1Request;
  private readonly sink: AnswerSink;
  private readonly pooled: PooledConnection;
  private readonly reader: ResponseHeadReader;
  private readonly readDeadline: Deadline;
  private sendDeadline: Deadline | null = null;
  private decoder: BodyDecoder | null = null;
  private head: ResponseHead | null = null;
  private interims = 0;
  /** Bytes of the request that wait to leave together. */
  private pending = 0;
  private chunkedRequest = false;
  private payloadSent = false;
  private payloadBlocked = false;
  /** What was queued when the time for sending was last set. */
  private queuedThen = 0;
  private done = false;
  /** The answer is over with its head, and so the connection could serve again. */
  private keepable = false;
  private sinkBlocked = false;

  constructor(owner: TryOwner, pooled: PooledConnection, request: Http1Request, sink: AnswerSink) {
    this.owner = owner;
    this.request = request;
    this.sink = sink;
    this.pooled = pooled;
    this.reader = pooled.readerFor(owner.settings.bufferSize);
    this.readDeadline = pooled.deadline;
    this.readDeadline.owner = this;
  }

  /** Sends head and body. */
  start(): void {
    const { owner, request } = this;
    owner.activity = "sending request to upstream";
    const { replacementBody } = request;
    const own = replacementBody === null && request.passesBody && owner.payload?.present === true;
    const payload = own ? owner.payload : null;
    const length = replacementBody !== null ? replacementBody.length : payload === null ? 0 : payload.length;
    this.chunkedRequest = payload !== null && length === null;
    owner.requestSent = true;
    this.appendText(request.buildHead(length));
    if (payload !== null) {
      payload.sendTo(this);
      if (!this.payloadSent) this.leave();
      return;
    }
    if (replacementBody !== null) this.append(replacementBody);
    this.onPayloadEnd();
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

  onPayload(pieces: readonly Buffer[]): boolean {
    if (this.done) return true;
    if (this.chunkedRequest) this.appendText(`${sizeOf(pieces).toString(16)}\r\n`);
    for (const piece of pieces) this.append(piece);
    if (this.chunkedRequest) this.append(chunkEnd);
    if (this.owner.payload!.inMemory) return true;
    return this.leave();
  }

  onPayloadEnd(): void {
    if (this.done || this.payloadSent) return;
    if (this.chunkedRequest) this.append(lastChunk);
    this.payloadSent = true;
    if (this.leave()) this.awaitAnswer();
  }

  onDrain(): void {
    this.sendDeadline?.clear();
    if (this.done || !this.payloadBlocked) return;
    this.payloadBlocked = false;
    if (this.payloadSent) this.awaitAnswer();
    else this.owner.payload?.flow();
  }

  onData(bytes: Buffer): void {
    if (this.done) return;
    try {
      this.take(bytes);
    } catch (error) {
      this.owner.crash(error);
    }
  }

  private take(bytes: Buffer): void {
    this.owner.state.bytesReceived += bytes.length;
    // As in nginx, the time for the head is not prolonged by parts of it.
    if (this.head === null) this.awaitHead();
    else if (this.readDeadline.armed) this.readDeadline.set(this.owner.settings.readTimeoutMs);
    let position = 0;
    while (this.decoder === null && !this.done) {
      position += this.reader.feed(bytes, position, bytes.length);
      if (this.reader.state === "failed") return this.refuse(this.reader.failure!);
      if (this.reader.state !== "done") return;
      const interim = this.acceptHead(this.reader.head, bytes, position);
      if (!interim) break;
      this.reader.reset();
      if (position >= bytes.length) return;
    }
    if (!this.done) this.readBody(bytes, position);
  }

  onEnd(): void {
    if (this.done) return;
    if (this.decoder?.end() === true) {
      this.finishBody(false);
      return;
    }
    this.lost(null);
  }

  onClose(code: string | null): void {
    if (!this.done) this.lost(code);
  }

  /** Called by the decoder for each piece of the answer's body. */
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

  /** Takes the head; true for an interim answer (100 Continue …), after which another head follows. */
  private acceptHead(head: ResponseHead, bytes: Buffer, position: number): boolean {
    const { owner, request } = this;
    if (head.versionMajor === 0) {
      this.refuse("upstream sent no valid HTTP/1.0 header");
      return false;
    }
    for (const warning of head.warnings) owner.log("warn", warning);
    if (head.status === 101 && !owner.maySwitch) {
      this.refuse("upstream sent 101 that was not asked for");
      return false;
    }
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      if (head.status === 103) request.acceptEarlyHints(head);
      return this.acceptInterim();
    }
    this.head = head;
    this.keepable = endsWithHead(head, request.isHead) && position === bytes.length && this.sentWhole;
    this.decoder = decoderFor(head, request.isHead, request.keepsTrailers);
    this.readDeadline.set(owner.settings.readTimeoutMs);
    const outcome = owner.takeHead(head);
    if (outcome === "switched") this.switchProtocols(bytes, position);
    else if (outcome === "body" && owner.wantsHeadOnly && !request.isHead && !this.done)
      this.finishBody(this.keepable);
    return false;
  }

  private acceptInterim(): boolean {
    this.interims += 1;
    if (this.interims <= interimMax) return true;
    this.refuse("upstream sent too many interim responses");
    return false;
  }

  private readBody(bytes: Buffer, position: number): void {
    const decoder = this.decoder;
    if (decoder === null) return;
    const end =
      position + (position < bytes.length ? decoder.decode(bytes, position, bytes.length, this) : 0);
    if (this.done) return;
    if (decoder.state === "failed") {
      this.owner.fail(failureOf("invalidBody"));
      return;
    }
    if (decoder.state === "done") {
      if (end < bytes.length) {
        this.owner.log("warn", 'upstream sent more data than specified in "Content-Length" header');
      }
      this.finishBody(end === bytes.length);
      return;
    }
    this.sink.passOn();
  }

  /** A request that is not wholly on its way would be followed by the next one in its middle. */
  private get sentWhole(): boolean {
    return this.payloadSent && this.pooled.connection.queued === 0;
  }

  private finishBody(clean: boolean): void {
    this.done = true;
    const reusable = clean && this.sentWhole && !this.head!.connectionClose;
    this.readDeadline.clear();
    this.sendDeadline?.dispose();
    if (!reusable || this.owner.pool === null) this.pooled.close();
    const trailers = this.decoder instanceof ChunkedDecoder ? this.decoder.trailers : null;
    if (trailers !== null) this.request.acceptTrailers(trailers);
    this.owner.complete(reusable ? this.pooled : null);
  }

  private switchProtocols(bytes: Buffer, position: number): void {
    this.readDeadline.dispose();
    this.sendDeadline?.dispose();
    const early = position < bytes.length ? bytes.subarray(position) : null;
    // The tunnel counts what it passes on.
    if (early !== null) this.owner.state.bytesReceived -= early.length;
    this.done = true;
    this.owner.switched(this.pooled.connection, early);
  }

  /** The request is sent: the time for the answer's head begins. */
  private awaitAnswer(): void {
    if (this.head === null) this.readDeadline.set(this.owner.settings.readTimeoutMs);
  }

  private refuse(reason: string): void {
    this.awaitHead();
    this.owner.fail(failureOf("invalidHead", reason));
  }

  /** From the first event on, what is waited for is the head. */
  private awaitHead(): void {
    this.owner.activity = "reading response header from upstream";
  }

  private lost(code: string | null): void {
    if (this.head === null) this.awaitHead();
    this.owner.fail(lostUpstream(code));
  }

  onDeadline(deadline: Deadline): void {
    if (this.done) return;
    const { queued } = this.pooled.connection;
    if (deadline === this.sendDeadline && queued < this.queuedThen) {
      // The server is slow, but takes some.
      this.queuedThen = queued;
      deadline.set(this.owner.settings.sendTimeoutMs);
      return;
    }
    if (this.head === null && this.payloadSent && !this.payloadBlocked) this.awaitHead();
    this.owner.fail(this.owner.timeout(deadline === this.sendDeadline ? "sendTimedOut" : "readTimedOut"));
  }

  private appendText(text: string): void {
    if (this.pending + text.length > scratch.length) this.append(Buffer.from(text, "latin1"));
    else this.pending += writeLatin1(scratch, text, this.pending);
  }

  private append(bytes: Buffer): void {
    if (this.pending + bytes.length <= scratch.length) {
      this.pending += bytes.copy(scratch, this.pending);
      return;
    }
    this.leave();
    this.send(bytes);
  }

  private leave(): boolean {
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

function sizeOf(pieces: readonly Buffer[]): number {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  return size;
}

/** No body follows, and the server keeps the connection. */
function endsWithHead(head: ResponseHead, isHead: boolean): boolean {
  const { status, chunked, contentLength, connectionClose } = head;
  return (
    !connectionClose && (isHead || status === 204 || status === 304 || (!chunked && contentLength === 0))
  );
}

/** How the body of this answer ends (RFC 9112, section 6.3). */
export function decoderFor(head: ResponseHead, isHead: boolean, keepTrailers: boolean): BodyDecoder {
  if (isHead || head.status === 204 || head.status === 304) return new LengthDecoder(0);
  if (head.chunked) return new ChunkedDecoder({ keepTrailers });
  return head.contentLength === null ? new UntilCloseDecoder() : new LengthDecoder(head.contentLength);
}
