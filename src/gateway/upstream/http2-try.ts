import { errorCodeName, noError, cancel, refusedStream } from "../../http2/error-code.ts";
import type { Http2RequestStart } from "../../http2/head-encoder.ts";
import type { ResetBy, Http2StreamOwner } from "../../http2/stream-owner.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import type { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { failureOf } from "../failure/failure.ts";
import { StreamConnection } from "../tunnel/stream-connection.ts";
import type { Failure } from "../failure/failure.ts";
import { Http2Link } from "./http2-link.ts";
import type { TurnWaiter } from "./http2-link.ts";
import { LinkCarrier } from "./link-carrier.ts";
import type { BugReporter } from "./link-carrier.ts";
import type { Payload, PayloadTarget } from "./payload.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, SharedTry, TryOwner } from "./protocol.ts";

/** As many as by HTTP/1. */
const interimMax = 1000;

/** A request's head as HTTP/2 has it. */
export interface Http2Head {
  readonly start: Http2RequestStart;
  readonly fields: Fields;
}

/** What an extended CONNECT (RFC 8441, section 5) has of the request of HTTP/1.1 that it stands for. */
export interface ConnectTerms {
  /** The server's 200 as the answer that the request asks for: 101. */
  switchedHead(head: ResponseHead): ResponseHead;
  /** For the tunnel. */
  readonly reporter: BugReporter;
}

/** A request as HTTP/2 has it: the same for every try. */
export interface Http2UpstreamRequest {
  /** The server is asked by HEAD: its answer has no body. */
  readonly isHead: boolean;
  readonly passesBody: boolean;
  /** Sent instead of the client's body; null for the client's own. */
  readonly replacementBody: Buffer | null;
  /** `bodyLength` null: it is not known before its end. */
  buildHead(bodyLength: number | null): Http2Head;
  /** Passes on the head of an interim answer with status 103, or not. */
  acceptEarlyHints(head: ResponseHead): void;
  /** Whether the fields behind the body are wanted. */
  readonly keepsTrailers: boolean;
  /** Takes over the fields behind the answer's body. */
  acceptTrailers(trailers: Fields): void;
  /** Of an extended CONNECT: its stream stays open, and 200 makes a tunnel of it. Absent for all else. */
  readonly connect?: ConnectTerms;
}

/**
 * One request on a stream of a connection to an upstream server, by HTTP/2 (RFC 9113, section 8): sends it, reads the
 * answer, passes its body on. Either side is held back by the stream's window, not by the connection.
 */
export class Http2Try implements SharedTry, PayloadTarget, Http2StreamOwner, DeadlineOwner, TurnWaiter {
  private readonly owner: TryOwner;
  private readonly link: Http2Link;
  private readonly request: Http2UpstreamRequest;
  private readonly sink: AnswerSink;
  private readonly readDeadline: Deadline;
  private sendDeadline: Deadline | null = null;
  private stream: Http2Stream | null = null;
  private head: ResponseHead | null = null;
  private interims = 0;
  /** Bytes of a body that the window had no room for yet. */
  private queue: Buffer[] = [];
  private queueAt = 0;
  /** Bytes of the first of them that have gone. */
  private sentOfFirst = 0;
  private payload: Payload | null = null;
  /** All of the body is in the queue, or gone. */
  private payloadEnded = false;
  private payloadSent = false;
  private sinkBlocked = false;
  /** Bytes that the sink has taken against its will: their window stays closed until it drains. */
  private heldBytes = 0;
  private awaitsTurnEnd = false;
  /** Some of the request had gone to a server before this try. */
  private sentBefore = false;
  /** The server has said all that it will. */
  private answerEnded = false;
  private done = false;

  /** `connection`: one that an `Http2Link` owns. */
  constructor(
    owner: TryOwner,
    connection: PooledConnection,
    request: Http2UpstreamRequest,
    sink: AnswerSink,
  ) {
    this.owner = owner;
    if (!(connection.link instanceof Http2Link)) throw new Error("not a connection by HTTP/2");
    this.link = connection.link;
    this.request = request;
    this.sink = sink;
    this.readDeadline = new Deadline(owner.clock, this);
  }

  /** Sends head and body. */
  start(): void {
    const { owner, request, link } = this;
    owner.activity = "sending request to upstream";
    const { replacementBody } = request;
    const own = replacementBody === null && request.passesBody && owner.payload?.present === true;
    this.payload = own ? owner.payload : null;
    const length = replacementBody?.length ?? (this.payload === null ? 0 : this.payload.length);
    const { start, fields } = request.buildHead(length);
    const bare = length === 0 && request.connect === undefined;
    const stream = link.session.open(start, fields, bare, this);
    if (stream === null) return this.fail(failureOf("notProcessed", "upstream takes no more streams"));
    this.stream = stream;
    this.sentBefore = owner.requestSent;
    owner.requestSent = true;
    if (length === 0) return this.sentAll();
    if (this.payload !== null) return this.payload.sendTo(this);
    this.onPayload([replacementBody!]);
    this.onPayloadEnd();
  }

