import type { BodyDecoder, BodySink } from "../../http/body.ts";
import { LengthDecoder, UntilCloseDecoder } from "../../http/body.ts";
import { ChunkedDecoder } from "../../http/chunked.ts";
import { asksForUpgrade } from "../../http/upgrade.ts";
import { writeLatin1 } from "../../http/latin1.ts";
import type { ResponseHead, ResponseHeadReader } from "../../http/response-head.ts";
import type { ConnectionOwner } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { failureOf, lostUpstream } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { openTunnel } from "./open-tunnel.ts";
import type { Request } from "../request/request.ts";
import type { Exchange } from "./exchange.ts";
import type { PooledConnection } from "./keepalive-pool.ts";
import type { PayloadTarget } from "./payload.ts";

/** Head and small bodies are put together here and leave in one piece. */
const scratch = Buffer.allocUnsafeSlow(32768);
/** More "102 Processing" than a request of hours gets; a server that floods would keep the thread to itself. */
const interimMax = 1000;
const chunkEnd = Buffer.from("\r\n", "latin1");
const lastChunk = Buffer.from("0\r\n\r\n", "latin1");

/**
 * One request on one connection to an upstream server: sends it, reads the answer, passes its body on
 * with back-pressure. What failing means is the exchange's business.
 */
export class UpstreamTry implements ConnectionOwner, PayloadTarget, BodySink, DeadlineOwner {
  private readonly exchange: Exchange;
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
  private clientBlocked = false;

  constructor(exchange: Exchange, pooled: PooledConnection) {
    this.exchange = exchange;
    this.pooled = pooled;
    this.reader = pooled.readerFor(exchange.plan.settings.bufferSize);
    this.readDeadline = pooled.deadline;
    this.readDeadline.owner = this;
  }

  /** Sends head and body. */
  start(): void {
    const { exchange } = this;
    exchange.activity = "sending request to upstream";
    const { payload, plan } = exchange;
    const { replacementBody } = plan;
    const own = replacementBody === null && plan.settings.passRequestBody && payload.present;
    const length = replacementBody !== null ? replacementBody.length : own ? payload.length : 0;
    this.chunkedRequest = own && length === null;
    exchange.requestSent = true;
    this.appendText(plan.buildHead(length));
    if (own) {
      payload.sendTo(this);
      if (!this.payloadSent) this.leave();
      return;
    }
    if (replacementBody !== null) this.append(replacementBody);
    this.onPayloadEnd();
  }

  /**
   * Lets go of the connection; nothing that happens on it concerns the request any more.
   *
   * @param blameless the server did no wrong: after an answer without a body the connection is kept
   */
  drop(blameless: boolean): void {
    if (this.done) return;
    this.done = true;
    this.sendDeadline?.dispose();
    const { pool } = this.exchange.plan.upstream;
    if (pool === null || !this.keepable || !blameless) return this.pooled.close();
    this.readDeadline.clear();
    pool.give(this.pooled);
  }

  onPayload(pieces: readonly Buffer[]): boolean {
    if (this.done) return true;
    if (this.chunkedRequest) this.appendText(`${sizeOf(pieces).toString(16)}\r\n`);
    for (const piece of pieces) this.append(piece);
    if (this.chunkedRequest) this.append(chunkEnd);
    if (this.exchange.payload.inMemory) return true;
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
    else this.exchange.payload.flow();
  }

  onData(bytes: Buffer): void {
    if (this.done) return;
    try {
      this.take(bytes);
    } catch (error) {
      this.exchange.crash(error);
    }
  }

  private take(bytes: Buffer): void {
    this.exchange.state.bytesReceived += bytes.length;
    // As in nginx, the time for the head is not prolonged by parts of it.
    if (this.head === null) this.awaitHead();
    else if (this.readDeadline.armed) this.readDeadline.set(this.exchange.plan.settings.readTimeoutMs);
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
    const { response } = this.exchange.request;
    this.exchange.state.bodyBytes += end - start;
    const whole = start === 0 && end === bytes.length;
    if (response.write(whole ? bytes : bytes.subarray(start, end)) || this.clientBlocked) return;
    this.clientBlocked = true;
    this.pooled.connection.pause();
    this.readDeadline.clear();
    response.onDrain = () => this.onClientDrain();
  }

  private onClientDrain(): void {
    this.clientBlocked = false;
    if (this.done) return;
    this.readDeadline.set(this.exchange.plan.settings.readTimeoutMs);
    this.pooled.connection.resume();
  }

