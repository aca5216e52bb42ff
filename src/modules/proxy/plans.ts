/**
 * How a request goes to a server by `proxy_pass`: by HTTP/1, by HTTP/2, or as an extended CONNECT.
 */
import { keyOfHandshake, switchedHead } from "../../gateway/request/extended-connect.ts";
import type { Request } from "../../gateway/request/request.ts";
import { asksForWebSocket } from "../../gateway/request/websocket-request.ts";
import type { SearchMaker } from "../../gateway/tunnel/server-search.ts";
import { ConnectTry } from "../../gateway/upstream/connect-try.ts";
import type { ExchangePlan } from "../../gateway/upstream/exchange-plan.ts";
import { Http1Try } from "../../gateway/upstream/http1-try.ts";
import type { Http1Request } from "../../gateway/upstream/http1-try.ts";
import { http2Alpn, Http2Link } from "../../gateway/upstream/http2-link.ts";
import { Http2Try } from "../../gateway/upstream/http2-try.ts";
import type { ConnectTerms, Http2Head, Http2UpstreamRequest } from "../../gateway/upstream/http2-try.ts";
import type { KeepalivePool } from "../../gateway/upstream/keepalive-pool.ts";
import type { PooledConnection, SharedLink } from "../../gateway/upstream/pooled-connection.ts";
import type { AnswerSink, SharedTry, TryOwner, UpstreamTry } from "../../gateway/upstream/protocol.ts";
import type { Target } from "../../gateway/upstream/target.ts";
import type { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { ClientTls } from "../../net/network.ts";
import { passEarlyHints, takeTrailers } from "../support/pass-answer.ts";
import { PassPlan } from "../support/pass-plan.ts";
import type { PassRoute } from "../support/pass-plan.ts";
import { tlsFor } from "../support/pass-tls.ts";
import { tellExtensions } from "../websocket/failover.ts";
import { setsUpgrade, setsWebSocket } from "./request-head.ts";
import type { HeadBuilder, Http2HeadBuilder } from "./request-head.ts";
import type { ProxyLocation } from "./settings.ts";

/** What all requests of a location have in common. */
export interface ProxyRoute extends PassRoute<ProxyLocation> {
  readonly buildHead: HeadBuilder;
  readonly buildHttp2Head: Http2HeadBuilder;
  readonly hidden: ReadonlySet<string>;
  /** `proxy_http_version 2`; the settings may say otherwise for handshakes. */
  readonly isHttp2: boolean;
  /** Finds other servers for WebSockets that may move; null: they may not. */
  readonly search: SearchMaker | null;
}

/** How one request is passed on, whatever the version of HTTP. */
export abstract class ProxyPlan extends PassPlan<ProxyLocation, ProxyRoute> {
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

  /** Passes on the head of an interim answer with status 103, as long as there is room. */
  acceptEarlyHints(head: ResponseHead): void {
    const room = this.settings.bufferSize - this.hintBytes;
    this.hintBytes += passEarlyHints(this.request, head, this.route.hidden, room);
  }

  /** Takes over the fields behind the answer's body. */
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

/** A WebSocket's handshake as an extended CONNECT (RFC 8441, section 5), for servers that announce that they take it. */
class ConnectPlan extends Http2Plan {
  readonly connect: ConnectTerms;
  readonly fallback: ExchangePlan;

  constructor(key: string, fallback: Http1Plan, ...given: ConstructorParameters<typeof ProxyPlan>) {
    super(...given);
    const [request] = given;
    this.fallback = fallback;
    this.connect = {
      switchedHead: (head) => switchedHead(head, key),
      reporter: request.client.gateway,
    };
  }

  override begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): SharedTry {
    return new ConnectTry(owner, connection, this, sink);
  }

  override buildHead(bodyLength: number | null): Http2Head {
    const { start, fields } = super.buildHead(bodyLength);
    // What it guards is guarded by `:protocol`.
    fields.remove("sec-websocket-key");
    // A tunnel has no length, not even 0.
    fields.remove("content-length");
    return { start: { ...start, method: "CONNECT", connectProtocol: "websocket" }, fields };
  }

  override get asksForUpgrade(): boolean {
    return true;
  }

  override get search(): SearchMaker | null {
    return this.route.search;
  }

  override acceptHead(head: ResponseHead): (() => void) | null {
    const goOn = super.acceptHead(head);
    if (head.status === 101) this.request.response.trailersMayFollow = false;
    if (this.search !== null && head.status === 101) tellExtensions(this.request);
    return goOn;
  }
}

/**
 * How a request is passed on by `proxy_http_version`; 500 where that cannot be, which was logged. HTTP/2 has no Upgrade
 * (RFC 9113, section 8.6): who asks for another protocol than a WebSocket goes by HTTP/1.1.
 *
 * @param uri what the server is asked for
 */
export function makePlan(
  request: Request,
  route: ProxyRoute,
  target: Target,
  method: string,
  uri: string,
): ProxyPlan | 500 {
  const { settings, isHttp2 } = route;
  const { tls: isSecure } = target.scheme;
  const upgrades = isHttp2 && setsUpgrade(settings, request);
  const key = upgrades ? keyToConnectBy(request, settings) : null;
  const tls = isSecure ? tlsFor(settings, request, target.host, http2AlpnIf(isHttp2 && !upgrades)) : null;
  if (isSecure && tls === null) return 500;
  if (isHttp2 && !upgrades) return new Http2Plan(request, route, method, target, uri, tls, "h2");
  const plan = new Http1Plan(request, route, method, target, uri, tls, "");
  if (key === null) return plan;
  const tlsOfHttp2 = isSecure ? tlsFor(settings, request, target.host, http2Alpn) : null;
  if (isSecure && tlsOfHttp2 === null) return 500;
  return new ConnectPlan(key, plan, request, route, method, target, uri, tlsOfHttp2, "h2");
}

function http2AlpnIf(byHttp2: boolean): readonly string[] | undefined {
  return byHttp2 ? http2Alpn : undefined;
}

/** The key of a handshake that an extended CONNECT can stand for; else null. */
function keyToConnectBy(request: Request, settings: ProxyLocation): string | null {
  const { contentLength, chunked } = request.head;
  const hasBody = settings.body !== null || chunked || (contentLength ?? 0) > 0;
  if (hasBody || settings.method !== null || !asksForWebSocket(request)) return null;
  return setsWebSocket(settings, request) ? keyOfHandshake(request) : null;
}
