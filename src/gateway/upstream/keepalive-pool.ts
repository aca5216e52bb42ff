import type { Clock } from "../../net/clock.ts";
import type { DialOptions, Network } from "../../net/network.ts";
import type { PooledConnection, SharedLink } from "./pooled-connection.ts";
import { SharedDial } from "./shared-dial.ts";

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
 * Connections to the servers of one upstream: idle ones, the most recently used first; and those that several
 * exchanges share now, which others may join.
 */
export class KeepalivePool {
  readonly settings: KeepaliveSettings;
  private readonly clock: Clock;
  private readonly idle: PooledConnection[] = [];
  /** In use, the oldest first: so the younger ones fall idle when there is less to do. */
  private readonly shared: PooledConnection[] = [];
  /** New connections to share which are not ready yet. */
  private readonly dials = new Map<string, SharedDial>();
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

  /** A connection to this peer that has room for one more exchange, or null. */
  share(key: string): PooledConnection | null {
    for (const pooled of this.shared) {
      if (pooled.key === key && pooled.link!.hasRoom && !this.isWorn(pooled)) return pooled;
    }
    const rested = this.take(key);
    if (rested !== null) this.shared.push(rested);
    return rested;
  }

  /** A new connection that others may share from now on. */
  admit(pooled: PooledConnection): void {
    if (!this.closed) this.shared.push(pooled);
  }

  /**
   * The dial to this peer that exchanges wait for together: one that is under way, or a new one.
   *
   * @param link makes of the connection one to share
   */
  dial(
    network: Network,
    key: string,
    options: DialOptions,
    link: (pooled: PooledConnection, pool: KeepalivePool) => SharedLink,
  ): SharedDial {
    const known = this.dials.get(key);
    if (known !== undefined) return known;
    const dial = new SharedDial(network, this, key, link, () => {
      if (this.dials.get(key) === dial) this.dials.delete(key);
    });
    this.dials.set(key, dial);
    dial.start(options);
    return dial;
  }

  /** A connection to this peer is on its way, which exchanges wait for together. */
  isDialing(key: string): boolean {
    return this.dials.has(key);
  }

  private isWorn({ requests, openedMs }: PooledConnection): boolean {
    const { requestsMax, timeMs } = this.settings;
    return requests >= requestsMax || this.clock.now() - openedMs > timeMs;
  }

  /** No other exchange shall use it; those that do go on. */
  retire(pooled: PooledConnection): void {
    remove(this.shared, pooled);
    remove(this.idle, pooled);
  }

  /** Keeps a connection that nobody uses now; closes it when it is worn or the pool is full. */
  give(pooled: PooledConnection): void {
    const { settings } = this;
    if (pooled.link !== null) remove(this.shared, pooled);
    if (this.closed || settings.idleMax === 0 || this.isWorn(pooled)) {
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

  /** Something has happened on an idle connection, or to a shared one: it is of no use any more. */
  drop(pooled: PooledConnection): void {
    this.retire(pooled);
    pooled.close();
  }
}

function remove(list: PooledConnection[], pooled: PooledConnection): void {
  const index = list.indexOf(pooled);
  if (index >= 0) list.splice(index, 1);
}
