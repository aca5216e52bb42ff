import { RequestHeadReader } from "../http/request-head.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { Connection, ConnectionOwner, SocketAddress } from "../net/connection.ts";
import { Deadline } from "../net/deadline.ts";
import type { DeadlineOwner } from "../net/deadline.ts";
import { Aside } from "./aside.ts";
import { describeSystemError } from "../config/errors.ts";
import type { Gateway } from "./gateway.ts";
import type { AddressServers, ListenSocket } from "./listen-socket.ts";
import { Phase, runPhases } from "./phases.ts";
import type { ProxiedConnection } from "../net/proxy-protocol.ts";
import { ProxyHeaderOwner, ProxyHeaderReader } from "./proxy-header.ts";
import { tripsOverKeepAlive } from "./user-agent.ts";
import type { RequestBody } from "./request-body.ts";
import type { Request } from "./request.ts";
import { abandonHead, beginRequest, logIgnoredLines, refuseHead } from "./request-start.ts";
import type { LocationSettings } from "./settings.ts";

/** Bytes that a client may send ahead of the answer it waits for; reading stops there. */
const aheadBytesMax = 65536;

/** Requests of one client that are begun in one go; then other connections have their turn, a few milliseconds later. */
const turnRequestsMax = 128;

const prematureEnd = "client prematurely closed connection";
const timedOut = "client timed out (110: Connection timed out)";

type State = "head" | "request" | "idle" | "lingering" | "tunnel" | "closed";

/** Stand in for what a connection that became a tunnel has let go of. */
const spentReader = new RequestHeadReader();
const nothingAside = new Aside();

/**
 * A client's connection: reads request heads, hands each to the phases, keeps the connection for the
 * next request or closes it. Owns every timer on the client's side.
 */
export class ClientConnection implements ConnectionOwner, DeadlineOwner {
  readonly gateway: Gateway;
  readonly socket: Connection;
  readonly listenSocket: ListenSocket;
  /** The servers of the address that the client connected to. */
  servers: AddressServers;
  /** Number of the connection: `$connection`, and "*1" in the error log. */
  readonly serial: number;
  /** Requests begun on this connection: `$connection_requests`. */
  requests = 0;
  readonly startMs: number;
  /** The peer's address, or what realip has made of it for the current request. */
  remote: SocketAddress;
  readonly local: SocketAddress;
  /** What the PROXY protocol told of the client. */
  proxied: ProxiedConnection | null = null;
  request: Request | null = null;
  /** The next request was here already when the one before ended: `$pipe`. */
  pipelined = false;
  /** The client spoke plain HTTP on a TLS port: every request is answered with 497. */
  readonly plainOnTls: boolean;
  private state: State = "head";
  private reader: RequestHeadReader;
  /** What came after the current head or body and waits for its turn. */
  private ahead = new Aside();
  private readonly readDeadline: Deadline;
  private sendDeadline: Deadline | null = null;
  /** What was queued when a timer was set that lets a client go on which takes some of it. */
  private queuedThen = Infinity;
  /** The client does not take more for now. */
  private blocked = false;
  /** When a lingering connection is closed at the latest. */
  private lingeringEndMs = 0;
  /** Set when what the client sends on is not wanted any more. */
  private lingeringCore: LocationSettings | null = null;
  private readingPaused = false;
  private bodyPaused = false;
  private clientEnded = false;
  private pumping = false;
  /** Set while a PROXY protocol header is waited for, and nothing else. */
  private proxyHeader: ProxyHeaderReader | null = null;
  /** What was set aside goes on when others have had their turn. */
  private yielding = false;

  constructor(gateway: Gateway, socket: Connection, listenSocket: ListenSocket, plainOnTls: boolean) {
    this.gateway = gateway;
    this.socket = socket;
    this.listenSocket = listenSocket;
    this.plainOnTls = plainOnTls;
    this.remote = socket.remote;
    this.local = socket.local;
    this.serial = gateway.nextSerial();
    this.servers = listenSocket.serversFor(socket.local);
    const { clock } = gateway.network;
    this.startMs = clock.now();
    const { core, headLimits } = this.servers.choice.defaultServer;
    this.reader = new RequestHeadReader(headLimits);
    this.readDeadline = new Deadline(clock, this);
    this.readDeadline.set(core.clientHeaderTimeoutMs);
    gateway.connections.add(this);
  }

