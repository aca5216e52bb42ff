import type { Request } from "../../gateway/request/request.ts";
import type { ExchangePlan, LocalEndpoint } from "../../gateway/upstream/exchange-plan.ts";
import type { PooledConnection } from "../../gateway/upstream/pooled-connection.ts";
import { localEndpointFor } from "../../gateway/upstream/local-endpoint.ts";
import type { AnswerSink, SharedTry, TryOwner, UpstreamTry } from "../../gateway/upstream/protocol.ts";
import type { SearchMaker } from "../../gateway/tunnel/server-search.ts";
import type { Target } from "../../gateway/upstream/target.ts";
import type { Upstream } from "../../gateway/upstream/upstream.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { ClientTls } from "../../net/network.ts";
import type { HeadAcceptor } from "./pass-answer.ts";
import type { PassSettings } from "./pass-directives.ts";
import { poolKeyOf } from "./pass-tls.ts";

/** What all requests have in common that a location passes on: worked out once. */
export interface PassRoute<S extends PassSettings> {
  readonly settings: S;
  readonly acceptHead: HeadAcceptor;
}

/**
 * How one request is passed on, as far as that is the same for all protocols. A class, so that a request costs no
 * closures.
 */
export abstract class PassPlan<
  S extends PassSettings = PassSettings,
  R extends PassRoute<S> = PassRoute<S>,
> implements ExchangePlan {
  abstract readonly directivePrefix: string;
  readonly settings: S;
  readonly uri: string;
  readonly tls: ClientTls | null;
  readonly local: LocalEndpoint | null;
  readonly poolKey: string;
  protected readonly request: Request;
  protected readonly route: R;
  protected readonly target: Target;

  /**
   * @param uri what follows the address in log lines
   * @param tls null for a connection in the clear
   * @param protocol tells connections apart that are kept to one server but speak otherwise, or are shared by several
   *   exchanges at a time; "" for HTTP/1
   */
  constructor(request: Request, route: R, target: Target, uri: string, tls: ClientTls | null, protocol = "") {
    this.request = request;
    this.route = route;
    this.settings = route.settings;
    this.target = target;
    this.uri = uri;
    this.tls = tls;
    this.local = localEndpointFor(request, route.settings.bind);
    const key = tls === null ? "" : poolKeyOf(tls);
    this.poolKey = protocol === "" ? key : `${protocol} ${key}`;
  }

  /** The servers that the request may go to. */
  get upstream(): Upstream {
    return this.target.upstream;
  }

  /** What the address begins with in log lines: "http://". */
  get scheme(): string {
    return this.target.scheme.prefix;
  }

  /** Only protocols whose method is not the client's say otherwise. */
  get isHead(): boolean {
    return this.request.isHead;
  }

  /** See `ExchangePlan`. As in nginx, only what is passed on may go while it comes. */
  get gathersBody(): boolean {
    return this.settings.requestBuffering || !this.settings.passRequestBody;
  }

  /** Only HTTP can. */
  get asksForUpgrade(): boolean {
    return false;
  }

  /** Only WebSockets that `proxy_pass` has led to a server can move. */
  get search(): SearchMaker | null {
    return null;
  }

  /** Takes over the head of an answer into `request.response`: see `ExchangePlan`. */
  acceptHead(head: ResponseHead): (() => void) | null {
    return this.route.acceptHead(this.request, head);
  }

  /** Puts the request to one server: see `UpstreamProtocol`. */
  abstract begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): UpstreamTry | SharedTry;
}
