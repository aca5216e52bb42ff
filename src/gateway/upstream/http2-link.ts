import { http2Options } from "../../http2/options.ts";
import type { Http2Options } from "../../http2/options.ts";
import type { Http2SessionEvents } from "../../http2/session-events.ts";
import { Http2Session } from "../../http2/session.ts";
import type { Http2Failure } from "../../http2/error-code.ts";
import { windowLargest } from "../../http2/frame.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection } from "../../net/connection.ts";
import { failureOf, lostUpstream } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";
import type { PooledConnection, SharedLink } from "./pooled-connection.ts";

/**
 * Bytes of an answer that a server may send ahead of the client: what a client that reads nothing can make us hold. At
 * 10 ms to the server it lets 26 MB per second through; nginx holds no more than the system's socket does, but cannot
 * share a connection.
 */
const streamWindowBytes = 262_144;

/** The connection's own window never holds back: one stream that nobody reads must not stop the others. */
const options: Http2Options = {
  ...http2Options,
  initialWindowSize: streamWindowBytes,
  connectionWindowSize: windowLargest,
};

/** What a server is offered by TLS (RFC 9113, section 3.2). */
export const http2Alpn: readonly string[] = ["h2"];

/** Until the server has told its limit, one exchange tries its luck: see `SharedDial`. */
const streamsBeforeSettings = 1;

/** Who wants to know that bytes which came together have all been looked at. */
export interface TurnWaiter {
  onTurnEnd(): void;
}

/** Who cannot begin before the server has told its settings. */
export interface SettingsWaiter {
  /** They are known. */
  onServerSettings(): void;
  /** The connection has gone without them: the server may not speak HTTP/2. */
  onServerLost(): void;
}

/**
 * An HTTP/2 connection to a server (RFC 9113): a stream for each exchange. It owns the connection, and gives it to the
 * pool while there is no stream. What happens to it concerns its own exchanges only, each of which gets a failure.
 */
export class Http2Link implements SharedLink, Http2SessionEvents {
  readonly session: Http2Session;
  onReady: (() => void) | null = null;
  onLost: ((code: string | null) => void) | null = null;
  private readonly pooled: PooledConnection;
  private readonly connection: Connection;
  private readonly pool: KeepalivePool | null;
  private readonly clock: Clock;
  private readonly flush: () => void;
  private settled = false;
  /** No more exchanges: it ends with its last stream. */
  private retired = false;
  private lost = false;
  private lostCode: string | null = null;
  private waiters: TurnWaiter[] = [];
  private settingsWaiters: SettingsWaiter[] = [];
  /** Those who waited for the settings are being told: what looks unused may not be a moment later. */
  private telling = false;
  private restDue = false;

  /** `pool`: null for a connection of one exchange alone, which ends with it. */
  constructor(pooled: PooledConnection, pool: KeepalivePool | null, clock: Clock) {
    this.pooled = pooled;
    this.connection = pooled.connection;
    this.pool = pool;
    this.clock = clock;
    const { connection } = pooled;
    const sink = { write: (bytes: Buffer): boolean => connection.send(bytes) };
    this.session = new Http2Session("client", this, sink, options, clock);
    this.flush = () => this.session.flush();
    this.session.start();
  }

  get hasRoom(): boolean {
    const { session } = this;
    if (this.retired || this.lost || !session.canOpen) return false;
    return this.settled || session.streams.size + this.settingsWaiters.length < streamsBeforeSettings;
  }

  /** The server's settings are known. */
  get ready(): boolean {
    return this.settled;
  }

  /** The connection below. */
  get socket(): Pick<Connection, "remote" | "local" | "tls"> {
    return this.connection;
  }

  /** Why the connection was lost, as `ConnectionOwner.onClose` tells it; null while it is not, or by an orderly end. */
  get lostBy(): string | null {
    return this.session.failure === null ? this.lostCode : "EPROTO";
  }

