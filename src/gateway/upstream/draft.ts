import type { Balancer } from "../balance/balancer.ts";
import type { PeerGroup } from "../balance/peer-group.ts";
import type { PeerOptions } from "../balance/peer.ts";
import type { PeerSet } from "../balance/peer-set.ts";
import type { Value } from "../serve/settings.ts";
import type { KeepaliveSettings } from "./keepalive-pool.ts";
import type { Sticky, Upstream } from "./upstream.ts";

/** A `server` with `resolve`. */
export interface RunTimeName {
  readonly host: string;
  readonly port: number;
  /** `service=`, as written; null for addresses alone. */
  readonly service: string | null;
  /** The name of the SRV records. */
  readonly serviceName: string;
}

/** A `server` line of an upstream, its name not resolved yet. */
export interface UpstreamServerDraft {
  readonly address: string;
  readonly options: Omit<PeerOptions, "name" | "server" | "endpoint">;
  readonly file: string;
  readonly line: number;
  /** What the address came to; several for a host name with several addresses. */
  peers: PeerOptions[];
  /** The name that is looked up again and again; null when the address is known once and for all. */
  readonly runTimeName: RunTimeName | null;
}

/** An upstream while the configuration is read. */
export interface UpstreamDraft {
  readonly name: string;
  /** True for an `upstream` block, false for an address in `proxy_pass`. */
  readonly explicit: boolean;
  readonly servers: UpstreamServerDraft[];
  /** The name that `zone` gives it. */
  zone: string | null;
  /** The method's constructor; round robin unless a directive chose another. */
  makeBalancer: (peers: PeerSet) => Balancer;
  /** A method was chosen: a second one replaces it with a warning. */
  methodChosen: boolean;
  /** False for methods that cannot have backup servers. */
  allowsBackup: boolean;
  key: Value | null;
  /** Keeps sessions with their servers. */
  sticky: Sticky | null;
  readonly keepalive: { -readonly [K in keyof KeepaliveSettings]?: KeepaliveSettings[K] };
  readonly file: string;
  readonly line: number;
  /** Set when names are resolved. */
  group: PeerGroup | null;
  /** Checks of its servers so far. */
  healthChecks: number;
  /** Set when the build is done. */
  upstream: Upstream | null;
}