  /** The stream is reset unless it has ended; the connection goes on. */
  drop(): void {
    if (!this.done) this.finish();
  }

  onPayload(pieces: readonly Buffer[]): boolean {
    if (this.done) return true;
    // What is gathered in memory stays as it is; all else is used again.
    const stays = this.payload === null || this.payload.inMemory;
    this.payloadEnded = stays;
    if (this.queueAt > 0 && this.queueAt === this.queue.length) this.emptyQueue();
    const blocked = this.queue.length > 0;
    for (const piece of pieces) if (piece.length > 0) this.queue.push(piece);
    if (!blocked) this.pump();
    if (this.queueAt === this.queue.length) return true;
    if (!stays) this.copyQueue(blocked ? this.queue.length - pieces.length : this.queueAt);
    return false;
  }

  onPayloadEnd(): void {
    if (this.done || this.payloadSent) return;
    this.payloadEnded = true;
    this.pump();
  }

  onWritable(): void {
    if (this.done) return;
    this.sendDeadline?.clear();
    this.pump();
    if (this.payloadEnded || this.queueAt < this.queue.length) return;
    this.emptyQueue();
    try {
      this.payload?.flow();
    } catch (error) {
      this.owner.crash(error);
    }
  }

  /** Sends of the queue what the windows allow. */
  private pump(): void {
    const { stream, queue } = this;
    if (stream === null || stream.closed) return;
    while (this.queueAt < queue.length) {
      const piece = queue[this.queueAt]!;
      const last = this.payloadEnded && this.queueAt === queue.length - 1;
      const taken = stream.sendData(piece, this.sentOfFirst, piece.length, last);
      this.sentOfFirst += taken;
      this.owner.state.bytesSent += taken;
      if (this.sentOfFirst < piece.length) return this.awaitWindow();
      this.sentOfFirst = 0;
      this.queueAt += 1;
      if (stream.closed) return;
    }
    if (!this.payloadEnded || this.payloadSent) return;
    if (!stream.localEnded) stream.sendEnd();
    this.sentAll();
  }

  private awaitWindow(): void {
    this.sendDeadline ??= new Deadline(this.owner.clock, this);
    this.sendDeadline.set(this.owner.settings.sendTimeoutMs);
  }

  private emptyQueue(): void {
    this.queue = [];
    this.queueAt = 0;
  }

  private copyQueue(from: number): void {
    const { queue } = this;
    for (let index = Math.max(from, this.queueAt); index < queue.length; index++)
      queue[index] = Buffer.from(queue[index]!);
  }

  /** The request is sent: the time for the answer's head begins. */
  private sentAll(): void {
    this.payloadSent = true;
    if (this.head === null && !this.done) this.readDeadline.set(this.owner.settings.readTimeoutMs);
  }

  onHead(_stream: Http2Stream, head: ResponseHead, ended: boolean): void {
    if (this.done) return;
    try {
      this.takeHead(head, ended);
    } catch (error) {
      this.owner.crash(error);
    }
  }

  private takeHead(head: ResponseHead, ended: boolean): void {
    const { owner, request } = this;
    const { fields, status, warnings } = head;
    // As in HTTP/1: the text, with a colon, a space and a line end for each field.
    const bytes = fields.bytes + 4 * fields.size;
    owner.state.bytesReceived += bytes;
    owner.activity = "reading response header from upstream";
    for (const warning of warnings) owner.log("warn", warning);
    if (bytes > owner.settings.bufferSize) return this.refuse("upstream sent too big header");
    if (status < 200) {
      if (ended) return this.refuse("upstream prematurely closed stream");
      this.interims += 1;
      if (this.interims > interimMax) return this.refuse("upstream sent too many interim responses");
      if (status === 103) request.acceptEarlyHints(head);
      return;
    }
    if (status === 200 && request.connect !== undefined) return this.switchOver(request.connect, head, ended);
    this.head = head;
    this.readDeadline.set(owner.settings.readTimeoutMs);
    this.answerEnded = ended;
    const bare = request.isHead || status === 204 || status === 304;
    const empty = ended && !bare && head.contentLength === null;
    const outcome = owner.takeHead(empty ? { ...head, contentLength: 0 } : head);
    if (outcome !== "body" || this.done) return;
    if (ended || (owner.wantsHeadOnly && !request.isHead)) this.complete();
    else this.passOn();
  }

