/**
 * Active checks of upstream servers, in the syntax of nginx's ngx_http_upstream_hc_module; and one that makes a
 * WebSocket handshake, which is ours.
 * https://nginx.org/en/docs/http/ngx_http_upstream_hc_module.html
 */
import type { Level } from "../../../config/module.ts";
import type { Scope } from "../../../config/scope.ts";
import { refuse } from "../../../config/slots.ts";
import type { Directive } from "../../../config/tree.ts";
import { parseMilliseconds, parseNumber } from "../../../config/values.ts";
import { successOrRedirect } from "../../../gateway/health/expectation.ts";
import { Lease } from "../../../gateway/health/lease.ts";
import { HealthMonitor } from "../../../gateway/health/monitor.ts";
import type { HealthCheck } from "../../../gateway/health/monitor.ts";
import { failAt } from "../../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../../gateway/build/http-build.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Location } from "../../../gateway/serve/location.ts";
import type { UpstreamDraft } from "../../../gateway/upstream/draft.ts";
import type { FixedPass } from "../../../gateway/upstream/target.ts";
import { http2Alpn } from "../../../gateway/upstream/http2-link.ts";
import { Fields } from "../../../http/fields.ts";
import type { ClientTls } from "../../../net/network.ts";
import { grpc } from "../../grpc/grpc.ts";
import type { GrpcLocation } from "../../grpc/settings.ts";
import { proxy } from "../../proxy/proxy.ts";
import type { ProxyLocation } from "../../proxy/settings.ts";
import type { PassTlsSettings } from "../../support/pass-tls.ts";
import { matchBlock, matchesOf } from "./match.ts";

/** `health_check` as written. */
interface CheckDraft extends Omit<HealthCheck, "plan"> {
  readonly type: "http" | "websocket" | "grpc";
  /** Null: "/". */
  readonly uri: string | null;
  readonly grpcService: string;
  readonly grpcStatus: number | null;
  /** Name of a `match` block; "" for none. */
  readonly match: string;
  readonly file: string;
  readonly line: number;
}

interface HealthLocation {
  /** Of this location alone. */
  check?: CheckDraft;
}

const level: Level<HealthLocation> = { defaults: () => ({}) };

/** Checks that one upstream can have: bits of a word. */
const checksMax = 31;

/** Bytes of the name of a gRPC service: more would need a longer length in the message. */
const serviceLengthMax = 127;

export const health: HttpModule<object, object, HealthLocation> = {
  name: "ngx_http_upstream_hc_module",
  directives: [
    {
      name: "health_check",
      contexts: ["location"],
      args: "0+",
      default: null,
      inherited: "own",
      doc: "Checks the servers that the location passes to, by HTTP, by a WebSocket handshake or by grpc.health.v1.",
      set: healthCheck,
    },
    {
      name: "match",
      contexts: ["http"],
      args: "1",
      block: true,
      default: null,
      doc: "What a healthy server answers: status, header and body.",
      set: matchBlock,
    },
  ],
  location: level,
  attach(location, { check }, build) {
    if (check !== undefined) watch(location, check, build);
  },
};

function healthCheck(scope: Scope, directive: Directive): void {
  const settings = scope.location(health);
  if (settings.check !== undefined) return refuse(scope, directive, "is duplicate");
  const { file, line } = directive;
  const draft: { -readonly [K in keyof CheckDraft]: CheckDraft[K] } = {
    type: "http",
    uri: null,
    grpcService: "",
    grpcStatus: null,
    match: "",
    intervalMs: 5000,
    jitterMs: 0,
    fails: 1,
    passes: 1,
    mandatory: false,
    port: null,
    file,
    line,
  };
  for (const parameter of directive.args) readParameter(scope, parameter, draft);
  const { type, uri, match } = draft;
  if (type === "grpc" && (uri !== null || match !== "")) {
    scope.fail(`"type=grpc" is not compatible with "${uri === null ? "match" : "uri"}"`);
  }
  settings.check = draft;
}

function readParameter(
  scope: Scope,
  parameter: string,
  draft: { -readonly [K in keyof CheckDraft]: CheckDraft[K] },
): void {
  const equals = parameter.indexOf("=");
  const value = parameter.slice(equals + 1);
  const invalid = (): never => scope.fail(`invalid parameter "${parameter}"`);
  const count = (): number => parseNumber(value) || invalid();
  const time = (): number => parseMilliseconds(value) ?? invalid();
  switch (equals < 0 ? parameter : parameter.slice(0, equals + 1)) {
    case "interval=":
      draft.intervalMs = time() || invalid();
      return;
    case "jitter=":
      draft.jitterMs = time();
      return;
    case "fails=":
      draft.fails = count();
      return;
    case "passes=":
      draft.passes = count();
      return;
    case "uri=":
      draft.uri = value.startsWith("/") ? value : invalid();
      return;
    case "match=":
      draft.match = value || invalid();
      return;
    case "port=":
      draft.port = count() < 65_536 ? count() : invalid();
      return;
    case "type=":
      draft.type = value === "http" || value === "websocket" || value === "grpc" ? value : invalid();
      return;
    case "grpc_service=":
      // As documented, these two follow the type.
      draft.grpcService = draft.type === "grpc" && value.length <= serviceLengthMax ? value : invalid();
      return;
    case "grpc_status=":
      draft.grpcStatus = draft.type === "grpc" ? (parseNumber(value) ?? invalid()) : invalid();
      return;
    case "mandatory":
      draft.mandatory = true;
      return;
    case "persistent":
      // What is known of a server always outlives a reload.
      return;
    case "keepalive_time=":
      time();
      scope.notice('the "keepalive_time" parameter has no effect: each check has a connection of its own');
      return;
    default:
      invalid();
  }
}

