import { createHash } from "node:crypto";
import type { Endpoint } from "../../net/network.ts";

/** One address of an `upstream`'s `server`, as configured. Never changes while its generation lives. */
export interface PeerOptions {
  /** As in `$upstream_addr`: "127.0.0.1:9000", "[::1]:9000", "unix:/path". */
  readonly name: string;
  /** The first argument of the `server` directive as written; peers of one name share it. */
  readonly server: string;
  readonly endpoint: Endpoint;
  /** At least 1. */
  readonly weight: number;
  /** 0 means no limit. */
  readonly maxConns: number;
  /** 0 means that failures are not counted against the peer. */
  readonly maxFails: number;
  /** Taken in whole seconds, as nginx does. */
  readonly failTimeoutMs: number;
  readonly backup: boolean;
  readonly down: boolean;
  /** Takes only requests of sessions that are bound to it. */
  readonly drain?: boolean;
  /** How sessions name the peer; by default a hash of its address. */
  readonly route?: string;
  /** How long the weight takes to recover when the peer comes back; 0 or none: no time. */
  readonly slowStartMs?: number;
}

/** A peer as balancers hand it out. */
export class Peer implements PeerOptions {
  readonly name: string;
  readonly server: string;
  readonly endpoint: Endpoint;
  readonly weight: number;
  readonly maxConns: number;
  readonly maxFails: number;
  readonly failTimeoutMs: number;
  readonly failTimeoutSeconds: number;
  readonly backup: boolean;
  readonly down: boolean;
  /** Down or draining: the methods pass it over. */
  readonly closed: boolean;
  readonly route: string;
  readonly slowStartMs: number;
  /** The peer's row in the `PeerTable`. */
  readonly slot: number;

  constructor(options: PeerOptions, slot: number) {
    this.name = options.name;
    this.server = options.server;
    this.endpoint = options.endpoint;
    this.weight = options.weight;
    this.maxConns = options.maxConns;
    this.maxFails = options.maxFails;
    this.failTimeoutMs = options.failTimeoutMs;
    this.failTimeoutSeconds = Math.floor(options.failTimeoutMs / 1000);
    this.backup = options.backup;
    this.down = options.down;
    this.closed = options.down || options.drain === true;
    this.route = options.route ?? "";
    this.slowStartMs = options.slowStartMs ?? 0;
    this.slot = slot;
  }
}

/** The peer in `$upstream_addr` and in the log. */
export function peerName(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix:${endpoint.path}`;
  return endpoint.address.includes(":")
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

/** How sessions name a peer that has no `route=`. */
export function defaultRoute(name: string): string {
  return createHash("md5").update(name, "latin1").digest("hex");
}