  /** The server has opened the tunnel: the stream goes on as a connection. */
  private switchOver(terms: ConnectTerms, head: ResponseHead, ended: boolean): void {
    const { owner, link, stream } = this;
    if (ended || !owner.maySwitch) return this.refuse("upstream opened no tunnel with its 200");
    if (owner.takeHead(terms.switchedHead(head)) !== "switched" || this.done) return;
    this.done = true;
    this.readDeadline.dispose();
    // A tunnel has no length, whatever was said (RFC 9110, section 9.3.6).
    stream!.contentLength = -1;
    const carrier = new LinkCarrier(link, owner.clock, terms.reporter);
    owner.switched(new StreamConnection(stream!, carrier), null);
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    if (this.done) return;
    try {
      this.takeData(stream, bytes.subarray(start, end));
    } catch (error) {
      this.owner.crash(error);
    }
  }

  private takeData(stream: Http2Stream, bytes: Buffer): void {
    const { sink, owner } = this;
    owner.state.bytesReceived += bytes.length;
    owner.state.bodyBytes += bytes.length;
    if (this.readDeadline.armed) this.readDeadline.set(owner.settings.readTimeoutMs);
    const flows = sink.write(bytes);
    if (this.done) return;
    this.passOn();
    if (flows && !this.sinkBlocked) return stream.consume(bytes.length);
    this.heldBytes += bytes.length;
    if (this.sinkBlocked) return;
    this.sinkBlocked = true;
    this.readDeadline.clear();
    sink.onDrain = () => this.onSinkDrain();
  }

  private onSinkDrain(): void {
    this.sinkBlocked = false;
    if (this.done) return;
    this.readDeadline.set(this.owner.settings.readTimeoutMs);
    this.stream!.consume(this.heldBytes);
    this.heldBytes = 0;
  }

  /** What comes together goes on together. */
  private passOn(): void {
    if (this.awaitsTurnEnd) return;
    this.awaitsTurnEnd = true;
    this.link.atTurnEnd(this);
  }

  onTurnEnd(): void {
    this.awaitsTurnEnd = false;
    if (this.done) return;
    try {
      this.sink.passOn();
    } catch (error) {
      this.owner.crash(error);
    }
  }

  onTrailers(_stream: Http2Stream, fields: Fields): void {
    if (this.done) return;
    this.owner.state.bytesReceived += fields.bytes + 4 * fields.size;
    if (this.request.keepsTrailers) this.request.acceptTrailers(fields);
  }

  onEnd(): void {
    this.answerEnded = true;
    if (!this.done) this.complete();
  }

  onReset(stream: Http2Stream, code: number, by: ResetBy, reason: string): void {
    if (this.done) return;
    if (this.head === null) this.owner.activity = "reading response header from upstream";
    if (by === "connection") this.fail(this.link.failure);
    else if (by === "rule") this.refuse(wordsOfRule(reason));
    else if (by === "unprocessed")
      this.unprocessed(`upstream sent goaway with error ${stream.session.peerGoAwayCode}`);
    else if (code === refusedStream) this.unprocessed("upstream refused the stream");
    else this.fail(failureOf("streamReset", `${code} (${errorCodeName(code)})`));
  }

  /** The server has not looked at the request, whatever it was: it can be put to another. */
  private unprocessed(cause: string): void {
    this.owner.requestSent = this.sentBefore;
    this.fail(failureOf("notProcessed", cause));
  }

  private refuse(reason: string): void {
    this.fail(failureOf("invalidHead", reason));
  }

  private fail(failure: Failure): void {
    this.owner.fail(failure);
  }

  /** The answer is whole. A server that has answered early may not want the rest of the request (section 8.1). */
  private complete(): void {
    this.finish();
    this.owner.complete(null);
  }

  private finish(): void {
    this.done = true;
    this.readDeadline.dispose();
    this.sendDeadline?.dispose();
    const { stream } = this;
    if (stream === null || stream.closed) return;
    if (!this.answerEnded) stream.reset(cancel);
    else if (!stream.localEnded) stream.reset(noError);
  }

  onDeadline(deadline: Deadline): void {
    if (this.done) return;
    const { owner } = this;
    // A server that is gone without a word would keep those that come after as well.
    this.link.distrust();
    if (this.head === null && this.payloadSent) owner.activity = "reading response header from upstream";
    owner.fail(owner.timeout(deadline === this.sendDeadline ? "sendTimedOut" : "readTimedOut"));
  }
}

/** nginx's words for rules that a server broke; the session's own, which hold for clients as well, do not name it. */
const ruleWords: Readonly<Record<string, string>> = {
  "data before the head": "upstream sent unexpected http2 frame: 0",
  "less data than content-length": "upstream prematurely closed stream",
  "more data than content-length": "upstream sent response body larger than indicated content length",
};

function wordsOfRule(reason: string): string {
  if (reason.startsWith("upstream ")) return reason;
  return ruleWords[reason] ?? `upstream broke HTTP/2: ${reason}`;
}
