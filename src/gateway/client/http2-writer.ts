import { formatHttpDate } from "../../http/date.ts";
import { Fields } from "../../http/fields.ts";
import { frameHeaderBytes } from "../../http2/frame.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { AnswerWriter, HandedOver } from "../request/answer-writer.ts";
import type { ClientHolder } from "../request/client.ts";
import { settleConnectAnswer } from "../request/extended-connect.ts";
import { serverField } from "../request/product.ts";
import { RateFilter } from "../request/rate-filter.ts";
import type { SendRate } from "../request/rate-filter.ts";
import { redirectLocation } from "../request/redirect.ts";
import type { Request } from "../request/request.ts";
import type { Response } from "../request/response.ts";
import { UnreadBytes } from "../request/unread-bytes.ts";
import { StreamConnection } from "../tunnel/stream-connection.ts";
import type { Http2Request } from "./http2-request.ts";

/**
 * Writes the answer to a request as a stream of HTTP/2. Holds what the windows do not take: one piece, since whoever
 * makes the answer is told to wait.
 */
export class Http2Writer implements AnswerWriter, DeadlineOwner {
  private readonly owner: Http2Request;
  private response: Response | null = null;
  /** The head is settled and has not left. */
  private headWaits = false;
  /** Bytes of the body that are still to be sent; -1 where its length is not known, or trailers follow. */
  private left = -1;
  /** What was given and not taken by the stream; null while it took all. */
  private held: UnreadBytes | null = null;
  /** All was given: whether it is the whole answer. */
  private ending: "whole" | "cut" | null = null;
  private rate: RateFilter | null = null;
  /** The stream, once it is to be a tunnel's. */
  private tunnel: StreamConnection | null = null;
  /** `send_timeout`; null until the client was slow for the first time. */
  private deadline: Deadline | null = null;

  constructor(owner: Http2Request) {
    this.owner = owner;
  }

  get open(): boolean {
    return !this.owner.stream.closed;
  }

  get askerEnded(): boolean {
    return this.owner.stream.closed;
  }

  /** What becomes of the connection is not a single request's business. */
  locationFound(): void {}

  interim(request: Request, status: 100 | 103, fieldLines: string): void {
    const { response } = request;
    if (response.headSent) return;
    // In nginx these bytes count as body.
    response.bytesSent += this.owner.stream.sendHead(status, fieldsOf(fieldLines), false);
  }

  begin(response: Response): void {
    this.response = response;
    this.rate = null;
    this.ending = null;
    this.headWaits = true;
    if (response.request.extendedConnect) settleConnectAnswer(response);
    const { trailers, trailersMayFollow, contentLength } = response;
    this.left = trailers === null && !trailersMayFollow ? contentLength : -1;
  }

  limitTo(rate: SendRate | null): void {
    this.rate?.close();
    this.rate = null;
    const { response } = this;
    if (rate === null || response === null) return;
    const wire = {
      write: (bytes: Buffer) => this.send(bytes),
      flush: () => undefined,
      end: () => this.finishStream(),
      fail: (error: Error) => response.crash(error),
    };
    this.rate = new RateFilter(rate, response.clock, wire);
    this.rate.onDrain = () => response.takeDrain();
  }

  write(bytes: Buffer): boolean {
    return this.rate === null ? this.send(bytes) : this.rate.write(bytes);
  }

  /** What is written leaves at the end of the turn. */
  flush(): void {}

  sendHead(): boolean {
    return !this.headWaits || this.putHead(this.response!, false);
  }

  end(whole: boolean): void {
    this.ending = whole ? "whole" : "cut";
    if (this.rate === null) this.finishStream();
    else this.rate.end();
  }

  forget(): void {
    this.headWaits = false;
    this.limitTo(null);
  }

  connect(): Connection {
    this.tunnel ??= new StreamConnection(this.owner.stream, this.owner.connection);
    return this.tunnel;
  }

  handOver(tunnel: ClientHolder & DeadlineOwner, side: ConnectionOwner): HandedOver {
    const { owner, response } = this;
    const { stream, gateway } = owner;
    // However slow the client is with other streams: what follows is the tunnel's.
    if (this.headWaits) this.sendHeadNow(response!, false);
    const connection = this.connect();
    const { ahead, clientEnded } = owner.handOverStream();
    connection.owner = side;
    if (ahead !== null) stream.consume(ahead.length);
    return { ahead, clientEnded, deadline: new Deadline(gateway.network.clock, tunnel) };
  }

  finish(request: Request): void {
    this.owner.finishRequest(request);
  }

  abort(request: Request): void {
    this.forget();
    this.lose();
    this.owner.abortRequest(request);
  }

  /** Nobody gets what is written from now on. */
  lose(): void {
    this.held = null;
    this.headWaits = false;
    this.deadline?.dispose();
  }

