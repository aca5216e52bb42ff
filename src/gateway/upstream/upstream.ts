import { parseIp } from "../../net/address.ts";
import type { BalanceRequest, Balancer, Selection } from "../balance/balancer.ts";
import type { Request } from "../request/request.ts";
import type { Value } from "../serve/settings.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";

/** What `sticky` does with the search for a peer. */
export interface Sticky {
  bind(request: Request, selection: Selection): Selection;
}

/** A group of servers that requests are passed to: an `upstream` block, or a `proxy_pass` address. */
export class Upstream {
  /** The block's name, or host and port as written in `proxy_pass`. */
  readonly name: string;
  private readonly peers: { readonly balancer: Balancer };
  /** The `hash` key; null for methods without one. */
  readonly key: Value | null;
  /** Connections kept for later requests; null when none are. */
  readonly pool: KeepalivePool | null;

  /** Keeps a session's requests with its peer; null without `sticky`. */
  private readonly sticky: Sticky | null;

  /** `peers` is a group whose method may be another for the next request. */
  constructor(
    name: string,
    peers: { readonly balancer: Balancer },
    key: Value | null,
    pool: KeepalivePool | null,
    sticky: Sticky | null = null,
  ) {
    this.name = name;
    this.peers = peers;
    this.key = key;
    this.pool = pool;
    this.sticky = sticky;
  }

  /**
   * The choice of peers for one request, by the method that is in force now, and by its session where it has
   * one.
   */
  begin(request: Request): Selection {
    const selection = this.peers.balancer.begin(new BalanceFacts(request, this.key));
    return this.sticky === null ? selection : this.sticky.bind(request, selection);
  }
}

class BalanceFacts implements BalanceRequest {
  private readonly request: Request;
  private readonly keyValue: Value | null;

  constructor(request: Request, keyValue: Value | null) {
    this.request = request;
    this.keyValue = keyValue;
  }

  key(): string {
    return this.keyValue === null ? "" : this.keyValue.evaluate(this.request);
  }

  get clientAddress(): Uint8Array {
    const { remote } = this.request.origin;
    return remote.family === "unix" ? new Uint8Array(0) : (parseIp(remote.address) ?? new Uint8Array(0));
  }

  random(): number {
    return this.request.client.gateway.network.random();
  }

  nowMs(): number {
    return this.request.client.gateway.network.clock.wall();
  }
}
