import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler, Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { asksForWebSocket } from "../../gateway/request/websocket-request.ts";
import type { SearchMaker } from "../../gateway/tunnel/server-search.ts";
import type { Location } from "../../gateway/serve/location.ts";
import { isMethod, safeFieldValue } from "../../http/field-value.ts";
import type { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { Exchange } from "../../gateway/upstream/exchange.ts";
import { searchBy } from "../../gateway/upstream/handshake-again.ts";
import type { PlanMaker } from "../../gateway/upstream/handshake-again.ts";
import { Http1Try } from "../../gateway/upstream/http1-try.ts";
import type { Http1Request } from "../../gateway/upstream/http1-try.ts";
import { http2Alpn, Http2Link } from "../../gateway/upstream/http2-link.ts";
import { Http2Try } from "../../gateway/upstream/http2-try.ts";
import type { Http2Head, Http2UpstreamRequest } from "../../gateway/upstream/http2-try.ts";
import type { KeepalivePool } from "../../gateway/upstream/keepalive-pool.ts";
import type { PooledConnection, SharedLink } from "../../gateway/upstream/pooled-connection.ts";
import type { AnswerSink, SharedTry, TryOwner, UpstreamTry } from "../../gateway/upstream/protocol.ts";
import type { Target } from "../../gateway/upstream/target.ts";
import { passHandler } from "../../gateway/upstream/target-search.ts";
import type { ClientTls } from "../../net/network.ts";
import {
  accelFields,
  compileAnswer,
  hiddenFields,
  passEarlyHints,
  takeTrailers,
} from "../support/pass-answer.ts";
import type { FieldRewriter } from "../support/pass-answer.ts";
import { PassPlan } from "../support/pass-plan.ts";
import type { PassRoute } from "../support/pass-plan.ts";
import { tlsFor } from "../support/pass-tls.ts";
import { upstreamUri } from "../support/upstream-uri.ts";
import { failoverOf, forMoves, tellExtensions } from "../websocket/failover.ts";
import { forHandshakes, handshakeModeOf } from "../websocket/handshakes.ts";
import { SwallowedHandshakes } from "../websocket/swallowed-handshakes.ts";
import { rewriteCookie } from "./cookies.ts";
import { proxyAddress } from "./pass.ts";
import { refreshUrlStart, rewriteRedirect } from "./redirect.ts";
import { compileHead, compileHttp2Head, setsUpgrade } from "./request-head.ts";
import type { HeadBuilder, Http2HeadBuilder } from "./request-head.ts";
import type { ProxyLocation, ProxyPass } from "./settings.ts";

/** Hidden unless `proxy_pass_header` lets them through. */
const hiddenByDefault = ["date", "server", "x-pad", ...accelFields];

/** What all requests of a location have in common. */
interface ProxyRoute extends PassRoute<ProxyLocation> {
  readonly buildHead: HeadBuilder;
  readonly buildHttp2Head: Http2HeadBuilder;
  readonly hidden: ReadonlySet<string>;
  /** Finds other servers for WebSockets that may move; null: they may not. */
  readonly search: SearchMaker | null;
}

/** How one request is passed on, whatever the version of HTTP. */
abstract class ProxyPlan extends PassPlan<ProxyLocation, ProxyRoute> {
  readonly directivePrefix = "proxy_";
  readonly method: string;
  /** See `replacementBody`; null until it is asked for. */
  private ownBody: Buffer | null = null;
  /** So much of early hints has come: a server could send them without end. */
  private hintBytes = 0;

  constructor(
    request: Request,
    route: ProxyRoute,
    method: string,
    target: Target,
    uri: string,
    tls: ClientTls | null,
    protocol: string,
  ) {
    super(request, route, target, uri, tls, protocol);
    this.method = method;
  }

  /** Worked out when a server is asked: it may be made of the client's body, which is read by then. */
  get replacementBody(): Buffer | null {
    const { body } = this.settings;
    if (body === null) return null;
    return (this.ownBody ??= Buffer.from(body.evaluate(this.request), "latin1"));
  }

  get host(): string {
    return this.target.host;
  }

  get passesBody(): boolean {
    return this.settings.passRequestBody;
  }

  /** A body that is set may be made of the client's, and HTTP/1.0 has no chunks for one of unknown length. */
  override get gathersBody(): boolean {
    const { body, httpVersion } = this.settings;
    if (body !== null || (httpVersion === "1.0" && this.request.body.contentLength < 0)) return true;
    return super.gathersBody;
  }

  override get isHead(): boolean {
    return this.method.length === 4 && this.method.toUpperCase() === "HEAD";
  }

  get keepsTrailers(): boolean {
    return this.settings.passTrailers;
  }

  acceptEarlyHints(head: ResponseHead): void {
    const room = this.settings.bufferSize - this.hintBytes;
    this.hintBytes += passEarlyHints(this.request, head, this.route.hidden, room);
  }

  acceptTrailers(trailers: Fields): void {
    takeTrailers(this.request, trailers, this.route.hidden);
  }
}

class Http1Plan extends ProxyPlan implements Http1Request {
  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): UpstreamTry {
    return new Http1Try(owner, connection, this, sink);
  }

  buildHead(bodyLength: number | null): string {
    return this.route.buildHead(this.request, this, bodyLength);
  }

  override get asksForUpgrade(): boolean {
    return setsUpgrade(this.settings, this.request);
  }

  override get search(): SearchMaker | null {
    return this.route.search;
  }

  override acceptHead(head: ResponseHead): (() => void) | null {
    const goOn = super.acceptHead(head);
    if (this.search !== null && head.status === 101) tellExtensions(this.request);
    return goOn;
  }
}

