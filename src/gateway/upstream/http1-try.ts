import type { BodyDecoder, BodySink } from "../../http/body.ts";
import { LengthDecoder, UntilCloseDecoder } from "../../http/body.ts";
import { ChunkedDecoder } from "../../http/chunked.ts";
import type { ResponseHead, ResponseHeadReader } from "../../http/response-head.ts";
import { failureOf } from "../failure/failure.ts";
import type { Fields } from "../../http/fields.ts";
import { ConnectionTry } from "./connection-try.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, TryOwner } from "./protocol.ts";

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
export class Http1Try extends ConnectionTry implements BodySink {
  private readonly request: Http1Request;
  private readonly reader: ResponseHeadReader;
  private decoder: BodyDecoder | null = null;
  private head: ResponseHead | null = null;
  private interims = 0;
  private chunkedRequest = false;

  constructor(owner: TryOwner, pooled: PooledConnection, request: Http1Request, sink: AnswerSink) {
    super(owner, pooled, sink);
    this.request = request;
    this.reader = pooled.readerFor(owner.settings.bufferSize);
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
    if (replacementBody !== null) this.append(replacementBody);
    this.sendPayload(payload);
  }

  /** Sends a part of the body, as one chunk where it goes in chunks. */
  onPayload(pieces: readonly Buffer[]): boolean {
    if (this.done) return true;
    if (this.chunkedRequest) this.appendText(`${sizeOf(pieces).toString(16)}\r\n`);
    for (const piece of pieces) this.append(piece);
    if (this.chunkedRequest) this.append(chunkEnd);
    if (this.owner.payload!.inMemory) return true;
    return this.leave();
  }

  protected closePayload(): void {
    if (this.chunkedRequest) this.append(lastChunk);
  }

  protected take(bytes: Buffer): void {
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

  protected takeEnd(): boolean {
    if (this.decoder?.end() !== true) return false;
    this.finishBody(false);
    return true;
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
    this.answering = true;
    this.keepable = endsWithHead(head, request.isHead) && position === bytes.length && this.sentWhole;
    this.decoder = decoderFor(head, request.isHead, request.keepsTrailers);
    this.readDeadline.set(owner.settings.readTimeoutMs);
    const outcome = owner.takeHead(head);
    if (outcome === "switched")
      this.switchProtocols(position < bytes.length ? bytes.subarray(position) : null);
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
      this.owner.fail(failureOf("invalidBody", "upstream sent invalid chunked response"));
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

  private finishBody(clean: boolean): void {
    const trailers = this.decoder instanceof ChunkedDecoder ? this.decoder.trailers : null;
    if (trailers !== null) this.request.acceptTrailers(trailers);
    this.complete(clean && !this.head!.connectionClose);
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
