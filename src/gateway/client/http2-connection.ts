import type { HeadFailure } from "../../http/head-failure.ts";
import { internalError, noError, protocolError } from "../../http2/error-code.ts";
import type { Http2Failure } from "../../http2/error-code.ts";
import type { Http2Sink } from "../../http2/frame-writer.ts";
import type { Http2RequestHead } from "../../http2/request-head.ts";
import type { Http2SessionEvents } from "../../http2/session-events.ts";
import { Http2Session } from "../../http2/session.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import { describeSystemError } from "../../config/errors.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Clock } from "../../net/clock.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { Client, ClientHolder } from "../request/client.ts";
import type { Gateway } from "../serve/gateway.ts";
import { endpointKey } from "../serve/listen-socket.ts";
import type { AddressServers, ListenSocket } from "../serve/listen-socket.ts";
import type { VirtualServer } from "../serve/virtual-server.ts";
import type { StreamCarrier } from "../tunnel/stream-connection.ts";
import { Http2Request } from "./http2-request.ts";
import { LingeringClose } from "./lingering.ts";
import { SendWatch } from "./send-watch.ts";
import type { SendWatchOwner } from "./send-watch.ts";

const timedOut = "client timed out (110: Connection timed out)";

/**
 * How long a client that was told to go away has to answer the PING behind it, when no stream is left: a round trip of
 * the slowest.
 */
const farewellMs = 5000;

/** What the deadline is for: the first request, the rest of a frame, the next request; or nothing, while streams are open. */
type Wait = "first" | "frame" | "next" | "nothing";

/**
 * A client's connection by HTTP/2: carries a session, makes a request of each of its streams, takes leave in good
 * order, and closes. Owns the timers that are about no stream.
 */