class Http2Plan extends ProxyPlan implements Http2UpstreamRequest {
  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): SharedTry {
    return new Http2Try(owner, connection, this, sink);
  }

  share(connection: PooledConnection, pool: KeepalivePool | null): SharedLink {
    return new Http2Link(connection, pool, this.request.client.gateway.network.clock);
  }

  buildHead(bodyLength: number | null): Http2Head {
    return this.route.buildHttp2Head(this.request, this, this.tls === null ? "http" : "https", bodyLength);
  }

  override acceptHead(head: ResponseHead): (() => void) | null {
    this.request.response.trailersMayFollow = this.keepsTrailers && head.contentLength !== 0;
    return super.acceptHead(head);
  }
}

/** Makes the content handler of a location with `proxy_pass`. */
export function proxyHandler(
  location: Location,
  settings: ProxyLocation,
  pass: ProxyPass,
  build: HttpBuild,
): PhaseHandler {
  const hidden = hiddenFields(settings, hiddenByDefault);
  const rules = { hidden, mayLackServer: true, rewriter: rewriterOf(settings) };
  const acceptHead = compileAnswer(settings, rules);
  const buildHttp2Head = compileHttp2Head(settings);
  const route = {
    settings,
    acceptHead,
    buildHead: compileHead(settings),
    buildHttp2Head,
    hidden,
    search: null,
  };
  const isHttp2 = settings.httpVersion === "2";
  const mode = handshakeModeOf(location.settings);
  const swallowed = mode === "auto" ? new SwallowedHandshakes(location, build) : null;
  const isFixed = pass.variable === null;
  const planOf = (request: Request, target: Target): ProxyPlan | 500 => {
    request.passedTo = target;
    const method = settings.method === null ? request.method : settings.method.evaluate(request);
    if (settings.method !== null && !isMethod(method)) {
      request.log("error", `invalid method "${safeFieldValue(method)}" in "proxy_method"`);
      return 500;
    }
    const isHandshake = watches && asksForWebSocket(request);
    const way = isHandshake ? shaking : route;
    // There is no Upgrade in HTTP/2 (RFC 9113, section 8.6): who asks for it goes by HTTP/1.1.
    const byHttp2 = isHttp2 && !setsUpgrade(way.settings, request);
    let tls: ClientTls | null = null;
    if (target.scheme.tls) {
      tls = tlsFor(settings, request, target.host, byHttp2 ? http2Alpn : undefined);
      if (tls === null) return 500;
    }
    // The path of an address with variables is the request's as it stands.
    const { uri: ownUri } = target;
    const uri = isFixed || ownUri === "" ? upstreamUri(request, ownUri, pass.location) : ownUri;
    const Plan = byHttp2 ? Http2Plan : Http1Plan;
    const plan = new Plan(request, way, method, target, uri, tls, byHttp2 ? "h2" : "");
    if (isHandshake && !plan.asksForUpgrade) swallowed?.tell(request);
    return plan;
  };
  const search = {
    form: proxyAddress,
    upstreams: build.upstreams,
    ignoreClientAbort: settings.ignoreClientAbort,
  };
  const planAgain = plansBy((asked, start) => passHandler(pass, search, start)(asked), planOf);
  const moves = failoverOf(location.settings) !== null;
  const watches = moves || mode !== "off";
  const shaking = handshakeRoute(route, mode === "on", moves ? searchBy(planAgain) : null);
  return passHandler(pass, search, (request, target) => {
    const plan = planOf(request, target);
    if (plan === 500) return plan;
    new Exchange(request, plan).start();
    return DONE;
  });
}

/** Makes plans for requests that have been passed on before. */
function plansBy(
  find: (
    request: Request,
    start: (request: Request, target: Target) => Verdict,
  ) => Verdict | Promise<Verdict>,
  planOf: (request: Request, target: Target) => ProxyPlan | 500,
): PlanMaker {
  return (request, take) => {
    const found = find(request, (asked, target) => {
      const plan = planOf(asked, target);
      take(plan === 500 ? null : plan);
      return DONE;
    });
    // A verdict of its own says that there is no way.
    if (found instanceof Promise) void found.then((verdict) => verdict === DONE || take(null));
    else if (found !== DONE) take(null);
  };
}

/** The same way for WebSocket handshakes. `passes`: by themselves. `search`: for WebSockets that may move. */
function handshakeRoute(route: ProxyRoute, passes: boolean, search: SearchMaker | null): ProxyRoute {
  if (!passes && search === null) return route;
  const passing = passes ? forHandshakes(route.settings) : route.settings;
  const settings = search === null ? passing : forMoves(passing);
  return { ...route, settings, buildHead: compileHead(settings), search };
}

/** `proxy_redirect` and the directives for cookies. */
function rewriterOf(settings: ProxyLocation): FieldRewriter {
  const redirects = settings.redirects ?? [];
  const { cookieDomains, cookiePaths, cookieFlags } = settings;
  const cookiesChange = [cookieDomains, cookiePaths, cookieFlags].some((rules) => rules.length > 0);
  return {
    cookie: (request, value) => (cookiesChange ? rewriteCookie(request, settings, value) : value),
    location: (request, value) => rewriteRedirect(request, redirects, value, 0),
    refresh(request, value) {
      const start = refreshUrlStart(value);
      return start < 0 ? value : (rewriteRedirect(request, redirects, value, start) ?? value);
    },
  };
}
