import { RequestHeadReader } from "../../http/request-head.ts";
import type { RequestHead } from "../../http/request-head.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { AheadBytes } from "./ahead-bytes.ts";
import type { AheadOwner } from "./ahead-bytes.ts";
import type { HandedOver } from "../request/answer-writer.ts";
import type { BodySource } from "../request/body-source.ts";
import type { Client, ClientHolder } from "../request/client.ts";
import { describeSystemError } from "../../config/errors.ts";
import { tellDeparture } from "./departure.ts";
import type { Departure } from "./departure.ts";
import type { Gateway } from "../serve/gateway.ts";
import { Http1Writer } from "./http1-writer.ts";
import type { AnsweringConnection } from "./http1-writer.ts";
import { wearsOut } from "./keep-alive.ts";
import { LingeringClose, LingeringTime } from "./lingering.ts";
import type { AddressServers, ListenSocket } from "../serve/listen-socket.ts";
import { Phase, runPhases } from "../request/phases.ts";
import type { ProxiedConnection } from "../../net/proxy-protocol.ts";
import { ProxyHeaderOwner, ProxyHeaderReader } from "./proxy-header.ts";
import { endRequest } from "../request/request-end.ts";
import { SendWatch } from "./send-watch.ts";
import type { SendWatchOwner } from "./send-watch.ts";
import type { RequestBody } from "../request/request-body.ts";
import type { Request } from "../request/request.ts";
import { abandonHead, beginRequest, logIgnoredLines, refuseHead } from "./request-start.ts";
import type { LocationSettings } from "../serve/settings.ts";
import type { VirtualServer } from "../serve/virtual-server.ts";

const prematureEnd = "client prematurely closed connection";
const timedOut = "client timed out (110: Connection timed out)";

type State = "head" | "request" | "idle" | "lingering" | "tunnel" | "closed";

/**
 * A client's connection: reads request heads, hands each to the phases, keeps the connection for the
 * next request, closes it or gives it to a tunnel. Owns every timer on the client's side until then.
 */