  /** Lets a PROXY protocol header come first. Returns the connection's first owner. */
  awaitProxyHeader(): ConnectionOwner {
    this.proxyHeader = new ProxyHeaderReader(this.listenSocket, this.remote, this.local, this.serial);
    return new ProxyHeaderOwner(this, this.proxyHeader);
  }

  /** The header is over. */
  takeProxyHeader(proxied: ProxiedConnection | null): void {
    this.proxyHeader = null;
    this.proxied = proxied;
    this.socket.owner = this;
  }

  /** The client's address as logs show it. */
  get remoteText(): string {
    return this.remote.family === "unix" ? "unix:" : this.remote.address;
  }

  /** True between requests: nothing is lost when the connection closes now. */
  get idle(): boolean {
    return this.state === "idle" || (this.state === "head" && !this.reader.started);
  }

  /**
   * Idle after a request: the client knows that it may close. One that has only just come would take it for
   * a failure, with its first request on the way.
   */
  get kept(): boolean {
    return this.idle && this.requests > 0;
  }

  /** A request is being served, or a tunnel is open. */
  get serving(): boolean {
    return this.request !== null || this.state === "tunnel";
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
    if (this.state === "lingering") return this.lingerOn();
    if (this.state === "closed") return;
    if (this.ahead.size === 0) this.consume(bytes, false);
    else this.setAside(bytes, 0, false);
    this.pump();
  }

  onEnd(): void {
    this.clientEnded = true;
    if (this.state === "lingering") return this.closeWhenSent();
    const { request } = this;
    // What it sent before it ended still has its turn: `pump` comes back here.
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
    request.watcher?.onClientGone("closed");
  }

  onDrain(): void {
    this.sendDeadline?.clear();
    this.blocked = false;
    if (this.state === "lingering") return this.beginLingering(this.lingeringCore!);
    const { request } = this;
    if (request === null) return;
    if (request.response.complete) this.finishRequest(request);
    else request.response.takeDrain();
  }

  onClose(code: string | null): void {
    const { request } = this;
    const headBegun = request === null && this.state === "head" && this.reader.started;
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
    this.armSendDeadline();
    return false;
  }

  /** The location decides whether the connection is kept after this request. */
  applyKeepAlive(request: Request): void {
    if (!request.keepAlive) return;
    const { core } = request.location;
    const age = this.gateway.network.clock.now() - this.startMs;
    const worn = this.requests >= core.keepaliveRequests || age > core.keepaliveTimeMs;
    if (core.keepaliveTimeoutMs === 0 || worn || this.leaving || tripsOverKeepAlive(request))
      request.keepAlive = false;
  }

  /**
   * The answer is complete: logs, then goes on with the connection. Waits until a slow client has taken
   * the answer, as nginx does: else one that sends requests and reads nothing would fill the memory.
   */
  finishRequest(request: Request): void {
    if (request.finished || (this.blocked && this.socket.open)) return;
    this.log(request);
    if (this.state === "closed") this.gateway.forget(this);
    if (request !== this.request || this.state === "closed") return;
    if (!request.body.complete && request.keepAlive && !this.clientEnded) {
      request.body.discard();
      if (!request.body.complete) return this.setLingering(request.location.core);
    }
    this.afterRequest(request);
  }

  /** The answer cannot be completed: logs, then drops the connection. */
  abortRequest(request: Request): void {
    if (request.finished) return;
    this.log(request);
    this.request = null;
    if (this.state === "closed") return this.gateway.forget(this);
    const { core } = request.location;
    if (core.resetTimedoutConnection && request.response.status === 408) this.socket.reset();
    this.close(core);
  }

  /** Somebody wants the body of the current request. */
  readBody(): void {
    if (this.state === "closed") return;
    this.bodyPaused = false;
    this.readDeadline.set(this.request!.location.core.clientBodyTimeoutMs);
    this.resumeReading();
    if ((this.ahead.size > 0 || this.clientEnded) && !this.pumping) this.pumpSoon();
  }

  /** Gives a body what has arrived of it already. */
  feedArrived(body: RequestBody): void {
    if (this.ahead.size === 0 || body.complete) return;
    const bytes = this.ahead.take();
    this.ahead.putBack(bytes.length - body.feed(bytes, 0, bytes.length));
  }

  pauseBody(): void {
    this.bodyPaused = true;
    this.readDeadline.clear();
    this.pauseReading();
  }

  resumeBody(): void {
    if (this.bodyPaused) this.readBody();
  }