  /** Why the connection ended under an exchange. */
  get failure(): Failure {
    const { failure } = this.session;
    if (failure === null) return lostUpstream(this.lostCode);
    return failureOf("sessionBroken", `upstream broke HTTP/2: ${failure.reason}`);
  }

  /** `onTurnEnd` is called when the bytes that have come together are all looked at. */
  atTurnEnd(waiter: TurnWaiter): void {
    this.waiters.push(waiter);
  }

  /** Takes the place of a stream until the server has told its settings. */
  awaitSettings(waiter: SettingsWaiter): void {
    this.settingsWaiters.push(waiter);
  }

  /** One that has waited, or found what it needs missing, begins nothing here. */
  leave(waiter: SettingsWaiter): void {
    const index = this.settingsWaiters.indexOf(waiter);
    if (index >= 0) this.settingsWaiters.splice(index, 1);
    this.restIfUnused();
  }

  /** The server did not answer in time: no other exchange is to begin here. Those that have begun go on. */
  distrust(): void {
    this.retire();
  }

  onData(bytes: Buffer): void {
    this.session.feed(bytes);
    const { waiters } = this;
    if (waiters.length === 0) return;
    this.waiters = [];
    for (const waiter of waiters) waiter.onTurnEnd();
  }

  onDrain(): void {
    this.session.onDrain();
    this.session.flush();
  }

  onEnd(): void {
    this.lose(null);
  }

  onClose(code: string | null): void {
    this.lose(code);
  }

  onSettings(): void {
    if (this.settled) return;
    this.settled = true;
    // Of one that was left before: who comes now uses it.
    if (this.restDue) this.pooled.deadline.clear();
    this.onLost = null;
    const { onReady, settingsWaiters } = this;
    this.onReady = null;
    this.settingsWaiters = [];
    this.telling = true;
    for (const waiter of settingsWaiters) waiter.onServerSettings();
    onReady?.();
    this.telling = false;
    if (this.restDue) this.restIfUnused();
  }

  /** The server takes no new streams (section 6.8); those that it will not look at have been told. */
  onGoAway(): void {
    this.retire();
  }

  /** It broke a rule that holds for the whole connection. */
  onFailure(_failure: Http2Failure): void {
    this.lose(null);
  }

  onStreamClosed(): void {
    this.restIfUnused();
  }

  private restIfUnused(): void {
    const { session, pool, pooled } = this;
    if (session.streams.size + this.settingsWaiters.length > 0 || this.lost) return;
    if (pool === null || this.retired || !session.canOpen) {
      // The reset of the last stream goes before.
      session.flush();
      this.lose(null);
      return;
    }
    this.restDue = this.telling || !this.settled;
    if (this.telling) return;
    if (this.settled) pool.give(pooled);
    // Others may wait for the settings, who will find it among those that are shared.
    else pooled.rest(pool, pool.settings.idleTimeoutMs);
  }

  onOutput(): void {
    this.clock.soon(this.flush);
  }

  onRequest(): void {
    // Only servers get requests.
  }

  onRefused(): void {
    // Only servers get requests.
  }

  onSettingsAck(): void {
    // What was sent before it is allowed for by the session.
  }

  onPong(): void {
    // None is asked for.
  }

  onCapacity(): void {
    // Exchanges do not queue: they take another connection.
  }

  onDrained(): void {
    // It does not say GOAWAY.
  }

  private retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.pool?.retire(this.pooled);
    if (this.session.streams.size + this.settingsWaiters.length === 0) this.lose(null);
  }

  private lose(code: string | null): void {
    if (this.lost) return;
    this.lost = true;
    this.lostCode = code;
    if (this.pool === null) this.pooled.close();
    else this.pool.drop(this.pooled);
    this.session.close();
    const { onLost, settingsWaiters } = this;
    this.onLost = null;
    this.onReady = null;
    this.settingsWaiters = [];
    for (const waiter of settingsWaiters) waiter.onServerLost();
    onLost?.(code);
  }
}