export class ClientConnection
  implements
    AheadOwner,
    ClientHolder,
    AnsweringConnection,
    BodySource,
    ConnectionOwner,
    DeadlineOwner,
    SendWatchOwner
{
  readonly client: Client;
  readonly writer = new Http1Writer(this);
  readonly gateway: Gateway;
  readonly socket: Connection;
  /** The servers of the address that the client connected to. */
  servers: AddressServers;
  request: Request | null = null;
  /** The client spoke plain HTTP on a TLS port: every request is answered with 497. */
  readonly plainOnTls: boolean;
  private state: State = "head";
  private readonly reader: RequestHeadReader;
  /** What came after the current head or body and waits for its turn. */
  private readonly ahead = new AheadBytes(this);
  private readonly readDeadline: Deadline;
  /** Null until the client was slow for the first time. */
  private sending: SendWatch | null = null;
  /** The client does not take more for now. */
  private blocked = false;
  /** Set while the rest of a body is read that the finished request did not want. */
  private lingering: LingeringTime | null = null;
  private readingPaused = false;
  private bodyPaused = false;
  private clientEnded = false;
  /** Set while a PROXY protocol header is waited for, and nothing else. */
  private proxyHeader: ProxyHeaderReader | null = null;

  /** Reads nothing before `awaitRequest`. */
  constructor(client: Client, plainOnTls: boolean) {
    const { gateway, socket, listenSocket } = client;
    this.client = client;
    this.gateway = gateway;
    this.socket = socket;
    this.plainOnTls = plainOnTls;
    this.servers = listenSocket.serversFor(client.origin.local);
    this.reader = new RequestHeadReader(this.negotiatedServer.headLimits);
    this.readDeadline = new Deadline(gateway.network.clock, this);
  }

  /** Waits for the first request. */
  awaitRequest(): void {
    this.readDeadline.set(this.servers.choice.defaultServer.core.clientHeaderTimeoutMs);
    this.gateway.connections.add(this);
  }

  /** Lets a PROXY protocol header come first, and then `next` be the owner. Returns the connection's first owner. */
  awaitProxyHeader(next: ConnectionOwner): ConnectionOwner {
    const { listenSocket, origin, serial } = this.client;
    const { remote, local } = origin;
    this.proxyHeader = new ProxyHeaderReader(listenSocket, remote, local, serial);
    return new ProxyHeaderOwner(this, next, this.proxyHeader);
  }

  /** The header is over. */
  takeProxyHeader(proxied: ProxiedConnection | null): void {
    this.proxyHeader = null;
    this.client.takeProxied(proxied);
  }

  /** The client speaks another protocol, and has told nothing yet: another owner takes the socket. */
  giveWay(): void {
    this.release();
    this.gateway.connections.delete(this);
  }

  /** The server of the name that a TLS handshake told, else the default one: who reads heads before they name one. */
  get negotiatedServer(): VirtualServer {
    const { choice } = this.servers;
    const name = choice.single ? null : (this.socket.tls?.serverName ?? null);
    return name === null ? choice.defaultServer : choice.findNegotiated(name);
  }

  get listenSocket(): ListenSocket {
    return this.client.listenSocket;
  }

  get idle(): boolean {
    return this.state === "idle" || (this.state === "head" && !this.reader.started);
  }

  closeKept(): void {
    if (this.idle && this.client.requests > 0) this.close();
  }

  dismiss(): void {
    this.socket.close();
  }

  get serving(): boolean {
    return this.request !== null;
  }

  /** The client will send nothing more. */
  get ended(): boolean {
    return this.clientEnded;
  }

  /** No request is waited for after the current one. */
  get leaving(): boolean {
    return this.gateway.stopping || !this.gateway.accepts || this.listenSocket.retired;
  }

  onData(bytes: Buffer): void {
    if (!this.listens) return;
    if (this.ahead.size === 0) this.consume(bytes, false);
    else this.setAside(bytes, 0, false);
    this.ahead.work();
  }

  onEnd(): void {
    this.clientEnded = true;
    const { request } = this;
    // What it sent before it ended still has its turn: `onAheadTaken` comes back here.
    const more = this.ahead.size > 0;
    if (request === null) {
      if (!more) this.endWithoutRequest();
      return;
    }
    if (!request.body.complete && request.body.started) {
      if (more) return;
      if (request.finished) return this.close();
      if (!request.body.discarded) return request.body.fail(400, prematureEnd);
    }
    request.tellClientGone("closed");
  }

  onDrain(): void {
    this.sending?.clear();
    this.blocked = false;
    const { request } = this;
    if (request === null) return;
    if (request.response.complete) this.finishRequest(request);
    else this.writer.drained(request.response);
  }

  onClose(code: string | null): void {
    const { request } = this;
    const headBegun = request === null && this.state === "head" && this.reader.started;
    if (code !== null) this.tellDeparture({ code });
    this.release();
    if (headBegun && code !== null)
      abandonHead(this, this.reader, 400, `recv() failed ${describeSystemError(code)}`);
    if (request !== null && !request.finished) this.loseClient(request, code);
    // A request that goes on without its client keeps the connection counted until it has ended.
    if (request === null || request.finished) this.gateway.forget(this);
  }

  /**
   * Called by the response: gives bytes to the socket and watches that the client takes them. False: the
   * client is slow, `onDrain` follows. What is sent to a client that has gone is lost.
   */
  sendResponse(bytes: Buffer): boolean {
    if (!this.socket.open || this.socket.send(bytes)) return true;
    if (!this.socket.open) return true;
    this.blocked = true;
    this.sending ??= new SendWatch(this, this.socket, this.gateway.network.clock);
    this.sending.begin();
    return false;
  }

  /** The location decides whether the connection is kept after this request. */
  applyKeepAlive(request: Request): void {
    if (request.keepAlive && (this.leaving || wearsOut(request))) request.keepAlive = false;
  }

  /**
   * The answer is complete: logs, then goes on with the connection. Waits until a slow client has taken
   * the answer, as nginx does: else one that sends requests and reads nothing would fill the memory.
   */
  finishRequest(request: Request): void {
    if (request.finished || (this.blocked && this.socket.open)) return;
    endRequest(request);
    if (this.state === "closed") this.gateway.forget(this);
    if (request !== this.request || this.state === "closed") return;
    if (!request.body.complete && request.keepAlive && !this.clientEnded) {
      request.body.discard();
      if (!request.body.complete) return this.linger(request.location.core);
    }
    this.afterRequest(request);
  }

  /** The answer cannot be completed: logs, then drops the connection. */
  abortRequest(request: Request): void {
    if (request.finished) return;
    endRequest(request);
    this.request = null;
    if (this.state === "closed") return this.gateway.forget(this);
    const { core } = request.location;
    if (core.resetTimedoutConnection && request.response.status === 408) this.socket.reset();
    this.close(core);
  }

  /** Somebody wants the body of the current request. */
  readBody(): void {
    if (!this.listens) return;
    this.bodyPaused = false;
    this.readDeadline.set(this.request!.location.core.clientBodyTimeoutMs);
    this.resumeReading();
    if (this.ahead.size > 0 || this.clientEnded) this.ahead.workSoon();
  }

  /** Gives a body what has arrived of it already. */
  feedArrived(body: RequestBody): void {
    if (this.ahead.size === 0 || body.complete) return;
    const bytes = this.ahead.take();
    this.ahead.putBack(bytes.length - body.feed(bytes, 0, bytes.length));
  }

  pauseBody(): void {
    if (!this.listens) return;
    this.bodyPaused = true;
    this.readDeadline.clear();
    this.pauseReading();
  }

  resumeBody(): void {
    if (this.bodyPaused) this.readBody();
  }

  /** The body has been read whole, or reading it failed. */
  bodyDone(): void {
    if (!this.listens) return;
    this.readDeadline.clear();
    if (this.bodyPaused) {
      // From now on the socket is read to see whether the client stays.
      this.bodyPaused = false;
      this.resumeReading();
    }
    const { request } = this;
    if (request?.finished !== true) return;
    this.gateway.network.clock.soon(() => this.afterRequest(request));
  }

  /**
   * Gives the socket and its timer to a tunnel, which stands for the client from now on; nothing is left to do
   * here. Returns what the client has sent already beyond the request.
   */
  handOver(tunnel: ClientHolder & DeadlineOwner, side: ConnectionOwner): HandedOver {
    const ahead = this.ahead.size > 0 ? this.ahead.take() : null;
    this.state = "tunnel";
    this.request = null;
    this.sending?.dispose();
    this.readDeadline.owner = tunnel;
    this.socket.owner = side;
    const { connections } = this.gateway;
    connections.delete(this);
    connections.add(tunnel);
    return { ahead, deadline: this.readDeadline, clientEnded: this.clientEnded };
  }

  /** Ends the connection: what is queued still goes out, what still comes in is thrown away. */
  close(core: LocationSettings = this.negotiatedServer.root.core): void {
    const { socket, clientEnded } = this;
    if (this.state === "closed" || this.state === "lingering") return;
    if (this.proxyHeader !== null) return socket.close();
    this.state = "lingering";
    this.ahead.clear();
    this.readDeadline.clear();
    this.sending?.dispose();
    if (!socket.open) return;
    const { clock } = this.gateway.network;
    const onGone = (): void => this.gateway.forget(this);
    const deadline = this.readDeadline;
    new LingeringClose({ socket, core, clock, deadline, clientEnded, onGone }).begin(this.blocked);
  }

  /** Takes what it can of `bytes` and sets the rest aside; tells whether anything was taken. */
  consume(bytes: Buffer, aside: boolean): boolean {
    if (this.state === "idle") this.beginHead();
    if (this.request !== null) {
      const taken = this.consumeBody(this.request.body, bytes);
      this.setAside(bytes, taken, aside);
      return taken > 0;
    }
    const { reader } = this;
    const taken = reader.feed(bytes, 0, bytes.length);
    if (reader.state === "failed") {
      this.refuse();
      return true;
    }
    this.setAside(bytes, taken, aside);
    if (reader.state === "done") this.begin(reader.head);
    return taken > 0;
  }

  private consumeBody(body: RequestBody, bytes: Buffer): number {
    if (body.complete || !body.started || this.bodyPaused) return 0;
    const request = this.request!;
    if (request.finished) this.lingerOn();
    else this.readDeadline.set(request.location.core.clientBodyTimeoutMs);
    return body.feed(bytes, 0, bytes.length);
  }

  private begin(head: RequestHead): void {
    this.state = "request";
    this.client.requests += 1;
    this.gateway.requestsTotal += 1;
    this.readDeadline.clear();
    // A configuration may have taken over since the request before.
    this.servers = this.listenSocket.serversFor(this.client.origin.local);
    const request = beginRequest(this, head);
    if (request === null) return;
    this.request = request;
    request.body.arrivedWithHead = this.ahead.size;
    logIgnoredLines(request, this.reader);
    runPhases(request, Phase.postRead);
    // A body that nobody wants yet waits in the kernel.
    if (request === this.request && !request.body.complete && !request.body.started) this.pauseReading();
  }

  private refuse(): void {
    this.state = "request";
    this.client.requests += 1;
    this.gateway.requestsTotal += 1;
    this.readDeadline.clear();
    this.ahead.clear();
    refuseHead(this, this.reader);
  }

  /** Nothing waits any more: the client may send on. */
  onAheadTaken(): void {
    const { request } = this;
    if (request === null || request.body.complete) this.resumeReading();
    if (this.clientEnded) this.onEnd();
  }

  /** What the client sends is read as requests. */
  get listens(): boolean {
    return this.state === "head" || this.state === "idle" || this.state === "request";
  }

  /** Keeps what follows the first `taken` bytes; `aside` when they were taken from there. */
  private setAside(bytes: Buffer, taken: number, aside: boolean): void {
    if (taken === bytes.length || !this.listens) return;
    if (aside) this.ahead.putBack(bytes.length - taken);
    else this.ahead.add(taken === 0 ? bytes : bytes.subarray(taken));
    if (this.ahead.full) this.pauseReading();
  }

  private pauseReading(): void {
    this.readingPaused = true;
    this.socket.pause();
  }

  private resumeReading(): void {
    if (!this.readingPaused) return;
    this.readingPaused = false;
    this.socket.resume();
  }

  private endWithoutRequest(): void {
    this.tellDeparture({ code: null });
    if (this.reader.started && this.state === "head") abandonHead(this, this.reader, 400, prematureEnd);
    this.close();
  }

  /** Logs that the client has left, if nothing of a request had come. */
  private tellDeparture(departure: Departure): void {
    if (this.request !== null || !this.idle || this.proxyHeader !== null) return;
    tellDeparture(this.client, this.negotiatedServer.root.core.errorLog, departure);
  }

  /** The connection is lost while a request is being served. */
  private loseClient(request: Request, code: string | null): void {
    const { body, response } = request;
    if (code !== null) request.log("info", `client closed connection with error ${code}`);
    if (response.complete) return this.finishRequest(request);
    if (!body.complete && body.started && !body.discarded) body.fail(400, prematureEnd);
    else request.tellClientGone("closed");
    if (request.finished) return;
    if (!request.watched) {
      if (response.status === 0) response.status = 499;
      response.abort();
      return;
    }
    // The answer is read to its end although nobody gets it.
    this.blocked = false;
    this.writer.drained(response);
  }

  private afterRequest(request: Request): void {
    if (this.request !== request || this.state === "closed") return;
    this.request = null;
    this.sending?.clear();
    const ended = this.clientEnded && this.ahead.size === 0;
    const { core } = request.location;
    const kept = request.keepAlive && request.body.complete && !this.leaving;
    if (kept && ended) tellDeparture(this.client, core.errorLog, { code: null });
    if (!kept || ended) return this.close(core);
    this.state = "idle";
    this.client.pipelined = this.ahead.size > 0;
    this.reader.reset();
    this.readDeadline.set(core.keepaliveTimeoutMs);
    this.servers = this.listenSocket.serversFor(this.client.origin.local);
    if (this.ahead.size === 0) this.resumeReading();
    else this.ahead.workSoon();
  }

  private beginHead(): void {
    this.state = "head";
    this.readDeadline.set(this.negotiatedServer.core.clientHeaderTimeoutMs);
  }

  private linger(core: LocationSettings): void {
    this.lingering = new LingeringTime(core, this.gateway.network.clock);
    this.readDeadline.set(core.lingeringTimeoutMs);
  }

  private lingerOn(): void {
    const left = this.lingering!.leftMs;
    if (left > 0) this.readDeadline.set(left);
    else this.socket.close();
  }

  /** Of the request that is being answered. */
  get sendTimeoutMs(): number {
    return (this.request?.location ?? this.negotiatedServer.root).core.sendTimeoutMs;
  }

  /** The client takes nothing of what it is sent. */
  onStall(): void {
    const { request } = this;
    if (request === null) return this.socket.close();
    request.log("info", timedOut);
    request.keepAlive = false;
    request.tellClientGone("stalled");
    if (!request.finished) request.response.abort();
    if (request.location.core.resetTimedoutConnection) this.socket.reset();
    this.socket.close();
  }

  onDeadline(): void {
    const { request } = this;
    this.proxyHeader?.onCut("timeout");
    if (request !== null) {
      if (request.finished) this.socket.close();
      else if (!request.body.complete) request.body.fail(408, timedOut);
      return;
    }
    this.tellDeparture("silence");
    if (this.reader.started && this.state === "head") abandonHead(this, this.reader, 408, timedOut);
    this.close();
  }

  /** The socket is closed: nothing may happen here any more by itself. */
  private release(): void {
    this.state = "closed";
    this.readDeadline.dispose();
    this.sending?.dispose();
    this.ahead.clear();
  }
}