  /** The body has been read whole, or reading it failed. */
  bodyDone(): void {
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
   * Gives the socket to a tunnel, and forgets the request. Returns what the client has sent already beyond
   * it; from now on this object only remains for the log line at the tunnel's end.
   */
  handOver(owner: ConnectionOwner): Buffer | null {
    const ahead = this.ahead.size > 0 ? this.ahead.take() : null;
    this.ahead.clear();
    this.state = "tunnel";
    this.readDeadline.dispose();
    this.sendDeadline?.dispose();
    // Idle tunnels are many: they keep nothing that only requests need.
    this.reader = spentReader;
    this.ahead = nothingAside;
    this.request = null;
    this.socket.owner = owner;
    return ahead;
  }

  /** The tunnel has ended; its sockets may still have something to send. */
  tunnelEnded(request: Request): void {
    this.log(request);
  }

  /** Both sockets of the tunnel are closed. */
  tunnelGone(): void {
    this.release();
    this.gateway.forget(this);
  }

  /** Ends the connection: what is queued still goes out, what still comes in is thrown away. */
  close(core: LocationSettings = this.servers.choice.defaultServer.root.core): void {
    if (this.state === "closed" || this.state === "lingering") return;
    if (this.proxyHeader !== null) return this.socket.close();
    this.state = "lingering";
    this.lingeringCore = core;
    this.ahead.clear();
    this.readDeadline.clear();
    if (!this.socket.open) return;
    this.socket.shutdown();
    this.resumeReading();
    if (!this.blocked) this.beginLingering(core);
  }

  /** Takes what it can of `bytes` and sets the rest aside; tells whether anything was taken. */
  private consume(bytes: Buffer, aside: boolean): boolean {
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
    this.requests += 1;
    this.gateway.requestsTotal += 1;
    this.readDeadline.clear();
    // A configuration may have taken over since the request before.
    this.servers = this.listenSocket.serversFor(this.local);
    const request = beginRequest(this, head);
    if (request === null) return;
    this.request = request;
    logIgnoredLines(request, this.reader);
    runPhases(request, Phase.postRead);
    // A body that nobody wants yet waits in the kernel.
    if (request === this.request && !request.body.complete && !request.body.started) this.pauseReading();
  }

  private refuse(): void {
    this.state = "request";
    this.requests += 1;
    this.gateway.requestsTotal += 1;
    this.readDeadline.clear();
    this.ahead.clear();
    refuseHead(this, this.reader);
  }

  /** Works off what was set aside, as far as the current request wants it. */
  private pump(): void {
    if (this.pumping || this.yielding) return;
    this.pumping = true;
    const turnEnd = this.requests + turnRequestsMax;
    let goesOn = true;
    while (goesOn && this.requests < turnEnd && this.ahead.size > 0 && this.listens)
      goesOn = this.consume(this.ahead.take(), true);
    this.pumping = false;
    if (!this.listens) return;
    if (this.ahead.size > 0) {
      if (this.requests >= turnEnd) this.yieldTurn();
      return;
    }
    this.ahead.clear();
    const { request } = this;
    if (request === null || request.body.complete) this.resumeReading();
    if (this.clientEnded) this.onEnd();
  }

  private yieldTurn(): void {
    this.yielding = true;
    this.gateway.network.clock.timer(0, () => {
      this.yielding = false;
      this.pump();
    });
  }

  private pumpSoon(): void {
    this.gateway.network.clock.soon(() => this.pump());
  }

  /** What the client sends is read as requests. */
  private get listens(): boolean {
    return this.state === "head" || this.state === "idle" || this.state === "request";
  }

  /** Keeps what follows the first `taken` bytes; `aside` when they were taken from there. */
  private setAside(bytes: Buffer, taken: number, aside: boolean): void {
    if (taken === bytes.length || !this.listens) return;
    if (aside) this.ahead.putBack(bytes.length - taken);
    else this.ahead.add(taken === 0 ? bytes : bytes.subarray(taken));
    if (this.ahead.size > aheadBytesMax) this.pauseReading();
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
    if (this.reader.started && this.state === "head") abandonHead(this, this.reader, 400, prematureEnd);
    this.close();
  }

  /** The connection is lost while a request is being served. */
  private loseClient(request: Request, code: string | null): void {
    const { body, response } = request;
    if (code !== null) request.log("info", `client closed connection with error ${code}`);
    if (response.complete) return this.finishRequest(request);
    if (!body.complete && body.started && !body.discarded) body.fail(400, prematureEnd);
    else request.watcher?.onClientGone("closed");
    if (request.finished) return;
    if (request.watcher === null) {
      if (response.status === 0) response.status = 499;
      response.abort();
      return;
    }
    // The answer is read to its end although nobody gets it.
    this.blocked = false;
    response.takeDrain();
  }

  private afterRequest(request: Request): void {
    if (this.request !== request || this.state === "closed") return;
    this.request = null;
    this.sendDeadline?.clear();
    const ended = this.clientEnded && this.ahead.size === 0;
    const { core } = request.location;
    if (!request.keepAlive || !request.body.complete || ended || this.leaving) return this.close(core);
    this.state = "idle";
    this.pipelined = this.ahead.size > 0;
    this.reader.reset();
    this.readDeadline.set(core.keepaliveTimeoutMs);
    this.servers = this.listenSocket.serversFor(this.local);
    if (this.ahead.size === 0) this.resumeReading();
    else if (!this.pumping) this.pumpSoon();
  }

  private beginHead(): void {
    this.state = "head";
    this.readDeadline.set(this.servers.choice.defaultServer.core.clientHeaderTimeoutMs);
  }

  /** Everything is sent: waits for the client to end, for as long as it still sends something. */
  private beginLingering(core: LocationSettings): void {
    if (this.clientEnded) return this.closeWhenSent();
    this.queuedThen = Infinity;
    this.setLingering(core);
    if (core.lingeringClose === "off") this.readDeadline.set(0);
  }

  /** How long what the client still sends is read although nobody wants it. */
  private setLingering(core: LocationSettings): void {
    this.lingeringCore = core;
    this.lingeringEndMs = this.gateway.network.clock.now() + core.lingeringTimeMs;
    this.readDeadline.set(core.lingeringTimeoutMs);
  }

  private lingerOn(): void {
    const { lingeringClose, lingeringTimeoutMs } = this.lingeringCore!;
    if (this.state === "lingering" && (this.blocked || lingeringClose === "off")) return;
    const left = this.lingeringEndMs - this.gateway.network.clock.now();
    if (left <= 0) this.socket.close();
    else this.readDeadline.set(Math.min(left, lingeringTimeoutMs));
  }

  private endLingering(): void {
    if (this.stalls) return this.socket.close();
    this.readDeadline.set(this.lingeringCore!.sendTimeoutMs);
  }

  private closeWhenSent(): void {
    if (this.clientEnded && this.socket.queued === 0) this.socket.close();
  }

  /** The client has taken nothing of what is queued since this was asked before, or nothing is queued. */
  private get stalls(): boolean {
    const { queued } = this.socket;
    if (queued === 0 || queued >= this.queuedThen) return true;
    this.queuedThen = queued;
    return false;
  }

  private armSendDeadline(): void {
    this.sendDeadline ??= new Deadline(this.gateway.network.clock, this);
    this.queuedThen = this.socket.queued;
    this.sendDeadline.set(this.sendTimeoutMs);
  }

  private get sendTimeoutMs(): number {
    return (this.request?.location ?? this.servers.choice.defaultServer.root).core.sendTimeoutMs;
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.readDeadline) this.onReadTimeout();
    else this.onSendTimeout();
  }

