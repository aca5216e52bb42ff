import type { HeadFailure } from "../../http/head-failure.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { cancel, internalError, noError, protocolError, refusedStream } from "../../http2/error-code.ts";
import type { Http2RequestHead } from "../../http2/request-head.ts";
import type { Http2StreamOwner, ResetBy } from "../../http2/stream-owner.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { BodySource } from "../request/body-source.ts";
import { handshakeOf, isWebSocketProtocol } from "../request/extended-connect.ts";
import { Phase, runPhases } from "../request/phases.ts";
import { RequestBody } from "../request/request-body.ts";
import { endRequest } from "../request/request-end.ts";
import { Request } from "../request/request.ts";
import { UnreadBytes } from "../request/unread-bytes.ts";
import type { Gateway } from "../serve/gateway.ts";
import type { Http2Connection } from "./http2-connection.ts";
import { Http2Writer } from "./http2-writer.ts";
import { chooseServer, useServer } from "./request-start.ts";

const prematureEnd = "client prematurely closed stream";
const timeoutWords = "client timed out (110: Connection timed out)";

/**
 * The window of a stream whose body is being read: 10 MB/s for a client that is 100 ms away. What comes and cannot be
 * passed on waits here, so that is also what a stream can make us hold, within its connection's window.
 */
const bodyWindowBytes = 1024 * 1024;

/**
 * A request that came by a stream of HTTP/2: gives it its body as it is wanted, and tells it when the client does not
 * want the answer any more. What comes unwanted waits here, no more than the stream's window.
 */
export class Http2Request implements BodySource, DeadlineOwner, Http2StreamOwner {
  readonly connection: Http2Connection;
  readonly stream: Http2Stream;
  private readonly writer: Http2Writer;
  private served: Request | null = null;
  /** What has come of the body and nobody has taken yet; null while nothing has. */
  private ahead: UnreadBytes | null = null;
  /** Somebody wants the body, and can take it. */
  private reading = false;
  /** The client has sent all. */
  private clientEnded = false;
  private over = false;
  /** The client was too slow. */
  private timedOut = false;
  /** `client_body_timeout`; null until a body is waited for. */
  private deadline: Deadline | null = null;

  constructor(connection: Http2Connection, stream: Http2Stream) {
    this.connection = connection;
    this.stream = stream;
    this.writer = new Http2Writer(this);
    stream.owner = this;
  }

  get request(): Request | null {
    return this.served;
  }

  get gateway(): Gateway {
    return this.connection.gateway;
  }

  /** Serves it. `ended`: no body follows. */
  begin(head: Http2RequestHead, ended: boolean): void {
    this.clientEnded = ended;
    const { connectProtocol } = head;
    const isHandshake = connectProtocol !== null && isWebSocketProtocol(connectProtocol);
    const { network } = this.gateway;
    const request = this.make(isHandshake ? handshakeOf(head, () => network.random()) : head);
    request.extendedConnect = connectProtocol !== null;
    const chosen = chooseServer(request, this.connection.servers.choice);
    for (const name of head.ignoredNames ?? [])
      request.log("info", `client sent invalid header: "${name}" while reading client request headers`);
    if (!chosen) {
      request.response.status = 500;
      request.response.abort();
    } else if (connectProtocol !== null && !isHandshake) {
      request.log("info", `client sent unknown protocol "${connectProtocol}" with extended CONNECT`);
      request.response.fail(501);
    } else {
      runPhases(request, Phase.postRead);
    }
  }

  /** Answers a head that is not to be served, with its log line and the error page of the server that it names. */
  refuse({ status, reason }: HeadFailure, head: Http2RequestHead): void {
    const request = this.make(head);
    const { connection } = this;
    if (head.host === null) useServer(request, connection.negotiatedServer);
    else chooseServer(request, connection.servers.choice);
    request.log("info", reason);
    request.response.fail(status);
  }

  private make(head: RequestHead): Request {
    const { connection, writer } = this;
    const { client, servers } = connection;
    const body = new RequestBody(this, head.contentLength ?? 0, head.chunked, true);
    const request = new Request({ client, writer, head, body, server: servers.choice.defaultServer });
    if (!body.complete) request.onEnd(body);
    this.served = request;
    return request;
  }

  onHead(): void {
    throw new Error("a server gets no response");
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    const request = this.served;
    if (request === null || this.over) return stream.consume(end - start);
    if (!this.reading || (this.ahead !== null && this.ahead.size > 0)) {
      this.ahead ??= new UnreadBytes();
      this.ahead.add(bytes.subarray(start, end));
      return;
    }
    this.deadline?.set(request.location.core.clientBodyTimeoutMs);
    try {
      this.give(request, bytes, start, end);
    } catch (error) {
      request.response.crash(error);
    }
  }

  /** What they say is of no use to anybody; nginx drops them as well. */
  onTrailers(): void {}

  onEnd(): void {
    this.clientEnded = true;
    const request = this.served;
    if (request !== null && !this.over && this.reading) this.guarded(request, () => this.tellEnd());
  }

  onReset(stream: Http2Stream, code: number, by: ResetBy, reason: string): void {
    this.deadline?.dispose();
    this.writer.lose();
    const request = this.served;
    // All has been sent: the client may say so.
    if (request === null || request.finished || stream.localEnded) return;
    if (by === "peer") request.log("info", resetWords(stream.id, code));
    else if (by === "rule") request.log("info", `${reason} while processing HTTP/2 connection`);
    this.guarded(request, () => this.loseClient(request));
  }