  /** The client can take more. */
  resume(): void {
    const { response, held } = this;
    if (response === null || response.request.finished) return;
    if (this.headWaits && !this.putHead(response, false)) return;
    if (held !== null && held.size > 0) {
      const bytes = held.take();
      const taken = this.push(bytes);
      held.putBack(bytes.length - taken);
      if (taken > 0) this.watch();
      if (held.size > 0) return;
      held.clear();
    }
    this.deadline?.clear();
    if (this.rate !== null) this.rate.resume();
    else if (this.ending !== null) this.finishStream();
    else response.takeDrain();
  }

  onDeadline(): void {
    const request = this.owner.request;
    if (request === null || request.finished) return;
    // Where nothing at all is taken, that is the connection's matter.
    if (this.owner.connection.session.blocked) return this.watch();
    this.owner.stall(request);
  }

  private send(bytes: Buffer): boolean {
    const { response, owner } = this;
    if (response === null || owner.stream.closed) return true;
    if (this.held !== null && this.held.size > 0) return this.hold(bytes);
    if (this.headWaits && !this.putHead(response, false)) return this.hold(bytes);
    const taken = this.push(bytes);
    return taken === bytes.length || this.hold(taken === 0 ? bytes : bytes.subarray(taken));
  }

  private hold(bytes: Buffer): false {
    this.held ??= new UnreadBytes();
    this.held.add(bytes);
    if (this.deadline?.armed !== true) this.watch();
    return false;
  }

  /** Watches that the client takes some of what waits. */
  private watch(): void {
    const { owner, response } = this;
    this.deadline ??= new Deadline(owner.gateway.network.clock, this);
    this.deadline.set(response!.request.location.core.sendTimeoutMs);
  }

  /** Gives the stream what it takes, in frames of `http2_chunk_size`; tells how much. */
  private push(bytes: Buffer): number {
    const { stream } = this.owner;
    const response = this.response!;
    const frameBytes = response.request.location.http2ChunkBytes;
    let at = 0;
    while (at < bytes.length) {
      const to = Math.min(bytes.length, at + frameBytes);
      const taken = stream.sendData(bytes, at, to, this.left === to - at);
      if (taken > 0) this.countHead(frameHeaderBytes);
      response.bytesSent += taken;
      if (this.left > 0) this.left -= taken;
      at += taken;
      if (at < to) break;
    }
    return at;
  }

  /** False: the client takes nothing for now, and `resume` follows. */
  private putHead(response: Response, ends: boolean): boolean {
    const { connection, stream } = this.owner;
    if (connection.session.blocked && !stream.closed) {
      connection.awaitDrain(this.owner);
      if (this.deadline?.armed !== true) this.watch();
      return false;
    }
    this.sendHeadNow(response, ends);
    return true;
  }

  private sendHeadNow(response: Response, ends: boolean): void {
    this.headWaits = false;
    const isOver = ends || (response.trailers === null && (response.headOnly || this.left === 0));
    this.countHead(this.owner.stream.sendHead(response.status, headOf(response), isOver));
  }

  /** In nginx the headers of frames count as head, as trailers do. */
  private countHead(bytes: number): void {
    const response = this.response!;
    response.bytesSent += bytes;
    response.headBytes += bytes;
    this.rate?.countBeside(bytes);
  }

  /** Ends the stream when all that was given is on its way. */
  private finishStream(): void {
    const { owner, response, ending } = this;
    const { stream } = owner;
    if (response === null || (this.held !== null && this.held.size > 0)) return;
    if (stream.closed) return response.written();
    const { trailers } = response;
    const hasTrailers = trailers !== null && trailers.size > 0 && !response.headOnly;
    const whole = ending !== "cut";
    if (this.headWaits && !this.putHead(response, whole && !hasTrailers)) return;
    if (whole && !stream.localEnded) {
      if (!hasTrailers) stream.sendEnd();
      this.countHead(hasTrailers ? stream.sendTrailers(trailers) : frameHeaderBytes);
    }
    response.written();
  }
}

/** The fields of an answer, in nginx's order. */
function headOf(response: Response): Fields {
  const { request, contentType, contentLength, lastModifiedSeconds } = response;
  const head = new Fields();
  const add = (name: string, value: string): void => head.addLowered(name, name, value);
  if (response.ownServer) add("server", serverField(request.location.core.serverTokens));
  if (response.ownDate) add("date", formatHttpDate(response.clock.wall()));
  if (contentType !== null && contentType !== "") add("content-type", contentType);
  if (contentLength >= 0) add("content-length", String(contentLength));
  if (lastModifiedSeconds >= 0) add("last-modified", formatHttpDate(lastModifiedSeconds * 1000));
  const location = redirectLocation(request);
  if (location !== null) add("location", location);
  if (response.variesByEncoding) add("vary", "Accept-Encoding");
  const { fields } = response;
  for (let index = 0; index < fields.size; index++) {
    const lower = fields.lowerNames[index]!;
    if (location === null || lower !== "location") add(lower, fields.values[index]!);
  }
  return head;
}

/** Lines of HTTP/1, as they are made for interim answers. */
function fieldsOf(lines: string): Fields {
  const fields = new Fields();
  for (const line of lines.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.add(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}
