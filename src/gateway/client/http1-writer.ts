import { formatHttpDate } from "../../http/date.ts";
import { safeFieldValue } from "../../http/field-value.ts";
import type { Fields } from "../../http/fields.ts";
import { writeLatin1 } from "../../http/latin1.ts";
import { reasonPhrase } from "../../http/status.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { AnswerWriter, HandedOver } from "../request/answer-writer.ts";
import type { ClientHolder } from "../request/client.ts";
import { serverField } from "../request/product.ts";
import { RateFilter } from "../request/rate-filter.ts";
import type { SendRate } from "../request/rate-filter.ts";
import { redirectLocation } from "../request/redirect.ts";
import type { Request } from "../request/request.ts";
import type { Response } from "../request/response.ts";

/** Head and body are put together here and sent in one piece when both fit. Shared: nothing stays in it. */
const scratch = Buffer.allocUnsafeSlow(65536);
const crlf = Buffer.from("\r\n", "latin1");
const lastChunk = Buffer.from("0\r\n\r\n", "latin1");

/** The connection that answers go out by, as far as their writer must know it. */
export interface AnsweringConnection {
  readonly socket: Connection;
  /** The client will send nothing more. */
  readonly ended: boolean;
  /** No request is waited for after the current one. */
  readonly leaving: boolean;
  applyKeepAlive(request: Request): void;
  /** False: the client is slow, `drained` of the writer is called when it can take more. */
  sendResponse(bytes: Buffer): boolean;
  finishRequest(request: Request): void;
  abortRequest(request: Request): void;
  handOver(tunnel: ClientHolder & DeadlineOwner, side: ConnectionOwner): HandedOver;
}

/** Writes the answers of a connection's requests, one after the other, as HTTP/1. */
export class Http1Writer implements AnswerWriter {
  private readonly connection: AnsweringConnection;
  /** The answer that is being written. */
  private response!: Response;
  private head: string | null = null;
  /** `limit_rate`: between the framing and the connection, because what it counts is all that is sent. */
  private rate: RateFilter | null = null;

  constructor(connection: AnsweringConnection) {
    this.connection = connection;
  }

  get open(): boolean {
    return this.connection.socket.open;
  }

  get askerEnded(): boolean {
    return this.connection.ended;
  }

  locationFound(request: Request): void {
    this.connection.applyKeepAlive(request);
  }

