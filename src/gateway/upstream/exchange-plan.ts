import type { ResponseHead } from "../../http/response-head.ts";
import type { ClientTls } from "../../net/network.ts";
import type { SearchMaker } from "../tunnel/server-search.ts";
import type { AnswerSink, TrySettings, UpstreamProtocol } from "./protocol.ts";
import type { Upstream } from "./upstream.ts";

/** The directives of a protocol module (`proxy_*`) that govern an exchange. */
export interface UpstreamSettings extends TrySettings {
  readonly connectTimeoutMs: number;
  /** Set of `NextUpstream` bits. */
  readonly nextUpstream: number;
  /** 0: as many as there are servers. */
  readonly nextUpstreamTries: number;
  /** 0: no limit. */
  readonly nextUpstreamTimeoutMs: number;
  readonly ignoreClientAbort: boolean;
  readonly interceptErrors: boolean;
  /** Read the request's body before a server is asked. */
  readonly requestBuffering: boolean;
  readonly passRequestBody: boolean;
  readonly socketKeepAlive: boolean;
}

/** An address of this machine, which connections to servers leave from. */
export interface LocalEndpoint {
  readonly address: string;
  /** 0 for one of the system's. */
  readonly port: number;
  /** As it was configured. */
  readonly text: string;
}

/** How one request is passed on: worked out by the protocol module, the same for every try. */
export interface ExchangePlan extends UpstreamProtocol {
  readonly settings: UpstreamSettings;
  readonly upstream: Upstream;
  /** What the directives of the protocol's module begin with: "proxy_". */
  readonly directivePrefix: string;
  /** "http://" or "https://". */
  readonly scheme: string;
  /** What follows the address in log lines. */
  readonly uri: string;
  readonly tls: ClientTls | null;
  /** Where connections leave from; null for whatever the system takes. */
  readonly local: LocalEndpoint | null;
  /** Tells connections apart that must not be shared although they lead to the same peer. */
  readonly poolKey: string;
  /** The server is asked for a head alone, whatever the client wants. */
  readonly isHead: boolean;
  /** The client's body is read before a server is asked: the settings, or the protocol, want it so. */
  readonly gathersBody: boolean;
  /** Whether the server is asked for another protocol (Upgrade): only then may it answer 101. */
  readonly asksForUpgrade: boolean;
  /** Finds another server for a WebSocket that this has led to; without one it stays with its own. */
  readonly search?: SearchMaker | null;
  /** The way to ask a server that cannot be asked in this one; null or absent: there is no other. */
  readonly fallback?: ExchangePlan | null;
  /** Where the answer's body goes instead of to the client. */
  readonly sink?: AnswerSink;
  /**
   * Takes over status and fields of the answer into `request.response`. A function as result says that
   * the answer itself is not wanted: the exchange ends, and the function goes on with the request.
   */
  acceptHead(head: ResponseHead): (() => void) | null;
}
