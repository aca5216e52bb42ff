import type { Peer } from "./peer.ts";

/** What a balancing method may ask about the request that it places. */
export interface BalanceRequest {
  /** The key of `hash`, evaluated, one char per byte. Called once, when the selection begins. */
  key(): string;
  /** The client's address in network order: 4 bytes, 16 bytes, or none for a unix socket. */
  readonly clientAddress: Uint8Array;
  /** A number from 0 up to, but not including, 1. */
  random(): number;
  /** Milliseconds on a clock that all users of the peers' table share. */
  nowMs(): number;
}

/**
 * How a peer served: "failed" counts against it (NGX_PEER_FAILED); "skipped" sends the request on
 * without blame, as for 403 and 404 (NGX_PEER_NEXT).
 */
export type PeerOutcome = "ok" | "failed" | "skipped";

/** Takes back a peer that has served well when the search for it is long forgotten, as after a tunnel. */
export interface PeerKeeper {
  settle(peer: Peer): void;
}

/** How long a peer took, in milliseconds from the start of the try; -1 for what it never came to. */
export interface ServeTimes {
  readonly headerMs: number;
  readonly responseMs: number;
}

/** The search for a peer on behalf of one request, with memory of the peers already tried. */
export interface Selection {
  /**
   * Attempts left (nginx's `peer.tries`): when it is 0 after a release, no other peer may be tried.
   * The gateway lowers it to `proxy_next_upstream_tries`, and gives one back when a kept
   * connection turned out to be dead.
   */
  tries: number;
  /** From now on passes over the peers of these names, as if they had been tried: they are known to have failed. */
  avoid(names: ReadonlySet<string>): void;
  /** Takes the next peer and counts a connection on it; null means "no live upstreams". */
  next(): Peer | null;
  /**
   * The same for the first peer with this `route`, to which a session is bound, be it draining; null when it
   * cannot serve now. Backups are meant only when no other peer is left.
   */
  takeBound(route: string): Peer | null;
  /**
   * The peer has answered, although it is kept: a tunnel begins. For methods that learn from times; the
   * release then has none.
   */
  answered?(peer: Peer, times: ServeTimes): void;
  /**
   * Gives back the peer that `next` returned; exactly once for each. True when this failure
   * reached `max_fails`: "upstream server temporarily disabled". `times` are for methods that learn from them.
   */
  release(peer: Peer, outcome: PeerOutcome, times?: ServeTimes): boolean;
  /** Whoever gives back the peer that `next` returned last, instead of `release(peer, "ok")`. */
  readonly keeper: PeerKeeper;
}

/**
 * A balancing method over the peers of one `upstream`. Round robin and `least_conn` alone know
 * backup peers; the configuration refuses them with the other methods.
 */
export interface Balancer {
  begin(request: BalanceRequest): Selection;
  /**
   * Names of the peers that a request belongs to by its key, as long as one of them serves: for methods by which a change
   * of the peers moves only those keys that it has to.
   */
  homeOf?(request: BalanceRequest): readonly string[];
}

/** A peer that is in use, and who has to be told when it is not any more. */
export interface PeerLease {
  readonly keeper: PeerKeeper;
  readonly peer: Peer;
}
