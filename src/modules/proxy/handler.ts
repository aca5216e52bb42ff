import { parseUrl } from "../../config/url.ts";
import type { ParsedUrl } from "../../config/url.ts";
import { PeerSet } from "../../gateway/balance/peer-set.ts";
import { RoundRobin } from "../../gateway/balance/round-robin.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler, Verdict } from "../../gateway/request/handler.ts";
import type { ClientWatcher } from "../../gateway/request/holders.ts";
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
import { Upstream } from "../../gateway/upstream/upstream.ts";
import type { ClientTls, Endpoint, TlsContext } from "../../net/network.ts";
import { NameWait } from "../../net/name-resolver.ts";
import type { Resolution } from "../../net/name-resolver.ts";
import { resolverOf } from "../core/resolver.ts";
import { findUpstream } from "../upstream/upstream.ts";
import { peerName } from "../upstream/upstream-server.ts";
import { compileAnswer, hiddenFields, passEarlyHints, takeTrailers } from "./answer.ts";
import type { HeadAcceptor } from "./answer.ts";
import { localEndpointFor } from "./bind.ts";
import { hostOf, splitScheme } from "./pass.ts";
import { compileHead, setsUpgrade, upstreamUri } from "./request-head.ts";
import type { HeadBuilder } from "./request-head.ts";
import type { ProxyLocation, ProxyPass } from "./settings.ts";

/** Where one request goes: `proxy_pass` with its variables worked out. */
interface Target {
  readonly scheme: string;
  readonly upstream: Upstream;
  readonly host: string;
  readonly port: string;
  readonly uri: string;
}

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
    tls: ClientTls | null,
    headBuilder: HeadBuilder,
    headAcceptor: HeadAcceptor,
    hidden: ReadonlySet<string>,
  ) {
    this.request = request;
    this.settings = settings;
    this.method = method;
    this.target = target;
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
    return this.target.scheme;
  }

  get uri(): string {
    return this.target.uri;
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
  const start = (request: Request, target: Target): Verdict => {
    request.passedTo = target;
    const method = settings.method === null ? request.method : settings.method.evaluate(request);
    if (settings.method !== null && !isMethod(method)) {
      request.log("error", `invalid method "${safeFieldValue(method)}" in "proxy_method"`);
      return 500;
    }
    let tls: ClientTls | null = null;
    if (target.scheme === "https://") {
      const { clientCertificates, tlsContext } = settings;
      const context =
        clientCertificates === null
          ? tlsContext
          : clientCertificates.contextFor(request, (reason) => {
              request.log("error", `${reason} while connecting to upstream`);
            });
      if (context === null) return 500;
      tls = clientTls(settings, context, request, target.host);
    }
    const plan = new ProxyPlan(request, settings, method, target, tls, buildHead, acceptHead, hidden);
    new Exchange(request, plan).start();
    return DONE;
  };
  if (pass.variable !== null) {
    return (request) => {
      const target = resolveTarget(request, pass, build, settings.ignoreClientAbort);
      const go = (found: Target | Verdict): Verdict =>
        typeof found === "number" ? found : start(request, found);
      return target instanceof Promise ? target.then(go) : go(target);
    };
  }
  const { scheme, host, port } = pass;
  return (request) => {
    const upstream = pass.upstream!.upstream!;
    return start(request, { scheme, upstream, host, port, uri: upstreamUri(request, pass) });
  };
}

/** A URL with variables: the name of an upstream block, or an address. */
function resolveTarget(
  request: Request,
  pass: ProxyPass,
  build: HttpBuild,
  ignoreClientAbort: boolean,
): Target | Verdict | Promise<Target | Verdict> {
  const url = pass.variable!.evaluate(request);
  const target = splitScheme(url);
  if (target === null || target.rest === "") {
    request.log("error", `invalid URL prefix in "${url}"`);
    return 500;
  }
  const parsed = parseUrl(target.rest, { defaultPort: target.defaultPort, allowUri: true });
  if (typeof parsed === "string") {
    request.log("error", `${parsed} in upstream "${target.rest}"`);
    return 500;
  }
  const { scheme } = target;
  const own = parsed.uri.startsWith("?") ? `/${parsed.uri}` : parsed.uri;
  const uri = own === "" ? upstreamUri(request, { ...pass, uri: "" }) : own;
  const where = { scheme, uri, ...hostOf(parsed, target.defaultPort) };
  const known = findUpstream(build, parsed);
  if (known !== null) return { ...where, upstream: known };
  if (parsed.kind === "name") return resolveName(request, parsed, where, ignoreClientAbort);
  const endpoint: Endpoint =
    parsed.kind === "unix"
      ? { kind: "unix", path: parsed.host }
      : { kind: "tcp", address: parsed.host, port: parsed.port };
  return { ...where, upstream: passingUpstream(parsed, [endpoint]) };
}