function watch(location: Location, draft: CheckDraft, build: HttpBuild): void {
  if (draft.type === "grpc") return watchCalls(location, draft, build);
  const settings = location.settings.get(proxy) as ProxyLocation;
  const { pass } = settings;
  if (pass === undefined || pass.variable !== null) {
    return failAt(draft, '"health_check" needs a "proxy_pass" without variables');
  }
  const expectation = draft.match === "" ? successOrRedirect : matchesOf(build).get(draft.match);
  if (expectation === undefined) return failAt(draft, `unknown match "${draft.match}"`);
  const { connectTimeoutMs, readTimeoutMs, bufferSize: headBytesMax } = settings;
  const plan = {
    type: draft.type,
    uri: draft.uri ?? "/",
    fields: requestFields(settings, pass),
    expectation,
    tls: pass.scheme.tls ? probeTls(settings, pass, []) : null,
    connectTimeoutMs,
    readTimeoutMs,
    headBytesMax,
  };
  monitor(build, pass.draft, { ...draft, plan }, draft);
}

/** `type=grpc`: what `grpc_pass` leads to. */
function watchCalls(location: Location, draft: CheckDraft, build: HttpBuild): void {
  const settings = location.settings.get(grpc) as GrpcLocation;
  const { pass } = settings;
  if (pass === undefined || pass.variable !== null) {
    return failAt(draft, '"health_check type=grpc" needs a "grpc_pass" without variables');
  }
  const { connectTimeoutMs, sendTimeoutMs, readTimeoutMs, bufferSize: headBytesMax } = settings;
  const fields = new Fields();
  let authority = pass.host;
  for (const [name, { constant }] of settings.setHeaders) {
    const lower = name.toLowerCase();
    if (constant === null || constant === "" || ["te", "content-type", "content-length"].includes(lower))
      continue;
    if (lower === "host") authority = constant;
    else fields.add(lower, constant);
  }
  const plan = {
    type: "grpc",
    service: draft.grpcService,
    status: draft.grpcStatus,
    authority,
    fields,
    tls: pass.scheme.tls ? probeTls(settings, pass, http2Alpn) : null,
    connectTimeoutMs,
    sendTimeoutMs,
    readTimeoutMs,
    headBytesMax,
  } as const;
  monitor(build, pass.draft, { ...draft, plan }, draft);
}

function monitor(build: HttpBuild, target: UpstreamDraft, check: HealthCheck, draft: CheckDraft): void {
  const { name: upstream, group, healthChecks } = target;
  if (healthChecks >= checksMax) failAt(draft, `too many health checks of upstream "${upstream}"`);
  target.healthChecks += 1;
  const monitored = { upstream, group: group!, bit: 1 << healthChecks };
  const { type, uri, port, grpcService } = { ...draft, ...check };
  const asked = type === "grpc" ? grpcService : (uri ?? "/");
  const name = `health ${upstream} ${healthChecks} ${type} ${port} ${asked}`;
  // Longer than a check's turn by far: who misses it is busy, or gone.
  const leaseSeconds = Math.ceil((2 * check.intervalMs) / 1000) + 2;
  const lease = new Lease(build.shared.region(name, Lease.byteLength), build.worker, leaseSeconds);
  build.background.set(name, new HealthMonitor(check, monitored, build.network, build.mainErrorLog, lease));
}

/** What `proxy_set_header` says without variables; the handshake's own fields come from the check. */
function requestFields({ setHeaders }: ProxyLocation, { host }: FixedPass): string {
  let fields = "";
  let named = host;
  for (const [name, value] of setHeaders) {
    const lower = name.toLowerCase();
    const own = lower === "connection" || lower === "upgrade" || lower.startsWith("sec-websocket-");
    if (value.constant === null || value.constant === "" || own) continue;
    if (lower === "host") named = value.constant;
    else fields += `${name}: ${value.constant}\r\n`;
  }
  return `Host: ${named}\r\n${fields}`;
}

function probeTls(
  { tlsContext, sslServerName, sslVerify, sslName }: PassTlsSettings,
  pass: FixedPass,
  alpn: readonly string[],
): ClientTls {
  const name = sslName === null ? pass.host : (sslName.constant ?? pass.host);
  return {
    context: tlsContext!,
    serverName: sslServerName ? name : null,
    verifyName: sslVerify ? name : null,
    alpn,
  };
}
