import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Clock } from "../../net/clock.ts";
import { ResponseHeadReader } from "../../http/response-head.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";

/** `keepalive` and its like, of one upstream. */
export interface KeepaliveSettings {
  /** Idle connections kept per worker; beyond that the one unused for longest is closed. */
  readonly idleMax: number;
  /** Requests after which a connection is closed. */
  readonly requestsMax: number;
  /** Age after which a connection is not kept any more. */
  readonly timeMs: number;
  /** How long an idle connection is kept. */
  readonly idleTimeoutMs: number;
}

/**
 * A connection to an upstream server, with what its reuse depends on and what one request after the
 * other needs: they are made once per connection.
 */
export class PooledConnection implements ConnectionOwner, DeadlineOwner {
  readonly connection: Connection;
  readonly key: string;
  readonly openedMs: number;
  /** For reading while a request runs, for idling in between. */
  readonly deadline: Deadline;
  requests = 0;
  private reader: ResponseHeadReader | null = null;
  private readerBytes = 0;
  private pool: KeepalivePool | null = null;

  constructor(connection: Connection, key: string, clock: Clock, user: DeadlineOwner) {
    this.connection = connection;
    this.key = key;
    this.openedMs = clock.now();
    this.deadline = new Deadline(clock, user);
  }

  /** The reader for the next answer's head, which may have `bytesMax`. */
  readerFor(bytesMax: number): ResponseHeadReader {
    const { reader } = this;
    if (reader !== null && this.readerBytes === bytesMax) {
      reader.reset();
      return reader;
    }
    this.reader = new ResponseHeadReader(bytesMax);
    this.readerBytes = bytesMax;
    return this.reader;
  }

  /** Closes it for good: it is in no pool. */
  close(): void {
    this.deadline.dispose();
    this.connection.close();
  }

  /** Waits in a pool. While nobody uses it, it is its own owner, and any event is a reason to close it. */
  rest(pool: KeepalivePool, idleTimeoutMs: number): void {
    this.pool = pool;
    this.connection.owner = this;
    this.deadline.owner = this;
    this.deadline.set(idleTimeoutMs);
    this.connection.resume();
  }

  onDeadline(): void {
    this.pool?.drop(this);
  }

  onData(): void {
    this.pool?.drop(this);
  }

  onEnd(): void {
    this.pool?.drop(this);
  }

  onDrain(): void {}

  onClose(): void {
    this.pool?.drop(this);
  }
}

/** Idle connections to the servers of one upstream, the most recently used first. */
export class KeepalivePool {
  readonly settings: KeepaliveSettings;
  private readonly clock: Clock;
  private readonly idle: PooledConnection[] = [];
  private closed = false;

  constructor(settings: KeepaliveSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
  }

  /** An idle connection to this peer, or null. The caller becomes its owner at once. */
  take(key: string): PooledConnection | null {
    for (let index = this.idle.length - 1; index >= 0; index--) {
      const pooled = this.idle[index]!;
      if (pooled.key !== key) continue;
      if (index === this.idle.length - 1) this.idle.pop();
      else this.idle.splice(index, 1);
      // From now on the deadline is its user's.
      pooled.deadline.clear();
      if (pooled.connection.open) return pooled;
    }
    return null;
  }

  /** Keeps a connection on which a whole answer was read; closes it when it is worn or the pool is full. */
  give(pooled: PooledConnection): void {
    const { settings } = this;
    const age = this.clock.now() - pooled.openedMs;
    const worn = pooled.requests >= settings.requestsMax || age > settings.timeMs;
    if (this.closed || settings.idleMax === 0 || worn) {
      pooled.close();
      return;
    }
    if (this.idle.length >= settings.idleMax) this.idle.shift()?.close();
    this.idle.push(pooled);
    pooled.rest(this, settings.idleTimeoutMs);
  }

  /**
   * Closes all idle connections, and those that are given from now on: the configuration that they
   * belong to is gone, or the process stops.
   */
  close(): void {
    this.closed = true;
    for (const entry of this.idle.splice(0)) entry.close();
  }

  /** Something has happened on an idle connection: it is of no use any more. */
  drop(pooled: PooledConnection): void {
    const index = this.idle.indexOf(pooled);
    if (index >= 0) this.idle.splice(index, 1);
    pooled.close();
  }
}