/** Asks the location's name servers for a host. */
function resolveName(
  request: Request,
  { host, port, ...rest }: ParsedUrl,
  where: Omit<Target, "upstream">,
  ignoreClientAbort: boolean,
): Target | Verdict | Promise<Target | Verdict> {
  const { resolver, resolverTimeoutMs } = resolverOf(request);
  if (resolver === null) {
    request.log("error", `no resolver defined to resolve ${host}`);
    return 502;
  }
  const go = (resolution: Resolution): Target | Verdict => {
    if ("failure" in resolution) {
      request.log("error", `${host} could not be resolved (${resolution.failure}: ${resolution.reason})`);
      return 502;
    }
    const endpoints = resolution.addresses.map((address): Endpoint => ({ kind: "tcp", address, port }));
    return { ...where, upstream: passingUpstream({ host, port, ...rest }, endpoints) };
  };
  const known = resolver.remembered(host);
  if (known !== null) return go(known);
  const wait = new NameWait();
  const watcher = new NameWatcher(request, wait);
  if (!ignoreClientAbort) request.watch(watcher);
  return resolver.ask(host, resolverTimeoutMs, wait).then((found) => {
    request.unwatch(watcher);
    return go(found);
  });
}

/** A client that leaves while its name is asked for. */
class NameWatcher implements ClientWatcher {
  private readonly request: Request;
  private readonly wait: NameWait;

  constructor(request: Request, wait: NameWait) {
    this.request = request;
    this.wait = wait;
  }

  onRequestEnd(): void {
    this.wait.cancel();
  }

  onClientGone(): void {
    const { request } = this;
    this.wait.cancel();
    request.unwatch(this);
    request.log("info", "epoll_wait() reported that client prematurely closed connection");
    request.response.fail(499);
  }
}

/** An upstream made for one request: nothing is remembered of its servers. */
function passingUpstream(url: ParsedUrl, endpoints: readonly Endpoint[]): Upstream {
  const peers = endpoints.map((endpoint) => ({
    name: peerName(endpoint),
    server: url.hostAndPort,
    endpoint,
    weight: 1,
    maxConns: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
  }));
  return new Upstream(url.hostAndPort, { balancer: new RoundRobin(PeerSet.of(peers)) }, null, null);
}

/** Connections that showed other names, or other certificates, are not shared. */
function poolKeyOf({ context, serverName, verifyName, verifyDepth }: ClientTls): string {
  const serial = contextSerials.get(context) ?? (lastContextSerial += 1);
  contextSerials.set(context, serial);
  return `${serial} ${serverName ?? ""} ${verifyName ?? ""} ${verifyDepth ?? ""}`;
}

const contextSerials = new WeakMap<TlsContext, number>();
let lastContextSerial = 0;

function clientTls(settings: ProxyLocation, context: TlsContext, request: Request, host: string): ClientTls {
  const named = settings.sslName?.evaluate(request) ?? host;
  const name = named.startsWith("[") ? named.slice(1, named.indexOf("]")) : named.replace(/:\d+$/, "");
  const isAddress = /^[\d.]+$/.test(name) || name.includes(":");
  return {
    context,
    serverName: settings.sslServerName && !isAddress ? name : null,
    verifyName: settings.sslVerify ? name : null,
    verifyDepth: settings.sslVerifyDepth,
    reuseSessions: settings.sslSessionReuse,
    alpn: [],
  };
}
