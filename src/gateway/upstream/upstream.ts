import { parseIp } from "../../net/address.ts";
import type { PeerSet } from "../balance/peer-set.ts";
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
  private readonly group: { readonly balancer: Balancer; readonly peers: PeerSet };
  /** The `hash` key; null for methods without one. */
  readonly key: Value | null;
  /** Connections kept for later requests; null when none are. */
  readonly pool: KeepalivePool | null;

  /** What all upstreams of this name have in common, one configuration after the other. */
  private line: { newest: Upstream } = { newest: this };

  /** Keeps a session's requests with its peer; null without `sticky`. */
  private readonly sticky: Sticky | null;

  /** `group` is one whose method may be another for the next request. */
  constructor(
    name: string,
    group: { readonly balancer: Balancer; readonly peers: PeerSet },
    key: Value | null,
    pool: KeepalivePool | null,
    sticky: Sticky | null = null,
  ) {
    this.name = name;
    this.group = group;
    this.key = key;
    this.pool = pool;
    this.sticky = sticky;
  }

  /** What the upstream is by now, after so many reloads. */
  get newest(): Upstream {
    return this.line.newest;
  }

  /** The method that is in force now, and its peers. */
  get balancer(): Balancer {
    return this.group.balancer;
  }

  get peers(): PeerSet {
    return this.group.peers;
  }

  /** A request as the method looks at it. */
  factsOf(request: Request): BalanceRequest {
    return new BalanceFacts(request, this.key);
  }

  /** Takes the place of the one of the same name in the configuration before. */
  succeed({ line }: Upstream): void {
    this.line = line;
    line.newest = this;
  }

  /**
   * The choice of peers for one request, by the method that is in force now, and by its session where it has
   * one.
   */
  begin(request: Request): Selection {
    const selection = this.balancer.begin(this.factsOf(request));
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