  onWritable(): void {
    const request = this.served;
    if (request !== null && !this.over) this.guarded(request, () => this.writer.resume());
  }

  readBody(): void {
    const request = this.served;
    if (request === null || this.over) return;
    if (request.body.discarded) return this.throwAway();
    this.reading = true;
    this.deadline ??= new Deadline(this.gateway.network.clock, this);
    this.deadline.set(request.location.core.clientBodyTimeoutMs);
    if (!this.clientEnded && request.body.contentLength !== 0) this.stream.widen(bodyWindowBytes);
    if ((this.ahead !== null && this.ahead.size > 0) || this.clientEnded) {
      this.gateway.network.clock.soon(() => this.guarded(request, () => this.giveAhead(request)));
    }
  }

  pauseBody(): void {
    this.reading = false;
    this.deadline?.clear();
  }

  resumeBody(): void {
    if (!this.reading) this.readBody();
  }

  feedArrived(body: RequestBody): void {
    const request = this.served;
    if (request?.body !== body || this.ahead === null || this.ahead.size === 0) return;
    const bytes = this.ahead.take();
    this.give(request, bytes, 0, bytes.length);
    this.tellEnd();
  }

  bodyDone(): void {
    this.deadline?.clear();
  }

  onDeadline(): void {
    const request = this.served;
    if (request === null || request.finished) return;
    this.timedOut = true;
    this.guarded(request, () => request.body.fail(408, timeoutWords));
  }

  /** Of the writer: all of the answer is on its way. */
  finishRequest(request: Request): void {
    if (request.finished) return;
    endRequest(request);
    this.end(noError);
  }

  /** Of the writer: the answer cannot be completed. */
  abortRequest(request: Request): void {
    if (request.finished) return;
    endRequest(request);
    // As nginx has it, for `return 444` as well.
    this.end(this.timedOut || request.response.status === 444 ? protocolError : internalError);
  }

  /** The client takes nothing of the answer for `send_timeout`. */
  stall(request: Request): void {
    this.timedOut = true;
    request.log("info", `${timeoutWords} while sending to client`);
    request.tellClientGone("stalled");
    if (!request.finished) request.response.abort();
  }

  /**
   * The stream has another owner, who stands for the client from now on; nothing is left to do here. Returns what the
   * client has sent already, which is not yet consumed.
   */
  handOverStream(): { readonly ahead: Buffer | null; readonly clientEnded: boolean } {
    const ahead = this.ahead !== null && this.ahead.size > 0 ? this.ahead.take() : null;
    this.served = null;
    this.deadline?.dispose();
    this.writer.lose();
    this.connection.requestEnded(this);
    return { ahead, clientEnded: this.clientEnded };
  }

  /** The request is over; the stream, too, whatever the client still wants to send. */
  private end(code: number): void {
    this.over = true;
    this.ahead = null;
    this.deadline?.dispose();
    this.writer.lose();
    if (!this.stream.closed) this.stream.reset(code);
    this.connection.requestEnded(this);
  }

  private give(request: Request, bytes: Buffer, start: number, end: number): void {
    const { heartbeat } = this.gateway;
    const before = heartbeat.enter(request);
    request.body.feed(bytes, start, end);
    heartbeat.leave(before);
    // Also of a body that has failed: nothing of it is held.
    this.stream.consume(end - start);
  }

  private giveAhead(request: Request): void {
    if (!this.reading || this.over) return;
    if (this.ahead !== null && this.ahead.size > 0) {
      const bytes = this.ahead.take();
      this.give(request, bytes, 0, bytes.length);
    }
    this.tellEnd();
  }

  /** The body is whole once all that came of it was given. */
  private tellEnd(): void {
    if (!this.clientEnded || (this.ahead !== null && this.ahead.size > 0)) return;
    const { body } = this.served!;
    if (body.started) body.endStream();
  }

  private throwAway(): void {
    const { stream, ahead } = this;
    stream.discarding = true;
    this.deadline?.clear();
    if (ahead === null) return;
    stream.consume(ahead.size);
    this.ahead = null;
  }

  private loseClient(request: Request): void {
    const { body, response } = request;
    if (!body.complete && body.started && !body.discarded) body.fail(400, prematureEnd);
    else request.tellClientGone("closed");
    if (request.finished) return;
    if (request.watched) return this.writer.resume();
    if (response.status === 0) response.status = 499;
    response.abort();
  }

  /** What is thrown is a matter of this request, and of no other on the connection. */
  private guarded(request: Request, run: () => void): void {
    const { heartbeat } = this.gateway;
    const before = heartbeat.enter(request);
    try {
      run();
    } catch (error) {
      request.response.crash(error);
    }
    heartbeat.leave(before);
  }
}

/** nginx's words for a reset. */
function resetWords(id: number, code: number): string {
  if (code === cancel) return `client canceled stream ${id}`;
  if (code === refusedStream) return `client refused stream ${id}`;
  if (code === internalError) return `client terminated stream ${id} due to internal error`;
  return `client terminated stream ${id} with status ${code}`;
}
