import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler, Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { isMethod, safeFieldValue } from "../../http/field-value.ts";
import type { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { Exchange } from "../../gateway/upstream/exchange.ts";
import type { ExchangePlan, LocalEndpoint } from "../../gateway/upstream/exchange.ts";
import { Http1Try } from "../../gateway/upstream/http1-try.ts";
import type { Http1Request } from "../../gateway/upstream/http1-try.ts";
import type { PooledConnection } from "../../gateway/upstream/keepalive-pool.ts";
import type { AnswerSink, TryOwner, UpstreamTry } from "../../gateway/upstream/protocol.ts";
import { localEndpointFor } from "../../gateway/upstream/local-endpoint.ts";
import type { Target } from "../../gateway/upstream/target.ts";
import { passHandler } from "../../gateway/upstream/target-search.ts";
import type { Upstream } from "../../gateway/upstream/upstream.ts";
import type { ClientTls } from "../../net/network.ts";
import { poolKeyOf, tlsFor } from "../support/pass-tls.ts";
import { compileAnswer, hiddenFields, passEarlyHints, takeTrailers } from "./answer.ts";
import type { HeadAcceptor } from "./answer.ts";
import { proxyAddress } from "./pass.ts";
import { compileHead, setsUpgrade, upstreamUri } from "./request-head.ts";
import type { HeadBuilder } from "./request-head.ts";
import type { ProxyLocation, ProxyPass } from "./settings.ts";

/** How one request is passed on. A class, so that a request costs no closures. */
class ProxyPlan implements ExchangePlan, Http1Request {
  readonly directivePrefix = "proxy_";
  readonly settings: ProxyLocation;
  readonly tls: ClientTls | null;
  readonly local: LocalEndpoint | null;
  readonly poolKey: string;
  readonly replacementBody: Buffer | null;
  private readonly request: Request;
  readonly method: string;
  readonly uri: string;
  private readonly target: Target;
  private readonly headBuilder: HeadBuilder;
  private readonly headAcceptor: HeadAcceptor;
  private readonly hidden: ReadonlySet<string>;
  /** So much of early hints has come: a server could send them without end. */
  private hintBytes = 0;

  constructor(
    request: Request,
    settings: ProxyLocation,
    method: string,
    target: Target,
    uri: string,
    tls: ClientTls | null,
    headBuilder: HeadBuilder,
    headAcceptor: HeadAcceptor,
    hidden: ReadonlySet<string>,
  ) {
    this.request = request;
    this.settings = settings;
    this.method = method;
    this.target = target;
    this.uri = uri;
    this.tls = tls;
    this.local = localEndpointFor(request, settings.bind);
    this.poolKey = tls === null ? "" : poolKeyOf(tls);
    this.replacementBody =
      settings.body === null ? null : Buffer.from(settings.body.evaluate(request), "latin1");
    this.headBuilder = headBuilder;
    this.headAcceptor = headAcceptor;
    this.hidden = hidden;
  }

  get upstream(): Upstream {
    return this.target.upstream;
  }

  get scheme(): string {
    return this.target.scheme.prefix;
  }

  get host(): string {
    return this.target.host;
  }

  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): UpstreamTry {
    return new Http1Try(owner, connection, this, sink);
  }

  get passesBody(): boolean {
    return this.settings.passRequestBody;
  }

  get isHead(): boolean {
    return this.method.length === 4 && this.method.toUpperCase() === "HEAD";
  }

  buildHead(bodyLength: number | null): string {
    return this.headBuilder(this.request, this, bodyLength);
  }

  get asksForUpgrade(): boolean {
    return setsUpgrade(this.settings, this.request);
  }

  get keepsTrailers(): boolean {
    return this.settings.passTrailers;
  }

  acceptHead(head: ResponseHead): (() => void) | null {
    return this.headAcceptor(this.request, head);
  }

  acceptEarlyHints(head: ResponseHead): void {
    const room = this.settings.bufferSize - this.hintBytes;
    this.hintBytes += passEarlyHints(this.request, head, this.hidden, room);
  }

  acceptTrailers(trailers: Fields): void {
    takeTrailers(this.request, trailers, this.hidden);
  }
}

/** Makes the content handler of a location with `proxy_pass`. */
export function proxyHandler(settings: ProxyLocation, pass: ProxyPass, build: HttpBuild): PhaseHandler {
  const buildHead = compileHead(settings);
  const hidden = hiddenFields(settings);
  const acceptHead = compileAnswer(settings, settings.redirects ?? [], hidden);
  const isFixed = pass.variable === null;
  const start = (request: Request, target: Target): Verdict => {
    request.passedTo = target;
    const method = settings.method === null ? request.method : settings.method.evaluate(request);
    if (settings.method !== null && !isMethod(method)) {
      request.log("error", `invalid method "${safeFieldValue(method)}" in "proxy_method"`);
      return 500;
    }
    let tls: ClientTls | null = null;
    if (target.scheme.tls) {
      tls = tlsFor(settings, request, target.host);
      if (tls === null) return 500;
    }
    // The path of an address with variables is the request's as it stands.
    const { uri: ownUri } = target;
    const uri = isFixed || ownUri === "" ? upstreamUri(request, ownUri, pass.location) : ownUri;
    const plan = new ProxyPlan(request, settings, method, target, uri, tls, buildHead, acceptHead, hidden);
    new Exchange(request, plan).start();
    return DONE;
  };
  const search = {
    form: proxyAddress,
    upstreams: build.upstreams,
    ignoreClientAbort: settings.ignoreClientAbort,
  };
  return passHandler(pass, search, start);
}
