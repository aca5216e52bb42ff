import { originOf } from "../../config/setting-origin.ts";
import { CLOSE_ABNORMAL } from "../../websocket/close-codes.ts";
import { FrameCursor } from "../../websocket/frame-cursor.ts";
import type { FrameRules } from "../../websocket/frame-cursor.ts";
import type { AnswerWriter } from "../request/answer-writer.ts";
import type { DrainOccasion, WebSocketDrain } from "../serve/drain.ts";
import { factsOf, failureOf, tunnelLevelOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import type { FailureFacts, FailureKind } from "../failure/kinds.ts";
import type { LogHandler } from "../request/handler.ts";
import type { Request } from "../request/request.ts";
import type { WebSocketCloser, WebSocketFacts } from "../request/websocket-facts.ts";
import type { Location } from "../serve/location.ts";
import { governs } from "../serve/websocket-policy.ts";
import type { FrameLimitSpec } from "../serve/websocket-policy.ts";
import type { RebalancePolicy } from "../balance/rebalancer.ts";
import { BalancedWebSocket } from "./balanced-websocket.ts";
import { Failover } from "./failover.ts";
import type { FoundServer, UpstreamLine } from "./server-search.ts";
import { guardRulesOf, noGuardRules, noLimits } from "./frame-guard.ts";
import type { OpenLimit } from "./frame-guard.ts";
import { StreamConnection } from "./stream-connection.ts";
import { Tunnel } from "./tunnel.ts";
import type { TunnelParts, TunnelSide } from "./tunnel.ts";
import { causeOf, limitWords, sideOfEnd, timeWords } from "./websocket-words.ts";
import { rulesOf, WebSocketSide } from "./websocket-side.ts";
import { graceMs, WebSocketWatch } from "./websocket-watch.ts";

/**
 * What a WebSocket that is being drained waits for:
 * "boundary": the end of the frame that the client is getting; the close frame follows it;
 * "answer": the client's close frame, which goes on to the server as the client's own;
 * "ends": the end of a closing handshake that client or server had begun before.
 */
type Awaited = "boundary" | "answer" | "ends";

/** A drain that has begun. */
interface Draining {
  readonly occasion: DrainOccasion;
  readonly graceMs: number;
  awaits: Awaited;
}

/** The first close frame on a tunnel. */
interface FirstClose {
  readonly by: WebSocketCloser;
  readonly code: number;
  readonly reason: string;
}

/** How long a server may be silent after the close frame of a client that has ended its stream with it. */
const closeAnswerMs = 5000;

/** What the log says when `grace` was not enough. */
const overdue: Readonly<Record<Awaited, string>> = {
  boundary: "the server did not end its frame in time",
  answer: "client did not answer in time",
  ends: "the closing handshake did not end in time",
};

/**
 * A tunnel that carries a WebSocket. Its frames pass as they are, and where they end is known, so that
 * the WebSocket can be closed in good order when the gateway ends it, and its record tells how it ended.
 *
 * In a drain the close frame goes to the client. What the client had sent by then still reaches the server, and the
 * client's answer tells the server as well. What the server sends meanwhile has nobody to go to: behind
 * a close frame nothing may follow (RFC 6455, section 5.5.1).
 */
export class WebSocketTunnel extends Tunnel {
  declare readonly client: WebSocketSide;
  declare readonly upstream: WebSocketSide;
  /** When the last message passed, either way. */
  lastMessageMs: number;
  readonly openedMs: number;
  /** After a reload, the location that took the place of the request's. */
  private settled: Location;
  private readonly directivePrefix: string;
  private draining: Draining | null = null;
  private first: FirstClose | null = null;
  private watch: WebSocketWatch | null = null;
  /** Null: the tunnel ends with its server. */
  readonly failover: Failover | null;
  /** Null: the tunnel stays with its server, whatever others there are. */
  private balanced: BalancedWebSocket | null = null;
  private readonly line: UpstreamLine;
  /** Set when the tunnel ends. */
  private facts: WebSocketFacts | null = null;
  /** No close frames: everything is dropped, and directives say that nothing is told. */
  private cutting = false;

  constructor(parts: TunnelParts, reserved: FrameRules["reserved"], request: Request) {
    super(parts, WebSocketSide);
    this.settled = parts.record.location;
    this.directivePrefix = parts.policy.directivePrefix;
    this.openedMs = this.lastActivityMs;
    this.lastMessageMs = this.lastActivityMs;
    this.client.frames = new FrameCursor(rulesOf("client", reserved));
    this.upstream.frames = new FrameCursor(rulesOf("server", reserved));
    const { move, line } = parts;
    const { failover } = this.location.websocket;
    this.line = line;
    this.failover = move === undefined || failover === null ? null : new Failover(this, failover, move);
    this.govern(request);
  }

  override get location(): Location {
    return this.settled;
  }

  override follow(location: Location): void {
    if (this.over || this.draining !== null) return;
    this.settled = location;
    this.upstream.peerSendMs = location.core.sendTimeoutMs;
    if (location.tunnelTimes !== null) {
      this.idleMs = location.tunnelTimes.readTimeoutMs;
      this.client.peerSendMs = location.tunnelTimes.sendTimeoutMs;
    }
    const { failover, rebalance, limits } = location.websocket;
    this.failover?.follow(failover);
    this.balance(rebalance);
    // Keys of accounts are worked out by the new configuration.
    this.govern(limits.length > 0 ? this.record.unpack(true) : null);
    this.schedule();
  }

  override get websocketDrain(): WebSocketDrain | null {
    const { core, websocket } = this.location;
    const drain = core.websocketDrain;
    // Without directives, a close frame at the end of all is the gateway's own idea.
    return drain !== null && drain.windowMs === null && !websocket.closes ? null : drain;
  }

  override open(writer: AnswerWriter, early: Buffer | null): void {
    super.open(writer, early);
    if (this.over) return;
    if (this.watch !== null) this.schedule();
    this.balance(this.location.websocket.rebalance);
    this.gateway.admitTunnel(this);
  }

  /** Has the rebalancer look after this tunnel, or not. */
  private balance(policy: RebalancePolicy | null): void {
    const { balanced, gateway } = this;
    if (policy === null) {
      if (balanced !== null) gateway.rebalancer.delete(balanced);
      balanced?.settle();
      this.balanced = null;
      return;
    }
    this.balanced ??= new BalancedWebSocket(this, policy, this.line);
    this.balanced.rebalance = policy;
    gateway.rebalancer.add(this.balanced);
  }

  /** A frame mask (RFC 6455, section 5.3). */
  randomMask(): number {
    return Math.floor(this.random() * 2 ** 32);
  }

  /** From 0 to 1. */
  random(): number {
    return this.gateway.network.random();
  }

  /** A close frame of `side` is on its way. */
  noteClose(side: WebSocketSide): void {
    const { draining } = this;
    if (draining?.awaits === "boundary") draining.awaits = "ends";
    const { close } = side.frames;
    if (close !== null) this.first ??= { by: side.name, code: close.code, reason: close.reason };
  }

  /**
   * Browsers end a stream of HTTP/2 together with their close frame: the server's answer, which is still to come, goes
   * to them. On TCP they wait for it.
   */
  override sideEnded(side: TunnelSide): void {
    const { client, upstream } = this;
    const answerDue = side === client && client.frames.closed && !upstream.frames.closed;
    if (!answerDue || !(client.self instanceof StreamConnection)) return super.sideEnded(side);
    if (this.draining !== null) return;
    this.idleMs = Math.min(this.idleMs, closeAnswerMs);
    this.deadline.set(this.idleMs);
  }

  override drain(occasion: DrainOccasion, graceMs: number): void {
    if (this.over || this.draining !== null) return;
    if (occasion.moves === true && this.failover?.movesOnDrain === true) {
      const instead = (): void => this.drain({ ...occasion, moves: false }, graceMs);
      if (this.failover.leave({ words: occasion.reason, graceMs, avoided: null, instead })) return;
    }
    this.failover?.cancel();
    const { client, upstream } = this;
    const draining: Draining = { occasion, graceMs, awaits: "boundary" };
    this.draining = draining;
    for (const side of [client, upstream]) {
      const guard = side.guardBy({ ...noGuardRules, checks: side.guard?.rules.checks ?? false });
      guard.insert = null;
      side.releaseHeld();
    }
    if (this.over) return;
    this.deadline.set(graceMs);
    if (this.first !== null) draining.awaits = "ends";
    else if (upstream.clean) this.sendClose(draining);
    else upstream.guard!.awaited = true;
  }

  /** What goes to the client is between two frames. */
  boundaryReached(side: WebSocketSide): void {
    const { draining } = this;
    if (draining?.awaits === "boundary" && side === this.upstream) this.sendClose(draining);
  }

  /** All that a side had sent at once has gone its way. */
  chunkPassed(side: WebSocketSide): void {
    this.failover?.chunkPassed();
    if (this.over || this.draining?.awaits !== "answer" || side !== this.client) return;
    if (side.frames.closed) this.end(failureOf("gatewayLeaves", "client answered"));
  }

  /** `side` sent what it must not. @param directive the limit that says so; null for that of the kind */
  endByFrame(side: WebSocketSide, kind: FailureKind, directive: string | null): void {
    const { violation } = side.frames;
    const words =
      kind === "websocketBroken" ? `${side.name} broke the framing: ${violation!.rule}` : side.name;
    const setting = originOf(this.location.settings, directive ?? factsOf(failureOf(kind)).directive!);
    const code = kind === "websocketBroken" ? violation!.code : factsOf(failureOf(kind)).offenderCode!;
    this.endAbout(side, { ...failureOf(kind, words, setting) }, code);
  }

  /** The gateway ends the tunnel because of one of its sides, which gets a code of its own. */
  endAbout(side: WebSocketSide, ending: Failure, code: number): void {
    if (this.over) return;
    if (side === this.upstream && this.failover?.takesOver(ending) === true) return;
    const { closeCode } = factsOf(ending);
    const reason = limitWords(ending, "");
    const told = this.closes && side.tell(code, reason);
    const otherTold = this.closes && side.other.tell(closeCode, reason);
    if (told) this.first ??= { by: "gateway", code, reason };
    else if (otherTold) this.first ??= { by: "gateway", code: closeCode, reason };
    this.finish(ending);
  }

  override end(ending: Failure): void {
    if (this.over || this.failover?.takesOver(ending) === true) return;
    const { draining } = this;
    if (draining !== null && draining.awaits !== "ends") return this.endDrain(draining, ending);
    const named = this.nameSetting(ending);
    if (this.first === null && this.closes) this.tellBoth(named);
    this.finish(named);
    if (draining !== null) this.deadline.set(draining.graceMs);
  }

  override kick(code: number, reason: string, cause: string): void {
    const chosen = { closeReason: reason, kind: "websocketKicked" } as const;
    this.drain({ code, reason: cause, cause, chosen }, graceMs);
  }

  /** Neither side has begun to close, nor does the gateway. */
  get undisturbed(): boolean {
    return !this.over && this.first === null && this.draining === null && this.client.self.open;
  }

  /** There is no server any more. @returns the name of the one that was left */
  loseServer(): string {
    this.upstream.disconnect();
    this.releasePeer();
    this.client.goOnWhenFree();
    return this.peerName;
  }

  /** The request as it was, and once more for the choice of a server by another configuration. */
  requests(): { readonly request: Request; readonly balanced: Request } {
    const { record } = this;
    return { request: record.unpack(), balanced: record.unpack(true) };
  }

  protected override releasePeer(): void {
    super.releasePeer();
    this.balanced?.settle();
  }

  /** Another server has taken over. */
  goOnWith({ connection, lease, states }: FoundServer, words: string, level: "warn" | "info"): void {
    const { peerName } = this;
    this.changePeer(lease, states);
    this.upstream.connect(connection);
    this.lastActivityMs = this.clock.now();
    const request = this.record.unpack();
    request.log(level, `${words} from ${peerName} to ${this.peerName} while proxying upgraded connection`);
    request.release();
  }

  /** No other server was found. */
  endWithoutServer(ending: Failure, code: number, why: string): void {
    const words = `fail-over given up: ${why}`;
    const by = ending.kind === "gatewayLeaves" ? "gateway" : "upstream";
    if (this.closes && this.client.tell(code, words)) this.first ??= { by, code, reason: words };
    this.finish(ending, `${wordsOf(ending)}, ${words}`);
  }

  override drop(reason: string): void {
    // "websocket_drain off" is nginx, which cuts.
    this.cutting = this.websocketDrain === null;
    super.drop(reason);
  }

  /** The server, which has got the client's close frame, ends the connection first (RFC 6455, section 7.1.1). */
  serverEnds(side: WebSocketSide): boolean {
    return this.draining !== null && side === this.upstream && this.client.frames.closed;
  }

  override onDeadline(): void {
    if (this.over) return super.onDeadline();
    if (this.draining !== null) return this.end(failureOf("gatewayLeaves", overdue[this.draining.awaits]));
    this.watch?.run(this.clock.now());
    if (this.over || this.draining !== null) return;
    super.onDeadline();
    if (!this.over && this.watch !== null) this.schedule();
  }

  /** What is known by now. */
  get websocketFacts(): WebSocketFacts {
    return this.facts ?? this.gatherFacts(null, "");
  }

  /** One of the two sides has begun the closing handshake. */
  private get closing(): boolean {
    return this.client.frames.close !== null || this.upstream.frames.close !== null;
  }

  private get closes(): boolean {
    return this.location.websocket.closes && !this.cutting;
  }

  protected override silenceLeftMs(): number {
    const left = super.silenceLeftMs();
    const holding = this.client.guard?.holding === true || this.upstream.guard?.holding === true;
    return left <= 0 && holding ? this.idleMs : left;
  }

  protected override get logHandlers(): readonly LogHandler[] {
    return this.record.location.websocket.logs;
  }

  protected override annotate(request: Request): void {
    request.websocket = this.facts;
  }

  protected override levelOf(ending: Failure): FailureFacts["level"] {
    const byPeer = this.closing && this.first?.by !== "gateway";
    return byPeer ? "info" : tunnelLevelOf(ending);
  }

  protected override describe(ending: Failure): string {
    const { draining, facts } = this;
    if (draining !== null && draining.awaits !== "ends") {
      return `${draining.occasion.reason}, WebSocket closed with code ${facts!.closeCode}: ${ending.cause}`;
    }
    const ended = sideOfEnd[ending.kind] !== undefined && this.closing;
    return ended ? `${this.first!.by} closed connection` : wordsOf(ending);
  }

  /** Frames are looked at before they go on where directives of the location have to know them. */
  private govern(request: Request | null): void {
    const { websocket } = this.location;
    this.watch = null;
    if (!governs(websocket)) return this.leaveUngoverned();
    for (const side of [this.client, this.upstream])
      side.guardBy(guardRulesOf(websocket)[side.name], this.openLimits(side, request));
    this.watch = new WebSocketWatch(this, websocket);
  }

  /** Guards stay, for they may hold something back; but they let everything pass. */
  private leaveUngoverned(): void {
    for (const side of [this.client, this.upstream]) {
      if (side.guard === null) continue;
      side.guardBy(noGuardRules);
      side.releaseHeld();
    }
  }

  private openLimits(side: WebSocketSide, request: Request | null): readonly OpenLimit[] {
    const { limits } = this.location.websocket;
    if (limits.length === 0) return noLimits;
    return limits.flatMap((spec) => (spec.from[side.name] ? this.openLimit(side, spec, request) : []));
  }

  /** What cannot be opened anew by a reload goes on as it is. */
  private openLimit(side: WebSocketSide, spec: FrameLimitSpec, request: Request | null): OpenLimit[] {
    const limit = spec.open(request, this.clock);
    if (limit !== null) return [{ spec, limit }];
    if (request !== null) return [];
    return (side.guard?.limits ?? []).filter((one) => one.spec.directive === spec.directive);
  }

  private schedule(): void {
    const leftMs = (this.watch?.nextMs() ?? Infinity) - this.clock.now();
    this.deadline.set(Math.max(1, Math.min(this.silenceLeftMs(), Math.ceil(leftMs))));
  }

  /** Ends a drain, whatever it was waiting for. */
  private endDrain(draining: Draining, ending: Failure): void {
    const { occasion, graceMs } = draining;
    const code = this.codeFor(occasion);
    const reason = occasion.chosen?.closeReason ?? "";
    // A client that has not told the server itself is told for.
    if (this.upstream.tell(code, reason)) this.first ??= { by: "gateway", code, reason };
    const kind = occasion.chosen?.kind ?? "gatewayLeaves";
    this.finish({ ...failureOf(kind), cause: wordsOf(ending) });
    this.deadline.set(graceMs);
  }

  private sendClose(draining: Draining): void {
    const { client, upstream } = this;
    const { occasion } = draining;
    draining.awaits = "answer";
    const code = this.codeFor(occasion);
    const reason = occasion.chosen?.closeReason ?? "";
    if (client.tell(code, reason)) this.first ??= { by: "gateway", code, reason };
    this.deadline.set(draining.graceMs);
    // A slow client has held the server back; nothing it sends is passed on any more.
    upstream.guard!.muted = true;
    if (!upstream.paused) return;
    upstream.paused = false;
    upstream.self.resume();
  }

  /** Both sides are told by close frames what ends the tunnel, as far as there is a place for one. */
  private tellBoth(ending: Failure): void {
    const { closeCode } = factsOf(ending);
    const { client, upstream } = this;
    const ended = sideOfEnd[ending.kind];
    // Who is left by a client sees what it would see without a gateway.
    if (ended === "client") return;
    const reason = limitWords(ending, this.defaultLimit(ending));
    const told = client.tell(closeCode, reason);
    const upstreamTold = ended === undefined && upstream.tell(closeCode, reason);
    if (told || upstreamTold) this.first = { by: ended ?? "gateway", code: closeCode, reason };
  }

  private finish(ending: Failure, cause: string | null = null): void {
    this.failover?.cancel();
    this.balance(null);
    const by = this.first?.by ?? sideOfEnd[ending.kind] ?? "gateway";
    const { draining } = this;
    const drained = draining !== null && draining.awaits !== "ends" && by === "gateway";
    const why = drained ? draining.occasion.cause : (cause ?? this.causeOf(by, ending));
    this.facts = this.gatherFacts(by, why);
    super.end(ending);
  }

  private causeOf(by: WebSocketCloser, ending: Failure): string {
    if (by === "gateway") return causeOf(ending, this.defaultLimit(ending));
    for (const { name, frames } of [this.client, this.upstream])
      if (frames.violation !== null) return `${name} broke the framing: ${frames.violation.rule}`;
    return this.closing ? "" : causeOf(ending, "");
  }

  /** "proxy_read_timeout 60s": the limit that is over, where no directive has set it; "" for other ends. */
  private defaultLimit({ kind }: Failure): string {
    if (kind === "readTimedOut") return `${this.directivePrefix}read_timeout ${timeWords(this.idleMs)}`;
    if (kind === "sendTimedOut")
      return `${this.directivePrefix}send_timeout ${timeWords(this.client.peerSendMs)}`;
    return kind === "clientStalled" ? `send_timeout ${timeWords(this.upstream.peerSendMs)}` : "";
  }

  private gatherFacts(closedBy: WebSocketCloser | null, closeCause: string): WebSocketFacts {
    const { client, upstream, first } = this;
    const now = this.clock.now();
    const rttMs = client.guard?.heart?.rttMs ?? -1;
    return {
      closedBy,
      closeCode: closedBy === null ? 0 : (first?.code ?? CLOSE_ABNORMAL),
      closeReason: first?.reason ?? "",
      closeCause,
      durationMs: now - this.openedMs,
      messagesReceived: client.frames.messages,
      messagesSent: upstream.frames.messages,
      bytesReceived: client.frames.payloadBytes,
      bytesSent: upstream.frames.payloadBytes,
      idleMs: now - this.lastMessageMs,
      pingRttMs: rttMs < 0 ? null : rttMs,
      upstreamMoves: this.failover?.moves ?? 0,
    };
  }

  /** Adds the directive that set the time that is over. */
  private nameSetting(ending: Failure): Failure {
    const { setting, directive } = factsOf(ending);
    if (setting === undefined && directive === undefined) return ending;
    const prefix = ending.kind === "clientStalled" ? "" : this.directivePrefix;
    return { ...ending, setting: originOf(this.location.settings, directive ?? prefix + setting!) };
  }

  private codeFor({ code, chosen }: DrainOccasion): number {
    return chosen === undefined ? (this.websocketDrain?.code ?? code) : code;
  }
}
