import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Clock } from "../../net/clock.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { endOfTunnel, failureOf, tunnelLevelOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import type { FailureFacts } from "../failure/kinds.ts";
import type { ClientHolder } from "../request/client.ts";
import type { AnswerWriter } from "../request/answer-writer.ts";
import type { DrainOccasion, WebSocketDrain } from "../serve/drain.ts";
import type { Gateway, OpenTunnel } from "../serve/gateway.ts";
import type { ListenSocket } from "../serve/listen-socket.ts";
import type { Location } from "../serve/location.ts";
import type { PeerLease } from "../balance/balancer.ts";
import type { ServerName } from "../serve/virtual-server.ts";
import type { UpstreamState } from "../request/upstream-state.ts";
import type { MoveParts, UpstreamLine } from "./server-search.ts";
import type { TunnelRecord } from "./tunnel-record.ts";
import type { LogHandler } from "../request/handler.ts";
import { logRequest } from "../request/request-end.ts";
import type { Request } from "../request/request.ts";

/** How long a side may take to read what is queued for it and to close, once the tunnel has ended. */
const farewellMs = 5000;

/** How long a tunnel may be silent, and its sides may take nothing. */
export interface TunnelPolicy {
  readonly idleMs: number;
  /** How long the client may take nothing. */
  readonly clientSendMs: number;
  /** How long the server may take nothing. */
  readonly upstreamSendMs: number;
  /** What the directives of the times to the server begin with: "proxy_". */
  readonly directivePrefix: string;
}

/** What a tunnel is made of. */
export interface TunnelParts {
  readonly client: Connection;
  readonly upstream: Connection;
  /** The peer, which counts as connected until the tunnel ends. */
  readonly lease: PeerLease;
  /** How another server is found for a WebSocket that may move. */
  readonly move?: MoveParts;
  readonly line: UpstreamLine;
  readonly record: TunnelRecord;
  readonly policy: TunnelPolicy;
}

/**
 * Two connections whose bytes flow into each other. Follows ngx_http_upstream_process_upgraded: bytes
 * from either side push the read timeout back; the end of either side ends both.
 *
 * The way of a chunk is `TunnelSide.onData`: count, note the time, send. Nothing is allocated there.
 */
export class Tunnel implements OpenTunnel, ClientHolder, DeadlineOwner {
  readonly client: TunnelSide;
  readonly upstream: TunnelSide;
  readonly clock: Clock;
  lastActivityMs: number;
  protected readonly record: TunnelRecord;
  private lease: PeerLease;
  /** The peer was given back: there is no server just now, or none any more. */
  private released = false;
  /** Bytes of the servers before the present one. */
  private earlierReceived = 0;
  private earlierSent = 0;
  /** The client connection's, from `open` on. */
  protected deadline!: Deadline;
  protected idleMs: number;
  private ended = false;
  /** What was queued when the farewell was last looked at: who still takes some of it is given time. */
  private queuedThen = Infinity;

  constructor(parts: TunnelParts, Side: typeof TunnelSide = TunnelSide) {
    const { client, upstream, lease, record, policy } = parts;
    this.record = record;
    this.lease = lease;
    this.clock = record.client.gateway.network.clock;
    this.client = new Side(this, client, upstream, policy.upstreamSendMs);
    this.upstream = new Side(this, upstream, client, policy.clientSendMs);
    this.lastActivityMs = this.clock.now();
    this.idleMs = policy.idleMs;
  }

  /** Becomes the owner of both connections. `early`: what the server has sent behind its answer's head. */
  open(writer: AnswerWriter, early: Buffer | null): void {
    this.gateway.tunnels.add(this);
    const { ahead, deadline, clientEnded } = writer.handOver(this, this.client);
    this.deadline = deadline;
    this.upstream.self.owner = this.upstream;
    this.deadline.set(this.idleMs);
    if (early !== null) this.upstream.onData(early);
    if (ahead !== null) this.client.onData(ahead);
    if (!this.client.stalled && !this.ended) this.upstream.goOn();
    if (!this.upstream.stalled && !this.ended) this.client.goOn();
    if (clientEnded) this.client.onEnd();
  }

  get socket(): Connection {
    return this.client.self;
  }

  get listenSocket(): ListenSocket {
    return this.record.client.listenSocket;
  }

  get serving(): boolean {
    return true;
  }

  get idle(): boolean {
    return false;
  }

  closeKept(): void {}

  dismiss(): void {
    this.client.self.close();
  }

  get location(): Location {
    return this.record.location;
  }