  /** Takes the head; true for an interim answer (100 Continue …), after which another head follows. */
  private acceptHead(head: ResponseHead, bytes: Buffer, position: number): boolean {
    const { exchange } = this;
    const { request } = exchange;
    if (head.versionMajor === 0) {
      this.refuse("upstream sent no valid HTTP/1.0 header");
      return false;
    }
    for (const warning of head.warnings) exchange.log("warn", warning);
    if (head.status === 101 && !this.mayUpgrade(request)) {
      this.refuse("upstream sent 101 that was not asked for");
      return false;
    }
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      if (head.status === 103) exchange.plan.acceptEarlyHints(head);
      return this.acceptInterim();
    }
    const { state } = exchange;
    state.status = head.status;
    request.upstreamHead = head;
    state.headerMs = exchange.clockMs - state.startMs;
    this.keepable = endsWithHead(head, exchange.plan.isHead) && position === bytes.length && this.sentWhole;
    if (head.status >= 300 && exchange.rejects(head.status)) {
      this.done = true;
      return false;
    }
    this.head = head;
    exchange.activity = "reading upstream";
    this.readDeadline.set(exchange.plan.settings.readTimeoutMs);
    if (exchange.plan.settings.interceptErrors && head.status >= 300 && this.intercept(head)) return false;
    const goOn = exchange.plan.acceptHead(head);
    if (goOn !== null) {
      exchange.leave(goOn);
      return false;
    }
    if (head.status === 101) {
      this.upgrade(bytes, position);
      return false;
    }
    this.startBody(head);
    return false;
  }

  /** The client asks for another protocol, and the server was told: a subrequest's answer is no tunnel. */
  private mayUpgrade({ parent, fields }: Request): boolean {
    if (parent !== null || !this.exchange.plan.asksForUpgrade) return false;
    return fields.getAll("upgrade").some(asksForUpgrade);
  }

  private startBody(head: ResponseHead): void {
    const { request, plan } = this.exchange;
    this.decoder = decoderFor(head, plan.isHead, plan.keepsTrailers);
    // By `proxy_method`: no body comes that could be promised, or one that nobody wants to have.
    if (plan.isHead && !request.isHead) request.response.contentLength = 0;
    request.response.prepareHead();
    if (request.isHead && !plan.isHead) this.finishBody(this.keepable);
  }

  private acceptInterim(): boolean {
    this.interims += 1;
    if (this.interims <= interimMax) return true;
    this.refuse("upstream sent too many interim responses");
    return false;
  }

  /** `proxy_intercept_errors`: the location's own page instead of the server's, when it has one. */
  private intercept(head: ResponseHead): boolean {
    const { request } = this.exchange;
    const { errorPages } = request.location.core;
    if (request.servingErrorPage || !errorPages.some((page) => page.codes.includes(head.status)))
      return false;
    if (head.status === 401) {
      for (const challenge of head.fields.getAll("www-authenticate"))
        request.response.fields.add("WWW-Authenticate", challenge);
    }
    this.exchange.finish(head.status);
    return true;
  }

  private readBody(bytes: Buffer, position: number): void {
    const decoder = this.decoder;
    if (decoder === null) return;
    const end =
      position + (position < bytes.length ? decoder.decode(bytes, position, bytes.length, this) : 0);
    if (this.done) return;
    if (decoder.state === "failed") {
      this.exchange.abandon(failureOf("invalidBody"));
      return;
    }
    if (decoder.state === "done") {
      if (end < bytes.length) {
        this.exchange.log("warn", 'upstream sent more data than specified in "Content-Length" header');
      }
      this.finishBody(end === bytes.length);
      return;
    }
    const { response } = this.exchange.request;
    if (response.mayHoldBack) response.flush();
    else response.flushBody();
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
    if (!reusable || this.exchange.plan.upstream.pool === null) this.pooled.close();
    const trailers = this.decoder instanceof ChunkedDecoder ? this.decoder.trailers : null;
    if (trailers !== null) this.exchange.plan.acceptTrailers(trailers);
    this.exchange.complete(reusable ? this.pooled : null);
  }

  private upgrade(bytes: Buffer, position: number): void {
    this.readDeadline.dispose();
    this.sendDeadline?.dispose();
    const early = position < bytes.length ? bytes.subarray(position) : null;
    // The tunnel counts what it passes on.
    if (early !== null) this.exchange.state.bytesReceived -= early.length;
    openTunnel(this.exchange, this.pooled.connection, early);
    this.done = true;
  }

  /** The request is sent: the time for the answer's head begins. */
  private awaitAnswer(): void {
    if (this.head === null) this.readDeadline.set(this.exchange.plan.settings.readTimeoutMs);
  }

  private refuse(reason: string): void {
    this.awaitHead();
    this.exchange.fail(failureOf("invalidHead", reason));
  }

  /** From the first event on, what is waited for is the head. */
  private awaitHead(): void {
    this.exchange.activity = "reading response header from upstream";
  }

  private lost(code: string | null): void {
    if (this.head === null) this.awaitHead();
    this.fail(lostUpstream(code));
  }

  /** Once the answer's head was taken, no other server can be asked. */
  private fail(failure: Failure): void {
    if (this.head === null) this.exchange.fail(failure);
    else this.exchange.abandon(failure);
  }

  onDeadline(deadline: Deadline): void {
    if (this.done) return;
    const { queued } = this.pooled.connection;
    if (deadline === this.sendDeadline && queued < this.queuedThen) {
      // The server is slow, but takes some.
      this.queuedThen = queued;
      deadline.set(this.exchange.plan.settings.sendTimeoutMs);
      return;
    }
    if (this.head === null && this.payloadSent && !this.payloadBlocked) this.awaitHead();
    this.fail(this.exchange.timeout(deadline === this.sendDeadline ? "sendTimedOut" : "readTimedOut"));
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
    this.exchange.state.bytesSent += bytes.length;
    if (this.pooled.connection.send(bytes)) return true;
    this.payloadBlocked = true;
    this.queuedThen = this.pooled.connection.queued;
    this.sendDeadline ??= new Deadline(this.exchange.request.client.gateway.network.clock, this);
    this.sendDeadline.set(this.exchange.plan.settings.sendTimeoutMs);
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
