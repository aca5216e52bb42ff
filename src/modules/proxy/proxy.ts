/**
 * ngx_http_proxy_module: passes requests to other servers.
 * https://nginx.org/en/docs/http/ngx_http_proxy_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import type { VariableSpec } from "../../config/variables.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { nextUpstreamWords } from "../../gateway/failure/next-upstream.ts";
import { readPassphrases, refuseKeyStore } from "../support/key-material.ts";
import { readCommand } from "../support/tls-commands.ts";
import { certificateCache } from "../ssl/variable-certificates.ts";
import type { TlsCommand } from "../support/tls-commands.ts";
import { proxyBind } from "./bind.ts";
import { proxyCookieDomain, proxyCookieFlags, proxyCookiePath } from "./cookies.ts";
import { proxyHandler } from "./handler.ts";
import { proxyPass } from "./pass.ts";
import { proxyRedirect } from "./redirect.ts";
import { proxyLevel } from "./settings.ts";
import type { ProxyLocation } from "./settings.ts";

const location = slots<ProxyLocation>((scope) => scope.location(proxy));
const registry = (scope: Scope) => buildOf(scope).variables;

const obeyedFields = [
  "x-accel-redirect",
  "x-accel-expires",
  "x-accel-limit-rate",
  "x-accel-buffering",
  "x-accel-charset",
  "expires",
  "cache-control",
  "set-cookie",
  "vary",
] as const;

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
    doc: "HTTP version spoken to upstream servers.",
    set: location.word("httpVersion", { "1.0": "1.0", "1.1": "1.1" }),
  },
  {
    name: "proxy_method",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Method sent instead of the client's.",
    set: location.value("method", registry),
  },
  {
    name: "proxy_bind",
    contexts: everywhere,
    args: "1,2",
    default: null,
    doc: "Local address of connections to upstream servers.",
    set: (scope, directive) => proxyBind(scope, directive, scope.location(proxy)),
  },
  {
    name: "proxy_socket_keepalive",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether TCP keep-alive probes are sent on connections to upstream servers.",
    set: location.flag("socketKeepAlive"),
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
    name: "proxy_pass_request_headers",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether the client's header fields are passed on.",
    set: location.flag("passRequestHeaders"),
  },
  {
    name: "proxy_hide_header",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Keeps a field of the answer from the client.",
    set: location.strings("hideHeaders"),
  },
  {
    name: "proxy_pass_header",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Lets a field through that is hidden by default.",
    set: location.strings("passHeaders"),
  },
  {
    name: "proxy_buffer_size",
    contexts: everywhere,
    args: "1",
    default: "4k|8k",
    doc: "Most bytes that an answer's head may have.",
    set: location.size("bufferSize"),
  },
  {
    name: "proxy_ignore_headers",
    contexts: everywhere,
    args: "1+",
    default: null,
    doc: "Fields of the answer that are not acted on; only X-Accel-Redirect ever is.",
    set: location.words("ignoreHeaders", obeyedFields),
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
];

const bodies: readonly DirectiveSpec[] = [
  {
    name: "proxy_pass_request_body",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether the client's body is passed on.",
    set: location.flag("passRequestBody"),
  },
  {
    name: "proxy_set_body",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Body sent instead of the client's.",
    set: location.value("body", registry),
  },
  {
    name: "proxy_request_buffering",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether a body is read before a server is asked.",
    set: location.flag("requestBuffering"),
  },
  {
    name: "proxy_buffering",
    contexts: everywhere,
    args: "flag",
    default: "on",
    hasNoEffect: true,
    doc: "Accepted; answers are always passed on as they come, as fast as the client takes them.",
    set: location.flag("buffering"),
  },
  {
    name: "proxy_limit_rate",
    contexts: everywhere,
    args: "1",
    default: "0",
    doc: "Bytes per second that are read of an answer at most, with `proxy_buffering on`; 0 for no limit.",
    set: location.sizeValue("limitRate", registry),
  },
  {
    name: "proxy_force_ranges",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether ranges are cut out of answers, whatever the server says of ranges.",
    set: location.flag("forceRanges"),
  },
  {
    name: "proxy_buffers",
    contexts: everywhere,
    args: "2",
    default: "8 4k|8k",
    doc: "Checked; memory is bounded by the sockets' buffers instead.",
    set: location.buffers("buffers"),
  },
  {
    name: "proxy_busy_buffers_size",
    contexts: everywhere,
    args: "1",
    default: "8k|16k",
    doc: "Checked; see `proxy_buffers`.",
    set: location.size("busyBuffersSize"),
  },
];

const failures: readonly DirectiveSpec[] = [
  {
    name: "proxy_connect_timeout",
    contexts: everywhere,
    args: "1",
    default: "60s",
    doc: "How long connecting may take.",
    set: location.msec("connectTimeoutMs"),
  },
  {
    name: "proxy_send_timeout",
    contexts: everywhere,
    args: "1",
    default: "60s",
    doc: "How long the server may take nothing of the request.",
    set: location.msec("sendTimeoutMs"),
  },
  {
    name: "proxy_read_timeout",
    contexts: everywhere,
    args: "1",
    default: "60s",
    doc: "How long the server may send nothing; the idle limit of tunnels.",
    set: location.msec("readTimeoutMs"),
  },
  {
    name: "proxy_next_upstream",
    contexts: everywhere,
    args: "1+",
    default: "error timeout",
    doc: "In which cases another server is tried.",
    set: nextUpstreamDirective,
  },
  {
    name: "proxy_next_upstream_tries",
    contexts: everywhere,
    args: "1",
    default: "0",
    doc: "Most servers that one request is tried on; 0 sets no limit.",
    set: location.number("nextUpstreamTries"),
  },
  {
    name: "proxy_next_upstream_timeout",
    contexts: everywhere,
    args: "1",
    default: "0",
    doc: "Time after which no other server is tried; 0 sets no limit.",
    set: location.msec("nextUpstreamTimeoutMs"),
  },
  {
    name: "proxy_intercept_errors",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether `error_page` applies to answers of upstream servers.",
    set: location.flag("interceptErrors"),
  },
  {
    name: "proxy_ignore_client_abort",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether a request goes on upstream when its client is gone.",
    set: location.flag("ignoreClientAbort"),
  },
];

const tlsDirectives: readonly DirectiveSpec[] = [
  {
    name: "proxy_ssl_protocols",
    contexts: everywhere,
    args: "1+",
    default: "TLSv1.2 TLSv1.3",
    doc: "TLS versions spoken to upstream servers.",
    set: location.words("sslProtocols", ["sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]),
  },
  {
    name: "proxy_ssl_ciphers",
    contexts: everywhere,
    args: "1",
    default: "DEFAULT",
    doc: "Cipher suites offered to upstream servers.",
    set: location.string("sslCiphers"),
  },
  {
    name: "proxy_ssl_name",
    contexts: everywhere,
    args: "1",
    default: "$proxy_host",
    doc: "Name that the server's certificate must carry, and that is sent by SNI.",
    set: location.value("sslName", registry),
  },
  {
    name: "proxy_ssl_server_name",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether the server's name is sent by SNI.",
    set: location.flag("sslServerName"),
  },
  {
    name: "proxy_ssl_session_reuse",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether sessions with servers are resumed.",
    set: location.flag("sslSessionReuse"),
  },
  {
    name: "proxy_ssl_verify",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether the server's certificate is checked.",
    set: location.flag("sslVerify"),
  },
  {
    name: "proxy_ssl_verify_depth",
    contexts: everywhere,
    args: "1",
    default: "1",
    doc: "Most certificates between a server's and the trusted one.",
    set: location.number("sslVerifyDepth"),
  },
  {
    name: "proxy_ssl_trusted_certificate",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "File with the certificates that servers' certificates are checked against.",
    set: location.string("sslTrustedCertificate"),
  },
  {
    name: "proxy_ssl_crl",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "File with revoked certificates.",
    set: location.string("sslCrl"),
  },
  {
    name: "proxy_ssl_certificate",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "File with the certificate shown to upstream servers; with variables, read when it is first wanted.",
    set: location.custom("sslCertificate", keyFile),
  },
  {
    name: "proxy_ssl_certificate_key",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "File with the key of that certificate.",
    set: location.custom("sslCertificateKey", keyFile),
  },
  {
    name: "proxy_ssl_certificate_cache",
    contexts: everywhere,
    args: "1,2,3",
    default: "off",
    doc: "How many certificates that variables name are kept, and for how long.",
    set: location.custom("sslCertificateCache", certificateCache),
  },
  {
    name: "proxy_ssl_password_file",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "File with passphrases for the key, one per line.",
    set: location.custom("sslPassphrases", ({ args }, scope) => readPassphrases(scope, args[0]!)),
  },
  {
    name: "proxy_ssl_conf_command",
    contexts: everywhere,
    args: "2",
    default: null,
    doc: "A command of OpenSSL's configuration; what the runtime cannot do is refused.",
    set: location.list<TlsCommand, "sslCommands">("sslCommands", readCommand),
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
  directives: [...passing, ...heads, ...bodies, ...failures, ...tlsDirectives],
  location: proxyLevel,
  variables,
  attach(target, settings, build) {
    const { pass } = settings;
    if (pass === undefined) return;
    target.content = proxyHandler(settings, pass, build);
    target.passes = true;
  },
};

function addForwardedFor(request: Request): string {
  const before = request.fields.getJoined("x-forwarded-for");
  return before === null ? request.origin.remoteText : `${before}, ${request.origin.remoteText}`;
}

function nextUpstreamDirective(scope: Scope, { args }: Directive): void {
  const settings = scope.location(proxy);
  let mask = settings.nextUpstream ?? 0;
  for (const arg of args) {
    const bit = nextUpstreamWords[arg.toLowerCase()];
    if (bit === undefined) return scope.fail(`invalid value "${arg}"`);
    if (bit !== 0 && (mask & bit) !== 0) scope.warn(`duplicate value "${arg}"`);
    mask |= bit;
  }
  settings.nextUpstream = mask;
}

function keyFile({ name, args: [path = ""] }: Directive, scope: Scope): Value {
  refuseKeyStore(scope, name, path);
  return valueOf(scope, path);
}