  get serverNames(): readonly ServerName[] {
    return this.record.server.names;
  }

  /** What is no WebSocket keeps what it began with, as in nginx. */
  follow(_location: Location): void {}

  get peerName(): string {
    return this.lease.peer.name;
  }

  get websocketDrain(): WebSocketDrain | null {
    return null;
  }

  protected get gateway(): Gateway {
    return this.record.client.gateway;
  }

  /** What is no WebSocket is left alone, as in nginx. */
  drain(_occasion: DrainOccasion, _graceMs: number): void {}

  drop(reason: string): void {
    this.end(failureOf("gatewayLeaves", reason));
    this.client.self.close();
    this.upstream.self.close();
  }

  kick(_code: number, _reason: string, cause: string): void {
    this.drop(cause);
  }

  /** A side sends nothing more: as in nginx, that ends both. */
  sideEnded(side: TunnelSide): void {
    this.end(endOfTunnel(side.name, null));
  }

  /** Ends both sides. What is queued for either still goes out, and `ending` is logged. */
  end(ending: Failure): void {
    if (this.ended) return;
    this.ended = true;
    this.log(this.levelOf(ending), `${this.describe(ending)} while proxying upgraded connection`);
    this.record.release();
    this.gateway.tunnels.delete(this);
    this.releasePeer();
    this.client.farewell();
    this.upstream.farewell();
    this.deadline.set(farewellMs);
  }

  get over(): boolean {
    return this.ended;
  }

  /** What the log line says of the end. */
  protected describe(ending: Failure): string {
    return wordsOf(ending);
  }

  protected levelOf(ending: Failure): FailureFacts["level"] {
    return tunnelLevelOf(ending);
  }

  /** Adds what the request's log lines tell beyond the request. */
  protected annotate(_request: Request): void {}

  /** Log handlers beside those of requests. */
  protected get logHandlers(): readonly LogHandler[] {
    return [];
  }

  /** A side is gone for good; when both are, so is the tunnel. */
  gone(): void {
    if (this.client.self.open || this.upstream.self.open) return;
    this.deadline.dispose();
    this.gateway.forget(this);
  }

  /** Writes the lines of both logs, for which the request is made anew if they are wanted at all. */
  private log(level: FailureFacts["level"], message: string): void {
    const { location } = this.record;
    const handlers = this.logHandlers;
    const wanted = location.log.length > 0 || handlers.length > 0 || location.core.errorLog.enabled(level);
    if (!wanted) return;
    const request = this.record.unpack();
    this.annotate(request);
    request.log(level, message);
    this.settle(request);
    logRequest(request, handlers);
    request.release();
  }

  /** The peer does not count as connected any more. */
  protected releasePeer(): void {
    if (this.released) return;
    this.released = true;
    this.lease.keeper.settle(this.lease.peer);
  }

  /** Another peer has taken over, on whose behalf `states` were added to those of the request. */
  protected changePeer(lease: PeerLease, states: readonly UpstreamState[]): void {
    this.releasePeer();
    this.lease = lease;
    this.released = false;
    const { client, upstream } = this;
    this.record.changeStates((before) => {
      this.settleState(before.at(-1)!);
      return [...before, ...states];
    });
    this.earlierReceived = upstream.bytes;
    this.earlierSent = client.bytes;
  }

  /** What the log line tells of the tunnel as a whole. */
  private settle({ response, upstreamStates }: Request): void {
    response.bytesSent += this.upstream.bytes;
    // As in nginx, a tunnel is a complete answer without a body, whatever ended it.
    response.complete = true;
    this.settleState(upstreamStates!.at(-1)!);
  }

  private settleState(state: UpstreamState): void {
    state.bytesReceived += this.upstream.bytes - this.earlierReceived;
    state.bytesSent += this.client.bytes - this.earlierSent;
    state.responseMs = this.clock.now() - state.startMs;
    state.finished = true;
  }

  onDeadline(): void {
    if (this.ended) return this.endFarewell();
    const left = this.silenceLeftMs();
    if (left > 0) this.deadline.set(left);
    else this.end(failureOf("readTimedOut"));
  }

  /** How long the two sides may still be silent; nobody is waited for who is not read from. */
  protected silenceLeftMs(): number {
    const left = this.lastActivityMs + this.idleMs - this.clock.now();
    return left <= 0 && this.upstream.paused ? this.idleMs : left;
  }