  interim(request: Request, status: 100 | 103, fieldLines: string): void {
    const { response } = request;
    if (!request.speaks11 || response.headSent) return;
    const bytes = Buffer.from(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${fieldLines}\r\n`, "latin1");
    // In nginx these bytes count as body.
    response.bytesSent += bytes.length;
    this.connection.sendResponse(bytes);
  }

  begin(response: Response): void {
    this.response = response;
    this.rate = null;
    chooseFraming(response);
    this.head = this.buildHead(response);
  }

  limitTo(rate: SendRate | null): void {
    this.rate?.close();
    this.rate = null;
    if (rate === null) return;
    const wire = {
      write: (bytes: Buffer) => this.sendNow(bytes),
      flush: () => undefined,
      end: () => this.response.written(),
      fail: (error: Error) => this.response.crash(error),
    };
    this.rate = new RateFilter(rate, this.response.clock, wire);
    this.rate.onDrain = () => this.response.takeDrain();
  }

  write(bytes: Buffer): boolean {
    const head = this.takeHead();
    let size = head;
    const { chunked } = this.response;
    const prefix = chunked ? `${bytes.length.toString(16)}\r\n` : "";
    if (size + prefix.length + bytes.length + 2 > scratch.length) return this.writeLarge(size, prefix, bytes);
    if (chunked) {
      size += writeLatin1(scratch, prefix, size);
      size += bytes.copy(scratch, size);
      scratch[size++] = 13;
      scratch[size++] = 10;
      return this.send(scratch.subarray(0, size));
    }
    if (head === 0) return this.send(bytes);
    size += bytes.copy(scratch, size);
    return this.send(scratch.subarray(0, size));
  }

  /** Whatever is written is sent at once. */
  flush(): void {}

  sendHead(): boolean {
    const size = this.takeHead();
    return size === 0 ? true : this.send(scratch.subarray(0, size));
  }

  end(whole: boolean): void {
    const { response } = this;
    if (whole && response.chunked && !response.headOnly) {
      const size = this.takeHead();
      const tail = response.trailers === null ? lastChunk : trailerBytes(response.trailers);
      if (size + tail.length <= scratch.length) {
        tail.copy(scratch, size);
        this.send(scratch.subarray(0, size + tail.length));
      } else {
        this.send(scratch.subarray(0, size));
        this.send(tail);
      }
    } else {
      this.sendHead();
    }
    if (this.rate === null) response.written();
    else this.rate.end();
  }

  forget(): void {
    this.head = null;
    this.limitTo(null);
  }

  connect(): Connection {
    return this.connection.socket;
  }

  handOver(tunnel: ClientHolder & DeadlineOwner, side: ConnectionOwner): HandedOver {
    return this.connection.handOver(tunnel, side);
  }

  finish(request: Request): void {
    this.connection.finishRequest(request);
  }

  abort(request: Request): void {
    this.forget();
    this.connection.abortRequest(request);
  }

  /** The client can take more. */
  drained(response: Response): void {
    if (this.rate === null || response.complete) response.takeDrain();
    else this.rate.resume();
  }

  private writeLarge(headSize: number, prefix: string, bytes: Buffer): boolean {
    const size = headSize + writeLatin1(scratch, prefix, headSize);
    if (size > 0) this.send(scratch.subarray(0, size));
    const flowing = this.send(bytes);
    return this.response.chunked ? this.send(crlf) && flowing : flowing;
  }

  private send(bytes: Buffer): boolean {
    return this.rate === null ? this.sendNow(bytes) : this.rate.write(bytes);
  }

  private sendNow(bytes: Buffer): boolean {
    this.response.bytesSent += bytes.length;
    return this.connection.sendResponse(bytes);
  }

  /** Puts the waiting head into the scratch buffer; its size, 0 when it left already. */
  private takeHead(): number {
    const { head } = this;
    if (head === null || head === "") return 0;
    this.head = null;
    this.response.headBytes += head.length;
    if (head.length <= scratch.length - 1024) return writeLatin1(scratch, head, 0);
    this.send(Buffer.from(head, "latin1"));
    return 0;
  }

  private buildHead(response: Response): string {
    const { request } = response;
    const { core } = request.location;
    if (request.head.versionMajor === 0) return "";
    let head = `HTTP/1.1 ${response.statusText ?? statusLine(response.status)}\r\n`;
    if (response.ownServer) head += `Server: ${serverField(core.serverTokens)}\r\n`;
    if (response.ownDate) head += `Date: ${formatHttpDate(response.clock.wall())}\r\n`;
    const { contentType, contentLength, lastModifiedSeconds } = response;
    if (contentType !== null && contentType !== "")
      head += `Content-Type: ${safeFieldValue(contentType)}\r\n`;
    if (contentLength >= 0) head += `Content-Length: ${contentLength}\r\n`;
    if (lastModifiedSeconds >= 0) head += `Last-Modified: ${formatHttpDate(lastModifiedSeconds * 1000)}\r\n`;
    const location = redirectLocation(request);
    if (location !== null) head += `Location: ${safeFieldValue(location)}\r\n`;
    if (response.chunked) head += "Transfer-Encoding: chunked\r\n";
    head += this.connectionField(request);
    if (response.variesByEncoding) head += "Vary: Accept-Encoding\r\n";
    const { fields } = response;
    for (let index = 0; index < fields.size; index++) {
      if (location !== null && fields.lowerNames[index] === "location") continue;
      head += `${fields.names[index]!}: ${safeFieldValue(fields.values[index]!)}\r\n`;
    }
    return `${head}\r\n`;
  }

  private connectionField(request: Request): string {
    if (request.response.status === 101) return "Connection: upgrade\r\n";
    // The process may have been told to end since the request began.
    if (this.connection.leaving) request.keepAlive = false;
    if (!request.keepAlive) return "Connection: close\r\n";
    const seconds = request.location.core.keepaliveHeaderSeconds;
    return seconds > 0
      ? `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`
      : "Connection: keep-alive\r\n";
  }
}

/** How the end of the body is told: by length, by chunks, or by closing the connection. */
function chooseFraming(response: Response): void {
  const { request, status } = response;
  if (status === 304 || status === 204 || status < 200 || request.isHead) return;
  if (response.contentLength >= 0 && response.trailers === null) return;
  if (request.speaks11 && request.location.core.chunkedTransferEncoding) {
    response.chunked = true;
    response.contentLength = -1;
  } else if (response.contentLength < 0) {
    request.keepAlive = false;
  }
}

function statusLine(status: number): string {
  return `${String(status).padStart(3, "0")} ${reasonPhrase(status)}`;
}

function trailerBytes(trailers: Fields): Buffer {
  let text = "0\r\n";
  for (let index = 0; index < trailers.size; index++) {
    text += `${trailers.names[index]!}: ${safeFieldValue(trailers.values[index]!)}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}
