import type { Connection } from "../../net/connection.ts";
import type { BalanceRequest, PeerLease } from "../balance/balancer.ts";
import type { BalancedGroup } from "../balance/rebalancer.ts";
import type { Request } from "../request/request.ts";
import type { UpstreamState } from "../request/upstream-state.ts";

/** What a client was told when its WebSocket came up: another server must say the same. */
export interface AgreedHandshake {
  /** "" for none. */
  readonly subprotocol: string;
  /** In an order of its own; "" for none. */
  readonly extensions: string;
}

/** The upstream of a tunnel, through all reloads. */
export interface UpstreamLine {
  readonly newest: BalancedGroup & {
    factsOf(request: Request): BalanceRequest;
  };
}

/** What a tunnel has that may move to another server. */
export interface MoveParts {
  readonly maker: SearchMaker;
  readonly agreed: AgreedHandshake;
}

/** Another server that goes on with a WebSocket. */
export interface FoundServer {
  readonly connection: Connection;
  /** What it sent behind its answer; valid only during the call. */
  readonly early: Buffer | null;
  readonly lease: PeerLease;
  /** Of all servers that were asked, this one last. */
  readonly states: readonly UpstreamState[];
}

/** Who waits for another server. */
export interface ServerSeeker {
  found(server: FoundServer): void;
  /** None was found: `why` is for the log. */
  foundNone(why: string): void;
}

/** What the search for another server goes by. */
export interface SearchRules {
  /** Servers that are asked, at most. */
  readonly tries: number;
  /** How long each may take. */
  readonly timeoutMs: number;
  /** Names of servers that are not asked. */
  readonly avoided: ReadonlySet<string>;
  readonly agreed: AgreedHandshake;
}

/** A search that is under way. */
export interface ServerSearch {
  /** Nobody waits any more: what was begun is closed. */
  cancel(): void;
}

/** Looks for another server by the way that the request went: one for all tunnels of a location. */
export interface SearchMaker {
  /**
   * @param request as it was, its `moves` being the number of the move; the search ends it
   * @param balanced the same without what the configuration of its time has worked out, for the choice of a server
   */
  search(request: Request, balanced: Request, rules: SearchRules, seeker: ServerSeeker): ServerSearch;
}