  /** A slow side may take all that is queued for it, as long as it takes some. */
  private endFarewell(): void {
    const queued = this.client.self.queued + this.upstream.self.queued;
    if (queued > 0 && queued < this.queuedThen) {
      this.queuedThen = queued;
      this.deadline.set(Math.max(this.client.peerSendMs, this.upstream.peerSendMs));
      return;
    }
    this.client.self.close();
    this.upstream.self.close();
  }
}

/** Owns a connection that concerns nobody any more. */
const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** One side of a tunnel: owns `self`, sends what arrives there to `peer`. */
export class TunnelSide implements ConnectionOwner, DeadlineOwner {
  self: Connection;
  /** Bytes that this side has sent. */
  bytes = 0;
  /** Reading from this side has stopped, because the other does not take more. */
  paused = false;
  /** This side does not take more. */
  stalled = false;
  protected readonly tunnel: Tunnel;
  protected peer: Connection;
  /** How long the other side may take nothing. */
  peerSendMs: number;
  private stall: Deadline | null = null;
  /** What was queued for the other side when the stall was last looked at. */
  private queuedThen = 0;

  constructor(tunnel: Tunnel, self: Connection, peer: Connection, peerSendMs: number) {
    this.tunnel = tunnel;
    this.self = self;
    this.peer = peer;
    this.peerSendMs = peerSendMs;
  }

  get other(): TunnelSide {
    return this.tunnel.client === this ? this.tunnel.upstream : this.tunnel.client;
  }

  onData(bytes: Buffer): void {
    const { tunnel } = this;
    if (tunnel.over) return;
    this.bytes += bytes.length;
    tunnel.lastActivityMs = tunnel.clock.now();
    if (!this.peer.send(bytes)) this.block();
  }

  /** Lets go of the connection, whatever comes of it; what was held back for it is read on. */
  disconnect(): void {
    this.self.owner = nobody;
    this.self.close();
    this.stalled = false;
    const { other } = this;
    other.stall?.clear();
    other.paused = false;
  }

  /** Goes on with another connection in place of the one that was let go. */
  connect(connection: Connection): void {
    this.self = connection;
    this.other.peer = connection;
    this.finished = false;
    connection.owner = this;
    if (this.paused) connection.pause();
  }

  onDrain(): void {
    const { other } = this;
    this.stalled = false;
    other.stall?.clear();
    if (this.tunnel.over) return this.closeWhenTold();
    if (!other.paused) return;
    other.paused = false;
    this.tunnel.lastActivityMs = this.tunnel.clock.now();
    other.goOn();
  }

  /** Reads on, unless something else is in the way. */
  goOn(): void {
    this.self.resume();
  }

  onEnd(): void {
    this.finished = true;
    if (this.tunnel.over) return this.closeWhenTold();
    this.tunnel.sideEnded(this);
  }

  onClose(code: string | null): void {
    this.finished = true;
    this.stall?.dispose();
    if (!this.tunnel.over) this.tunnel.end(endOfTunnel(this.name, code));
    this.tunnel.gone();
  }

  /** No more is read from this side; what is queued for it goes out, then its end is told. */
  farewell(): void {
    // A close alone tells the end as well, but for TLS, which has its own word for it.
    if (this.silent && this.self.tls === null && this.self.queued === 0) {
      this.stall?.dispose();
      return this.self.close();
    }
    this.self.shutdown();
    this.awaitEnd();
  }

  /** Closes this side once it has ended and has taken what is queued for it. */
  protected awaitEnd(): void {
    this.stall?.dispose();
    this.self.resume();
    this.closeWhenTold();
  }

  /** Nothing more will come from this side. */
  protected get silent(): boolean {
    return this.finished;
  }

  private finished = false;

  get name(): "client" | "upstream" {
    return this.tunnel.client === this ? "client" : "upstream";
  }

  /** Reads no more from this side until the other has taken what is queued for it. */
  block(): void {
    this.paused = true;
    this.other.stalled = true;
    this.self.pause();
    this.stall ??= new Deadline(this.tunnel.clock, this);
    this.queuedThen = this.peer.queued;
    this.stall.set(this.peerSendMs);
  }

  onDeadline(): void {
    const { queued } = this.peer;
    if (queued < this.queuedThen) {
      // The other side is slow, but takes some.
      this.queuedThen = queued;
      this.stall!.set(this.peerSendMs);
      return;
    }
    this.tunnel.end(failureOf(this.name === "client" ? "sendTimedOut" : "clientStalled"));
    this.peer.close();
  }

  private closeWhenTold(): void {
    if (this.finished && this.self.queued === 0) this.self.close();
  }
}
