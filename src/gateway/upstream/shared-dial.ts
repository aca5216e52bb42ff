import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Dial, DialEvents, DialOptions, Network } from "../../net/network.ts";
import { PooledConnection } from "./pooled-connection.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";
import type { SharedLink } from "./pooled-connection.ts";

/** Who waits for a connection that is made for several. */
export interface DialWaiter extends Pick<DialEvents, "onHandshake" | "onFailed"> {
  /** The connection is there, and has room for this one. */
  onShared(pooled: PooledConnection): void;
  /** The connection is there, but others have filled it: another one is needed. */
  onFull(): void;
  /** The connection was there, and is gone before it was used. */
  onLost(code: string | null): void;
}

/**
 * A connection to be shared, on its way. The first exchange that waits for it begins as soon as it stands; the others
 * when the server has told how many it takes at a time (RFC 9113, section 5.1.2), so that none is refused for a
 * limit that nobody knew.
 */
export class SharedDial implements DialEvents {
  private readonly network: Network;
  private readonly pool: KeepalivePool;
  private readonly key: string;
  private readonly makeLink: (pooled: PooledConnection, pool: KeepalivePool) => SharedLink;
  private readonly onOver: () => void;
  private waiters: DialWaiter[] = [];
  private dial: Dial | null = null;
  private handshaking = false;

  /** `onOver` is called once, when nobody can join any more. */
  constructor(
    network: Network,
    pool: KeepalivePool,
    key: string,
    makeLink: (pooled: PooledConnection, pool: KeepalivePool) => SharedLink,
    onOver: () => void,
  ) {
    this.network = network;
    this.pool = pool;
    this.key = key;
    this.makeLink = makeLink;
    this.onOver = onOver;
  }

  /** Dials. */
  start(options: DialOptions): void {
    this.dial = this.network.dial(options, this);
  }

  /** One more waits for it. Who gives up aborts what this returns; the last one ends the dial. */
  join(waiter: DialWaiter): Dial {
    this.waiters.push(waiter);
    if (this.handshaking) waiter.onHandshake?.();
    return { abort: () => this.leave(waiter) };
  }

  private leave(waiter: DialWaiter): void {
    const index = this.waiters.indexOf(waiter);
    if (index >= 0) this.waiters.splice(index, 1);
    if (this.waiters.length > 0 || this.dial === null) return;
    this.dial.abort();
    this.dial = null;
    this.onOver();
  }

  onHandshake(): void {
    this.handshaking = true;
    for (const waiter of this.waiters) waiter.onHandshake?.();
  }

  onConnected(connection: Connection): ConnectionOwner {
    this.dial = null;
    const pooled = new PooledConnection(connection, this.key, this.network.clock, this);
    const link = this.makeLink(pooled, this.pool);
    this.pool.admit(pooled);
    link.onReady = () => {
      this.onOver();
      for (const waiter of this.takeAll()) {
        if (link.hasRoom) waiter.onShared(pooled);
        else waiter.onFull();
      }
    };
    link.onLost = (code) => {
      this.onOver();
      for (const waiter of this.takeAll()) waiter.onLost(code);
    };
    this.waiters.shift()?.onShared(pooled);
    return link;
  }

  onFailed(code: string, message: string): void {
    this.dial = null;
    this.onOver();
    for (const waiter of this.takeAll()) waiter.onFailed(code, message);
  }

  /** Never: the link takes the deadline at once. */
  onDeadline(): void {}

  private takeAll(): DialWaiter[] {
    const { waiters } = this;
    this.waiters = [];
    return waiters;
  }
}
