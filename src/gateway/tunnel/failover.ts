import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { CLOSE_BAD_GATEWAY, CLOSE_GOING_AWAY, CLOSE_SERVICE_RESTART } from "../../websocket/close-codes.ts";
import { writeClose } from "../../websocket/frame-writer.ts";
import { failureOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import type { FailureKind } from "../failure/kinds.ts";
import type { FailoverPolicy } from "../serve/websocket-policy.ts";
import { Outbox } from "./outbox.ts";
import type { FoundServer, MoveParts, ServerSearch, ServerSeeker } from "./server-search.ts";
import type { WebSocketTunnel } from "./websocket-tunnel.ts";

/**
 * Where a move stands:
 * "none": client and server speak with each other;
 * "waiting": a move is wanted, and both directions shall be between two messages;
 * "parting": the server was told to close, what it still sends goes on, and what the client sends waits;
 * "seeking": there is no server.
 */
type MoveState = "none" | "waiting" | "parting" | "seeking";

/** How a tunnel ends that has lost its server: what starts a move where the policy says so. */
const losses: ReadonlySet<FailureKind> = new Set<FailureKind>([
  "upstreamEnded",
  "upstreamReset",
  "sendTimedOut",
  "websocketSilent",
]);

/** Why a tunnel moves, and what becomes of it where no other server is found. */
interface MoveReason {
  readonly words: string;
  readonly ending: Failure;
  /** Of the close frame that the client gets then. */
  readonly code: number;
  /** Nobody meant it: the log line is a warning. */
  readonly unwanted: boolean;
  /** Servers that shall not take over, beside the one that is left; null for none. */
  readonly avoided: ReadonlySet<string> | null;
}

/** A server that is to be left. */
export interface Leave {
  /** Why, for the log. */
  readonly words: string;
  /** How long the right moment is waited for. */
  readonly graceMs: number;
  /** Servers that take over only where no other does; null for none. */
  readonly avoided: ReadonlySet<string> | null;
  /** What is done when that moment does not come. */
  readonly instead: () => void;
}

/**
 * Moves a WebSocket to another server while its client stays: `websocket_failover`. A move is between two messages of the
 * server, so that the client never sees half of one; what the client had sent in part is sent again from its beginning.
 */
export class Failover implements ServerSeeker, DeadlineOwner {
  /** How often the server has changed. */
  moves = 0;
  private readonly tunnel: WebSocketTunnel;
  private policy: FailoverPolicy;
  /** False after a reload that turned it off. */
  private active = true;
  private readonly parts: MoveParts;
  private readonly outbox: Outbox;
  private state: MoveState = "none";
  private reason: MoveReason | null = null;
  /** What becomes of a tunnel for which the right moment does not come in time. */
  private instead: (() => void) | null = null;
  private search: ServerSearch | null = null;
  private deadline: Deadline | null = null;
  private lostMs = 0;

  constructor(tunnel: WebSocketTunnel, policy: FailoverPolicy, parts: MoveParts) {
    this.tunnel = tunnel;
    this.policy = policy;
    this.parts = parts;
    this.outbox = new Outbox(policy.bufferBytes);
  }

  /** A reload has changed the directive; null: it is off, and what is under way is the last. */
  follow(policy: FailoverPolicy | null): void {
    this.active = policy !== null;
    if (policy !== null) this.policy = policy;
  }

  /** A server that goes away is left for another one. */
  get movesOnDrain(): boolean {
    return this.policy.onDrain;
  }

  /** There is no server just now. */
  get seeking(): boolean {
    return this.state === "seeking";
  }

  /** The client's bytes wait for another server. */
  get holds(): boolean {
    return this.state === "parting" || this.state === "seeking";
  }

  /** `bytes` of the client wait. It is held back when that is more than shall wait. */
  hold(bytes: Buffer): void {
    const { outbox, tunnel, policy } = this;
    outbox.hold(bytes);
    if (outbox.size > policy.bufferBytes) tunnel.client.self.pause();
  }

  /** `bytes` of the client were given to the server's connection. */
  sent(bytes: Buffer): void {
    this.outbox.sent(bytes, this.tunnel.upstream.self.queued);
    if (this.state === "waiting") this.partIfIdle();
  }

  /** The server's connection has taken all. */
  drained(): void {
    this.outbox.drained();
    if (this.state === "waiting") this.partIfIdle();
  }

  /** All that a side had sent at once has gone its way. */
  chunkPassed(): void {
    if (this.state === "waiting") this.partIfIdle();
    // A client that closes waits for no server.
    else if (this.state === "seeking" && this.tunnel.client.frames.closed) this.answerClient();
  }

  /**
   * The server is to be left for another one, between two messages.
   *
   * @returns false where this tunnel does not move any more
   */
  leave({ words, graceMs, avoided, instead }: Leave): boolean {
    if (!this.movable) return false;
    if (this.state !== "none") return true;
    this.state = "waiting";
    this.instead = instead;
    const ending = failureOf("gatewayLeaves", words);
    this.reason = { words, ending, code: CLOSE_SERVICE_RESTART, unwanted: false, avoided };
    this.await(graceMs);
    this.partIfIdle();
    return true;
  }

  /** @returns whether the tunnel lives on although this would end it */
  takesOver(ending: Failure): boolean {
    if (!losses.has(ending.kind)) return false;
    const { state, policy } = this;
    if (state === "seeking") return ending.kind === "websocketSilent";
    if (state !== "parting" && !policy.onLoss) return false;
    if (!this.movable || this.tunnel.upstream.frames.midMessage || !this.outbox.repeatable) return false;
    const words = wordsOf(ending);
    this.seek(
      state === "parting"
        ? this.reason!
        : { words, ending, code: CLOSE_BAD_GATEWAY, unwanted: true, avoided: null },
    );
    return true;
  }

  /** The server has sent a close frame with `code`. @returns whether it is meant for the gateway alone */
  takesClose(code: number): boolean {
    if (this.state === "parting") return true;
    if (!this.policy.onCodes.has(code) || !this.movable) return false;
    return !this.tunnel.upstream.frames.midMessage && this.outbox.repeatable;
  }

  /** That close frame has been met, and did not go on. */
  serverClosed(code: number, closeReason: string): void {
    const { tunnel } = this;
    if (this.state === "parting") return this.seek(this.reason!);
    tunnel.upstream.tell(code, closeReason);
    this.seek({
      words: `upstream closed the WebSocket with code ${code}`,
      ending: failureOf("upstreamEnded"),
      code: code === CLOSE_SERVICE_RESTART ? code : CLOSE_BAD_GATEWAY,
      unwanted: true,
      avoided: null,
    });
  }

  /** The tunnel ends, or is drained: nothing moves any more. */
  cancel(): void {
    this.deadline?.dispose();
    this.deadline = null;
    this.search?.cancel();
    this.search = null;
    this.state = "none";
  }

  onDeadline(): void {
    const { instead, tunnel, state } = this;
    if (state === "waiting") {
      this.cancel();
      instead!();
      return;
    }
    // A server that does not answer a close frame is as good as gone.
    if (!this.takesOver(failureOf("upstreamEnded"))) tunnel.end(failureOf("upstreamEnded"));
  }

  found(server: FoundServer): void {
    const { tunnel, outbox } = this;
    const { words, unwanted } = this.reason!;
    this.search = null;
    this.state = "none";
    this.moves += 1;
    const { connection } = server;
    const tookMs = Math.round(tunnel.clock.now() - this.lostMs);
    tunnel.goOnWith(server, `${words}, WebSocket moved in ${tookMs} ms`, unwanted ? "warn" : "info");
    const waiting = outbox.waiting();
    if (waiting.length > 0) {
      const taken = connection.send(waiting);
      outbox.given(connection.queued);
      if (!taken) tunnel.client.block();
    }
    if (server.early !== null) tunnel.upstream.onData(server.early);
    if (tunnel.over) return;
    tunnel.upstream.goOnWhenFree();
    tunnel.client.goOnWhenFree();
  }

  foundNone(why: string): void {
    const { ending, code, avoided } = this.reason!;
    // Better a server that has enough, or the old one, than none.
    if (avoided !== null) {
      this.reason = { ...this.reason!, avoided: null };
      return this.searchFor(new Set());
    }
    this.search = null;
    this.state = "none";
    this.tunnel.endWithoutServer(ending, code, why);
  }

  /** Neither side has begun to close, and the client is there. */
  private get movable(): boolean {
    return this.active && this.tunnel.undisturbed;
  }

  /** The client closes while there is no server: the gateway answers in its place (RFC 6455, section 5.5.1). */
  private answerClient(): void {
    const { tunnel } = this;
    const { client } = tunnel;
    if (!client.told) client.self.send(writeClose(client.frames.close!.code, ""));
    client.told = true;
    tunnel.end(failureOf("clientEnded"));
  }

  private partIfIdle(): void {
    const { tunnel, outbox } = this;
    const { upstream } = tunnel;
    outbox.given(upstream.self.queued);
    if (!this.movable || !outbox.clean || !upstream.frames.betweenMessages) return;
    if (upstream.guard?.holding === true || !upstream.tell(CLOSE_GOING_AWAY, "")) return;
    this.state = "parting";
    this.await(this.policy.timeoutMs);
  }

  private seek(reason: MoveReason): void {
    const { tunnel } = this;
    this.deadline?.clear();
    // A connection does not tell when a short queue is empty. What waits while a server is left was never given to it.
    if (this.state !== "parting") this.outbox.given(tunnel.upstream.self.queued);
    this.state = "seeking";
    this.reason = reason;
    this.lostMs = tunnel.clock.now();
    const left = tunnel.loseServer();
    this.searchFor(new Set([left, ...(reason.avoided ?? [])]));
  }

  private searchFor(avoided: ReadonlySet<string>): void {
    const { tunnel, policy, parts } = this;
    const { request, balanced } = tunnel.requests();
    request.moves = this.moves + 1;
    const rules = { tries: policy.tries, timeoutMs: policy.timeoutMs, avoided, agreed: parts.agreed };
    this.search = null;
    const search = parts.maker.search(request, balanced, rules, this);
    // It may have ended already, and another one begun.
    if (this.seeking) this.search ??= search;
  }

  private await(ms: number): void {
    this.deadline ??= new Deadline(this.tunnel.clock, this);
    this.deadline.set(ms);
  }
}
