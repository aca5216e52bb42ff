/**
 * ngx_http_proxy_module: passes requests to other servers.
 * https://nginx.org/en/docs/http/ngx_http_proxy_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { VariableSpec } from "../../config/variables.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { nextUpstreamWords } from "../../gateway/failure/next-upstream.ts";
import { answerFieldDirectives, bufferingDirectives } from "../support/pass-answer-directives.ts";
import {
  connectionDirectives,
  interceptErrorsDirective,
  nextUpstreamDirectives,
  requestDirectives,
} from "../support/pass-directives.ts";
import { passTlsDirectives } from "../support/pass-tls.ts";
import { proxyCookieDomain, proxyCookieFlags, proxyCookiePath } from "./cookies.ts";
import { proxyHandler } from "./handler.ts";
import { proxyPass } from "./pass.ts";
import { proxyRedirect } from "./redirect.ts";
import { proxyLevel } from "./settings.ts";
import type { ProxyLocation } from "./settings.ts";

const prefix = "proxy_";
const levelOf = (scope: Scope): Partial<ProxyLocation> => scope.location(proxy);
const location = slots<ProxyLocation>(levelOf);
const registry = (scope: Scope) => buildOf(scope).variables;

const everywhere: readonly Context[] = ["http", "server", "location"];

const passing: readonly DirectiveSpec[] = [
  {
    name: "proxy_pass",
    contexts: ["location", "if in location", "limit_except"],
    args: "1",
    default: null,
    inherited: "own",
    doc: "Address that requests are passed to.",
    set: (scope, directive) => proxyPass(scope, directive, scope.location(proxy)),
  },
  {
    name: "proxy_redirect",
    contexts: everywhere,
    args: "1,2",
    default: "default",
    doc: "Changes Location and Refresh fields of answers.",
    set: (scope, directive) => proxyRedirect(scope, directive, scope.location(proxy)),
  },
  {
    name: "proxy_http_version",
    contexts: everywhere,
    args: "1",
    default: "1.1",
    doc: "HTTP version spoken to upstream servers; by `2`, WebSockets are extended CONNECTs where the server takes them.",
    set: location.word("httpVersion", { "1.0": "1.0", "1.1": "1.1", "2": "2" }),
  },
  {
    name: "proxy_method",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Method sent instead of the client's.",
    set: location.value("method", registry),
  },
];

const heads: readonly DirectiveSpec[] = [
  {
    name: "proxy_set_header",
    contexts: everywhere,
    args: "2",
    default: "Host $proxy_host",
    doc: "Sets a request header field; an empty value drops it.",
    set: location.list<readonly [string, Value], "setHeaders">("setHeaders", ({ args }, scope) => [
      args[0]!,
      valueOf(scope, args[1]!),
    ]),
  },
  {
    name: "proxy_pass_trailers",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Passes the fields behind an answer's last chunk to the client.",
    set: location.flag("passTrailers"),
  },
  {
    name: "proxy_cookie_domain",
    contexts: everywhere,
    args: "1,2",
    default: "off",
    doc: "Changes the Domain attribute of cookies that servers set.",
    set: (scope, directive) => proxyCookieDomain(scope, directive, scope.location(proxy)),
  },
  {
    name: "proxy_cookie_path",
    contexts: everywhere,
    args: "1,2",
    default: "off",
    doc: "Changes the Path attribute of cookies that servers set.",
    set: (scope, directive) => proxyCookiePath(scope, directive, scope.location(proxy)),
  },
  {
    name: "proxy_cookie_flags",
    contexts: everywhere,
    args: "1,2,3,4",
    default: "off",
    doc: "Sets and clears the flags of cookies: Secure, HttpOnly, SameSite.",
    set: (scope, directive) => proxyCookieFlags(scope, directive, scope.location(proxy)),
  },
  {
    name: "proxy_set_body",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Body sent instead of the client's.",
    set: location.value("body", registry),
  },
];

const variables: readonly VariableSpec<Request>[] = [
  { name: "proxy_host", volatile: true, get: (request) => request.passedTo?.host ?? null },
  { name: "proxy_port", volatile: true, get: (request) => request.passedTo?.port ?? null },
  { name: "proxy_add_x_forwarded_for", get: addForwardedFor, volatile: true },
  {
    name: "proxy_internal_body_length",
    get: (request) => request.fields.get("content-length"),
    volatile: true,
  },
  {
    name: "proxy_internal_chunked",
    get: (request) => (request.head.chunked ? "chunked" : null),
    volatile: true,
  },
];

export const proxy: HttpModule<object, object, ProxyLocation> = {
  name: "ngx_http_proxy_module",
  directives: [
    ...passing,
    ...connectionDirectives(prefix, levelOf),
    ...requestDirectives(prefix, levelOf),
    ...heads,
    ...answerFieldDirectives(prefix, levelOf),
    ...bufferingDirectives(prefix, levelOf),
    ...nextUpstreamDirectives(prefix, levelOf, nextUpstreamWords),
    interceptErrorsDirective(prefix, levelOf),
    ...passTlsDirectives(prefix, levelOf),
  ],
  location: proxyLevel,
  variables,
  attach(target, settings, build) {
    const { pass } = settings;
    if (pass === undefined) return;
    target.content = proxyHandler(target, settings, pass, build);
    target.passes = true;
    target.tunnelTimes = settings;
  },
};

function addForwardedFor(request: Request): string {
  const before = request.fields.getJoined("x-forwarded-for");
  return before === null ? request.origin.remoteText : `${before}, ${request.origin.remoteText}`;
}
