import { asksForUpgrade } from "../../http/upgrade.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { PeerLease, PeerOutcome, Selection, ServeTimes } from "../balance/balancer.ts";
import type { Peer } from "../balance/peer.ts";
import { factsOf, failureOf, failureOfBody, failureOfStatus, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { failureKinds } from "../failure/kinds.ts";
import { NextUpstream } from "../failure/next-upstream.ts";
import { handshakeFault } from "../request/extended-connect.ts";
import { redirectMark } from "../request/request.ts";
import type { ClientWatcher } from "../request/holders.ts";
import type { Request } from "../request/request.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import { openTunnel } from "./open-tunnel.ts";
import { originOf } from "../../config/setting-origin.ts";
import type { ExchangePlan, UpstreamSettings } from "./exchange-plan.ts";
import { Payload } from "./payload.ts";
import type { PayloadOwner } from "./payload.ts";
import { PeerDial } from "./peer-dial.ts";
import { UpstreamState } from "../request/upstream-state.ts";
import type { AnswerSink, HeadOutcome, SharedTry, TryOwner, UpstreamTry } from "./protocol.ts";

/** Methods that must not be repeated once a server may have acted on them. */
const nonIdempotent = new Set(["POST", "LOCK", "PATCH"]);

/**
 * A request's dealings with upstream servers: tries one after the other until one answers.
 * Follows ngx_http_upstream_connect, _next, _test_next and _finalize_request.
 */
export class Exchange implements ClientWatcher, PayloadOwner, TryOwner {
  readonly request: Request;
  readonly payload: Payload;
  /** Bytes of the request went out on some connection. */
  requestSent = false;
  /** What the exchange is doing, for "… while connecting to upstream" in log lines. */
  activity = "connecting to upstream";
  /** How servers are asked first. */
  private readonly firstPlan: ExchangePlan;
  /** How the server of now is asked. */
  private way: ExchangePlan;
  /** Where the answer's body goes. */
  private readonly sink: AnswerSink;
  private selection: Selection | null = null;
  private startMs = 0;
  private peer: Peer | null = null;
  private cached = false;
  private dial: PeerDial | null = null;
  private current: UpstreamTry | SharedTry | null = null;
  /** An answer's head was taken: no other server can be asked any more. */
  private answered = false;
  private ended = false;

  constructor(request: Request, plan: ExchangePlan) {
    this.request = request;
    this.firstPlan = plan;
    this.way = plan;
    this.sink = plan.sink ?? request.response;
    this.payload = new Payload(request, plan.gathersBody, this);
  }

  onPayloadFailed(status: number): void {
    this.abandon(failureOfBody(status));
  }

  /** Begins with the request's body; the first server is asked when enough of that is there. */
  start(): void {
    this.request.watch(this);
    this.payload.start();
  }

  /** How the server of now is asked. */
  get plan(): ExchangePlan {
    return this.way;
  }

  get state(): UpstreamState {
    return this.request.upstreamStates!.at(-1)!;
  }

  get clock(): Clock {
    return this.request.client.gateway.network.clock;
  }

  private get clockMs(): number {
    return this.clock.now();
  }

  get settings(): UpstreamSettings {
    return this.plan.settings;
  }

  get pool(): KeepalivePool | null {
    return this.plan.upstream.pool;
  }

  /** The client asks for another protocol, and the server was told: a subrequest's answer is no tunnel. */
  get maySwitch(): boolean {
    const { parent, fields, extendedConnect, location } = this.request;
    if (parent !== null || !this.plan.asksForUpgrade) return false;
    if (extendedConnect && !location.acceptsExtendedConnect) return false;
    return fields.getAll("upgrade").some(asksForUpgrade);
  }

  get wantsHeadOnly(): boolean {
    return this.request.isHead;
  }

  onClientGone(how: "closed" | "stalled"): void {
    if (this.ended) return;
    // Its connection has told so already.
    if (how === "stalled") return this.finish(failureKinds.clientStalled.status);
    if (this.plan.settings.ignoreClientAbort) return;
    const failure = failureOf("clientClosed");
    if (this.selection === null) this.finish(failure.status);
    else this.abandon(failure);
  }

  /** It has ended without this: something on the way of the answer has failed. */
  onRequestEnd(): void {
    if (!this.ended) this.stop();
  }

  /** Logs with the activity that nginx appends ("while reading response header from upstream"). */
  log(level: "alert" | "error" | "warn" | "info" | "crit", message: string): void {
    this.request.log(level, `${message} while ${this.activity}`);
  }

  /** A try failed before its answer: another server is asked if `proxy_next_upstream` allows it. */
  fail(failure: Failure): void {
    if (this.ended) return;
    const { retry, status } = failure;
    if (retry === 0 || this.answered) return this.abandon(failure);
    // As in nginx, a timeout is told behind what has become of the server.
    const late = retry === NextUpstream.timeout;
    if (!late) this.tell(failure);
    if (this.cached && retry === NextUpstream.error && this.mayRepeat(retry)) {
      this.redial();
      return;
    }
    const blameless = retry === NextUpstream.http403 || retry === NextUpstream.http404;
    this.release(blameless ? "skipped" : "failed");
    if (late) this.tell(failure);
    this.state.status = status;
    this.dropTry(blameless);
    if (this.selection!.tries <= 0 || !this.mayRepeat(retry)) {
      this.finish(status);
      return;
    }
    this.request.response.reset();
    this.connect();
  }

  fallBack(): void {
    if (this.ended) return;
    const { fallback } = this.way;
    this.dropTry();
    if (fallback === undefined || fallback === null) return this.fail(failureOf("upstreamClosed"));
    this.way = fallback;
    this.cached = false;
    this.activity = "connecting to upstream";
    this.dialPeer(this.peer!);
  }

  takeHead(head: ResponseHead): HeadOutcome {
    const { request, state, plan } = this;
    state.status = head.status;
    request.upstreamHead = head;
    state.headerMs = this.clockMs - state.startMs;
    const fault = head.status === 101 && request.extendedConnect ? handshakeFault(request, head) : null;
    if (fault !== null) {
      this.fail(failureOf("invalidHead", fault));
      return "over";
    }
    if (head.status >= 300 && this.rejects(head.status)) return "over";
    this.answered = true;
    this.activity = "reading upstream";
    if (plan.settings.interceptErrors && head.status >= 300 && this.intercept(head)) return "over";
    const goOn = plan.acceptHead(head);
    if (goOn !== null) {
      this.leave(goOn);
      return "over";
    }
    if (head.status === 101) return "switched";
    // By `proxy_method`: no body comes that could be promised.
    if (plan.isHead && !request.isHead) request.response.contentLength = 0;
    this.sink.prepareHead();
    return "body";
  }

  switched(connection: Connection, early: Buffer | null): void {
    openTunnel(this, connection, early);
  }

  /** `proxy_intercept_errors`: the location's own page instead of the server's, when it has one. */
  private intercept(head: ResponseHead): boolean {
    const { request } = this;
    const { errorPages } = request.location.core;
    if (request.servingErrorPage || !errorPages.some((page) => page.codes.includes(head.status)))
      return false;
    if (head.status === 401) {
      for (const challenge of head.fields.getAll("www-authenticate"))
        request.response.fields.add("WWW-Authenticate", challenge);
    }
    this.finish(head.status);
    return true;
  }

  /** An answer's head has come: true when its status sends the request to another server instead. */
  private rejects(status: number): boolean {
    const failure = failureOfStatus(status);
    if (failure === null || this.selection!.tries <= 1 || !this.mayRepeat(failure.retry)) return false;
    this.fail(failure);
    return true;
  }

  /** Nothing helps: the failure is told, and the request ends with it. */
  abandon(failure: Failure): void {
    if (this.ended) return;
    this.tell(failure);
    this.finish(failure.status);
  }

  /** The failure of a time that a directive of the protocol's module sets. */
  timeout(kind: "connectTimedOut" | "sendTimedOut" | "readTimedOut"): Failure {
    const directive = this.plan.directivePrefix + failureKinds[kind].setting;
    return failureOf(kind, "", originOf(this.request.location.settings, directive));
  }

  private tell(failure: Failure): void {
    const words = wordsOf(failure);
    if (words !== "") this.log(factsOf(failure).level, words);
  }

  /** The answer was read whole; the connection may serve again when `reusable`. */
  complete(reusable: PooledConnection | null): void {
    this.closeState();
    this.release("ok", this.state);
    this.payload.close();
    this.current = null;
    this.end();
    if (reusable !== null) this.pool?.give(reusable);
    this.request.unwatch(this);
    try {
      this.sink.end();
    } catch (error) {
      this.request.response.crash(error);
    }
  }

  /** Ends the exchange and answers with `status`; after the head was sent, drops the client's connection. */
  private finish(status: number): void {
    if (this.ended) return;
    this.stop();
    this.request.response.fail(status);
  }

  /** A programming error met on the way. */
  crash(error: unknown): void {
    if (!this.ended) this.stop();
    this.request.response.crash(error);
  }

  /** The answer sends the request elsewhere: the connection is given up, `goOn` takes over. */
  private leave(goOn: () => void): void {
    this.closeState();
    this.release("ok", this.state);
    this.dropTry();
    this.payload.close();
    this.ended = true;
    this.request.activity = "reading response header from upstream";
    this.request.unwatch(this);
    goOn();
  }

  /** The tunnel takes over, and with it the peer, which stays counted as connected until it is released. */
  handOver(): PeerLease {
    this.ended = true;
    this.current = null;
    this.request.unwatch(this);
    this.payload.close();
    this.request.body.release();
    // A tunnel may last for days; only `$request_body` in a log line needs the body until then.
    const { server, body, location } = this.request;
    const logged = server.readsBodies && location.log.length > 0;
    if (!logged || body.file !== null) body.releaseStorage();
    const lease = { keeper: this.selection!.keeper, peer: this.peer! };
    this.selection!.answered?.(lease.peer, this.state);
    this.peer = null;
    return lease;
  }

  /** From here on nginx says that it is sending to the client, whatever comes; also of who asked for it. */
  private end(): void {
    this.ended = true;
    for (let request: Request | null = this.request; request !== null; request = request.parent)
      request.activity = "sending to client";
  }

  private stop(): void {
    this.end();
    this.dial?.stop();
    if (this.request.upstreamStates !== null && this.selection !== null) this.closeState();
    this.release("ok");
    this.dropTry();
    this.payload.close();
    this.request.unwatch(this);
  }

  /** The body is gathered as far as it is waited for. */
  onPayloadReady(): void {
    try {
      this.choosePeers();
      this.connect();
    } catch (error) {
      this.crash(error);
    }
  }

  private choosePeers(): void {
    const { upstreamStates } = this.request;
    if (upstreamStates === null) this.request.upstreamStates = [];
    else upstreamStates.push(redirectMark);
    const selection = this.plan.upstream.begin(this.request);
    const { nextUpstreamTries } = this.plan.settings;
    if (nextUpstreamTries > 0 && selection.tries > nextUpstreamTries) selection.tries = nextUpstreamTries;
    this.selection = selection;
    this.startMs = this.clockMs;
  }

  private connect(): void {
    this.activity = "connecting to upstream";
    this.way = this.firstPlan;
    this.answered = false;
    if (this.request.upstreamStates!.length > 0) this.closeState();
    const state = this.newState();
    this.request.upstreamHead = null;
    this.request.upstreamTrailers = null;
    this.request.upstreamStates!.push(state);
    const peer = this.selection!.next();
    if (peer === null) {
      const failure = failureOf("noLiveUpstreams");
      state.status = failure.status;
      this.abandon(failure);
      return;
    }
    this.peer = peer;
    state.address = peer.name;
    const pooled = this.atHand(peer);
    this.cached = pooled !== null;
    if (pooled === null) this.dialPeer(peer);
    else this.use(pooled);
  }

  /** A connection that is there already, and can take the request. */
  private atHand(peer: Peer): PooledConnection | null {
    const { pool } = this;
    if (pool === null) return null;
    const key = this.poolKeyOf(peer);
    return this.plan.share === undefined ? pool.take(key) : pool.share(key);
  }

  /** A kept connection had been closed by the server: that says nothing of the server, so it is asked anew. */
  private redial(): void {
    this.dropTry();
    this.state.status = 502;
    this.closeState();
    const state = this.newState();
    state.address = this.peer!.name;
    this.request.upstreamStates!.push(state);
    this.cached = false;
    this.activity = "connecting to upstream";
    this.dialPeer(this.peer!);
  }

  private dialPeer(peer: Peer): void {
    this.dial ??= new PeerDial(this);
    this.dial.start(peer, this.poolKeyOf(peer));
  }

  /** A connection to the server is there: the request is put to it. Returns who gets the connection's events. */
  use(pooled: PooledConnection): ConnectionOwner {
    const { state } = this;
    state.connectMs = this.cached ? 0 : this.clockMs - state.startMs;
    const attempt = this.plan.begin(this, pooled, this.sink);
    this.current = attempt;
    pooled.requests += 1;
    // Who shares a connection does not own it: see `UpstreamProtocol.begin`.
    const owner = pooled.link ?? (attempt as UpstreamTry);
    pooled.connection.owner = owner;
    try {
      attempt.start();
    } catch (error) {
      this.crash(error);
    }
    return owner;
  }

  /** The rules of `proxy_next_upstream` that do not depend on how many servers are left. */
  private mayRepeat(condition: number): boolean {
    const { settings } = this.plan;
    let needed = condition;
    if (this.requestSent && nonIdempotent.has(this.request.method)) needed |= NextUpstream.nonIdempotent;
    if ((settings.nextUpstream & needed) !== needed) return false;
    if (this.payload.spent) return false;
    const { nextUpstreamTimeoutMs } = settings;
    return nextUpstreamTimeoutMs === 0 || this.clockMs - this.startMs < nextUpstreamTimeoutMs;
  }

  private release(outcome: PeerOutcome, times?: ServeTimes): void {
    const { peer } = this;
    if (peer === null) return;
    this.peer = null;
    if (this.selection!.release(peer, outcome, times))
      this.log("warn", "upstream server temporarily disabled");
  }

  private dropTry(blameless = true): void {
    this.current?.drop(blameless);
    this.current = null;
    this.payload.detach();
  }

  private closeState(): void {
    const { state } = this;
    if (state.finished) return;
    state.responseMs = this.clockMs - state.startMs;
    state.finished = true;
  }

  /** Nearly always the peer's own name, which is compared at no cost. */
  private poolKeyOf(peer: Peer): string {
    const { local, poolKey } = this.plan;
    if (local === null && poolKey === "") return peer.name;
    return `${local?.text ?? ""}|${poolKey}|${peer.name}`;
  }

  private newState(): UpstreamState {
    const { upstream, scheme, uri } = this.plan;
    return new UpstreamState(upstream.name, scheme, uri, this.clockMs);
  }
}