  private onSendTimeout(): void {
    if (!this.stalls) return this.sendDeadline!.set(this.sendTimeoutMs);
    const { request } = this;
    if (request === null) return this.socket.close();
    request.log("info", timedOut);
    request.keepAlive = false;
    request.watcher?.onClientGone("stalled");
    if (!request.finished) request.response.abort();
    if (request.location.core.resetTimedoutConnection) this.socket.reset();
    this.socket.close();
  }

  private onReadTimeout(): void {
    const { request } = this;
    if (this.state === "lingering") return this.endLingering();
    this.proxyHeader?.onCut("timeout");
    if (request !== null) {
      if (request.finished) this.socket.close();
      else if (!request.body.complete) request.body.fail(408, timedOut);
      return;
    }
    if (this.reader.started && this.state === "head") abandonHead(this, this.reader, 408, timedOut);
    this.close();
  }

  /** The request is over: one line in each access log, whatever happens to the others. */
  private log(request: Request): void {
    request.finished = true;
    const { activity } = request;
    request.activity = "logging request";
    for (const handler of request.location.log) {
      try {
        handler(request);
      } catch (error) {
        this.gateway.reportInternalError(error);
      }
    }
    request.body.releaseFile();
    request.activity = activity;
  }

  /** The socket is closed: nothing may happen here any more by itself. */
  private release(): void {
    this.state = "closed";
    this.readDeadline.dispose();
    this.sendDeadline?.dispose();
    this.ahead.clear();
  }
}
