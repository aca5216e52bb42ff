import type { SettingsByModule } from "../../config/module.ts";
import type { NameToResolve } from "../../config/name-to-resolve.ts";
import type { ParsedUrl } from "../../config/url.ts";
import type { Network } from "../../net/network.ts";
import type { Balancer } from "../balance/balancer.ts";
import type { PeerGroup } from "../balance/peer-group.ts";
import type { PeerOptions } from "../balance/peer.ts";
import type { PeerRows } from "../balance/peer-rows.ts";
import type { PeerSet } from "../balance/peer-set.ts";
import { RoundRobin } from "../balance/round-robin.ts";
import type { Background } from "../serve/background.ts";
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

/** What upstreams need of the configuration that they belong to, while it is read and compiled. */
export interface UpstreamBuild {
  readonly network: Network;
  /** By name, hosts in lower case: blocks, and addresses that `*_pass` directives name. */
  readonly upstreams: Map<string, UpstreamDraft>;
  /** All of them: a block may have taken the place of an address in `upstreams`. */
  readonly upstreamDrafts: { push(draft: UpstreamDraft): unknown };
  readonly names: { push(name: NameToResolve): unknown };
  readonly background: { set(name: string, task: Background): unknown };
  /** Where the state of peers lies; null gives each upstream a table of its own. */
  readonly peerRows: PeerRows | null;
}

/** An upstream while the configuration is read. */
export interface UpstreamDraft {
  readonly name: string;
  /** True for an `upstream` block, false for an address in a `*_pass`. */
  readonly explicit: boolean;
  /** The address in a `*_pass`; null for a block. */
  readonly url: ParsedUrl | null;
  /** What directives of other modules set in the block. */
  readonly settings: SettingsByModule;
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

/** An upstream without servers yet: of an address, or with null a block. `place`: the directive that names it. */
export function newUpstreamDraft(
  name: string,
  url: ParsedUrl | null,
  { file, line }: { readonly file: string; readonly line: number },
): UpstreamDraft {
  return {
    name,
    explicit: url === null,
    url,
    settings: new Map(),
    servers: [],
    zone: null,
    makeBalancer: (peers) => new RoundRobin(peers),
    methodChosen: false,
    allowsBackup: true,
    key: null,
    sticky: null,
    keepalive: {},
    file,
    line,
    group: null,
    healthChecks: 0,
    upstream: null,
  };
}
