import { parseIp } from "../../net/address.ts";
import type { BalanceRequest, Balancer, Selection } from "../balance/balancer.ts";
import type { Request } from "../request.ts";
import type { Value } from "../settings.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";

/** A group of servers that requests are passed to: an `upstream` block, or a `proxy_pass` address. */
export class Upstream {
  /** The block's name, or host and port as written in `proxy_pass`. */
  readonly name: string;
  readonly balancer: Balancer;
  /** The `hash` key; null for methods without one. */
  readonly key: Value | null;
  /** Connections kept for later requests; null when none are. */
  readonly pool: KeepalivePool | null;

  constructor(name: string, balancer: Balancer, key: Value | null, pool: KeepalivePool | null) {
    this.name = name;
    this.balancer = balancer;
    this.key = key;
    this.pool = pool;
  }

  begin(request: Request): Selection {
    return this.balancer.begin(new BalanceFacts(request, this.key));
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
    const { remote } = this.request.connection;
    return remote.family === "unix" ? new Uint8Array(0) : (parseIp(remote.address) ?? new Uint8Array(0));
  }

  random(): number {
    return Math.random();
  }

  nowMs(): number {
    return this.request.connection.gateway.network.clock.wall();
  }
}