export class Http2Connection
  implements
    ClientHolder,
    ConnectionOwner,
    DeadlineOwner,
    Http2SessionEvents,
    Http2Sink,
    SendWatchOwner,
    StreamCarrier
{
  readonly client: Client;
  readonly gateway: Gateway;
  readonly socket: Connection;
  readonly session: Http2Session;
  /** The servers of the address that the client connected to. */
  servers: AddressServers;
  private readonly deadline: Deadline;
  private waitsFor: Wait = "nothing";
  /** When a connection without streams ends for want of a request: other frames do not put it off. */
  private keptUntilMs = 0;
  /** Null until the client was slow for the first time. */
  private sending: SendWatch | null = null;
  private blocked = false;
  private state: "open" | "closing" | "closed" = "open";
  private clientEnded = false;
  /** For tunnels: why the connection was lost. */
  lostBy: string | null = null;
  /** Requests that have not ended, their streams or not. */
  private requests = 0;
  /** Answers whose head waits until the client takes something. */
  private readonly headsWaiting = new Set<Http2Request>();

  /** Sends and reads nothing before `start`. */
  constructor(client: Client) {
    const { gateway, socket, listenSocket } = client;
    this.client = client;
    this.gateway = gateway;
    this.socket = socket;
    this.servers = listenSocket.serversFor(client.origin.local);
    const { clock } = gateway.network;
    this.session = new Http2Session("server", this, this, this.negotiatedServer.http2.options, clock);
    this.deadline = new Deadline(clock, this);
  }

  /** Sends the settings and waits for requests. */
  start(): void {
    this.gateway.connections.add(this);
    this.session.start();
    this.watchInput();
  }

  /** The server of the name that a TLS handshake told, else the default one. */
  get negotiatedServer(): VirtualServer {
    const { choice } = this.servers;
    const name = choice.single ? null : (this.socket.tls?.serverName ?? null);
    return name === null ? choice.defaultServer : choice.findNegotiated(name);
  }

  get listenSocket(): ListenSocket {
    return this.client.listenSocket;
  }

  get idle(): boolean {
    return this.state === "open" && this.session.streams.size === 0 && !this.session.midFrame;
  }

  get serving(): boolean {
    return this.session.streams.size > 0 || this.requests > 0;
  }

  closeKept(): void {
    if (this.state !== "open") return;
    if (!this.idle) this.session.drain();
    else if (this.client.requests > 0) this.session.goAway(noError);
  }

  dismiss(): void {
    if (this.state === "open") {
      this.session.goAway(noError);
      // Streams that have just ended may have said something last: the Close frame of a WebSocket.
      this.session.flush();
    }
    this.socket.close();
  }

  onData(bytes: Buffer): void {
    if (this.state !== "open") return;
    try {
      this.session.feed(bytes);
    } catch (error) {
      this.gateway.reportInternalError(error);
      this.session.fail(internalError, "internal error");
    }
    this.watchInput();
  }

  onEnd(): void {
    this.clientEnded = true;
    if (this.state !== "open") return;
    const { session } = this;
    if (session.streams.size > 0 || session.midFrame) this.log("client prematurely closed connection");
    this.close();
  }

  onDrain(): void {
    this.blocked = false;
    this.sending?.clear();
    this.session.onDrain();
    for (const request of this.headsWaiting) {
      if (this.session.blocked) return;
      this.headsWaiting.delete(request);
      request.onWritable();
    }
  }

  onClose(code: string | null): void {
    if (code !== null && this.state === "open") this.log(`recv() failed ${describeSystemError(code)}`);
    this.lostBy = code;
    this.release();
    this.session.close();
    this.gone();
  }

  /** Of the session: false when the client is slow; `onDrain` follows. */
  write(bytes: Buffer): boolean {
    const { socket } = this;
    if (!socket.open || socket.send(bytes) || !socket.open) return true;
    if (this.blocked) return false;
    this.blocked = true;
    this.sending ??= new SendWatch(this, socket, this.gateway.network.clock);
    this.sending.begin();
    return false;
  }

  /** The answer's head is to leave when the client takes something again. */
  awaitDrain(request: Http2Request): void {
    this.headsWaiting.add(request);
  }

  onRequest(stream: Http2Stream, head: Http2RequestHead, ended: boolean): void {
    this.count();
    new Http2Request(this, stream).begin(head, ended);
    this.wear();
  }

  onRefused(stream: Http2Stream, failure: HeadFailure, head: Http2RequestHead): void {
    this.count();
    new Http2Request(this, stream).refuse(failure, head);
    this.wear();
  }

  onSettings(): void {}

  onSettingsAck(): void {}

  onPong(): void {}

  onGoAway(): void {}

  onCapacity(): void {}

  onStreamClosed(): void {
    if (this.session.streams.size > 0) return;
    const { keepaliveTimeoutMs } = this.negotiatedServer.root.core;
    this.keptUntilMs = this.gateway.network.clock.now() + keepaliveTimeoutMs;
    this.watchInput();
  }

  onDrained(): void {
    this.close();
  }

  onOutput(): void {
    this.gateway.network.clock.soon(this.flush);
  }

  onFailure({ reason }: Http2Failure): void {
    this.log(reason);
    this.close();
  }

  get clock(): Clock {
    return this.gateway.network.clock;
  }

  /** Of a tunnel. */
  reportInternalError(error: unknown): void {
    this.gateway.reportInternalError(error);
  }

  /** Of a request: it is over and logged. */
  requestEnded(request: Http2Request): void {
    this.requests -= 1;
    this.headsWaiting.delete(request);
    this.forgetWhenOver();
  }

  get sendTimeoutMs(): number {
    return this.negotiatedServer.root.core.sendTimeoutMs;
  }

  /** The client takes nothing of what it is sent, on any stream. */
  onStall(): void {
    const { core } = this.negotiatedServer.root;
    this.log(timedOut);
    this.release();
    this.session.close();
    if (core.resetTimedoutConnection) this.socket.reset();
    this.socket.close();
  }

  onDeadline(): void {
    // As in nginx, who has said nothing wrong leaves in peace.
    if (this.session.midFrame) this.session.fail(protocolError, timedOut);
    else this.session.goAway(noError);
  }

  private readonly flush = (): void => this.session.flush();

  private count(): void {
    this.client.requests += 1;
    this.gateway.requestsTotal += 1;
    this.requests += 1;
    this.waitsFor = "nothing";
    this.deadline.clear();
    // A configuration may have taken over since the request before.
    this.servers = this.listenSocket.serversFor(this.client.origin.local);
  }

  /** After a request has begun: whether more may come. */
  private wear(): void {
    const { client, session } = this;
    const { core } = this.negotiatedServer.root;
    const age = this.gateway.network.clock.now() - client.startMs;
    if (client.requests >= core.keepaliveRequests || age > core.keepaliveTimeMs) session.goAway(noError);
    else if (this.gateway.stopping || !this.gateway.accepts || this.listenSocket.retired) session.drain();
  }

  /** Without streams there is a time for whatever comes next. */
  private watchInput(): void {
    const { session, client } = this;
    if (this.state !== "open" || session.streams.size > 0) return;
    const wait = session.midFrame ? "frame" : client.requests === 0 ? "first" : "next";
    if (wait === this.waitsFor) return;
    // What the first request may take is not prolonged by its pieces.
    if (wait === "frame" && this.waitsFor === "first") return;
    this.waitsFor = wait;
    this.deadline.set(this.patienceMs(wait));
  }

  private patienceMs(wait: Wait): number {
    if (wait !== "next") return this.negotiatedServer.core.clientHeaderTimeoutMs;
    const leftMs = Math.max(0, this.keptUntilMs - this.gateway.network.clock.now());
    return this.session.goAwayLastId === Infinity ? leftMs : Math.min(leftMs, farewellMs);
  }

  /** Ends the connection: what is queued still goes out, what still comes in is thrown away. */
  private close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.session.close();
    this.sending?.dispose();
    this.headsWaiting.clear();
    const { socket, deadline, clientEnded } = this;
    if (!socket.open) return;
    deadline.clear();
    const { core } = this.negotiatedServer.root;
    const { clock } = this.gateway.network;
    const onGone = (): void => this.gone();
    new LingeringClose({ socket, core, clock, deadline, clientEnded, onGone }).begin(this.blocked);
  }

  /** Nothing may happen here any more by itself. */
  private release(): void {
    if (this.state === "open") this.state = "closing";
    this.deadline.dispose();
    this.sending?.dispose();
    this.headsWaiting.clear();
  }

  private gone(): void {
    this.state = "closed";
    this.forgetWhenOver();
  }

  /** A request that goes on without its client keeps the connection counted until it has ended. */
  private forgetWhenOver(): void {
    if (this.state === "closed" && this.requests === 0) this.gateway.forget(this);
  }

  private log(message: string): void {
    const { client } = this;
    const { errorLog } = this.negotiatedServer.root.core;
    if (!errorLog.enabled("info")) return;
    const server = endpointKey(client.listenSocket.endpoint);
    const where = `while processing HTTP/2 connection, client: ${client.origin.remoteText}, server: ${server}`;
    errorLog.write("info", `${message} ${where}`, client.serial);
  }
}
