import type { Level } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { Buffers } from "../../config/slots.ts";
import { NextUpstream } from "../../gateway/failure/next-upstream.ts";
import type { Pass } from "../../gateway/upstream/target.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { TlsContext } from "../../net/network.ts";
import type { TlsCommand } from "../support/tls-commands.ts";
import type { AttributeRule, CookieFlagRule } from "./cookies.ts";
import type { CertificateCache, VariableCertificates } from "../ssl/variable-certificates.ts";
import { defaultRedirect } from "./redirect.ts";
import { makeClientCertificates, makeClientContext } from "./client-tls.ts";

/** Where `proxy_pass` leads. */
export type ProxyPass = Pass & {
  /** The part of the request's URI that the address's takes the place of. */
  readonly location: string;
};

/** A rule of `proxy_redirect`: a prefix or pattern of Location, and what takes its place. */
export interface RedirectRule {
  readonly prefix: Value | null;
  readonly regex: CompiledRegex | null;
  readonly replacement: Value;
}

/**
 * What the directives of ngx_http_proxy_module set: times in milliseconds, sizes in bytes. `nextUpstream` is a
 * sum of the bits of `NextUpstream`; 0 tries or milliseconds mean no limit.
 * https://nginx.org/en/docs/http/ngx_http_proxy_module.html
 */
export interface ProxySettings {
  connectTimeoutMs: number;
  sendTimeoutMs: number;
  readTimeoutMs: number;
  bufferSize: number;
  nextUpstream: number;
  nextUpstreamTries: number;
  nextUpstreamTimeoutMs: number;
  ignoreClientAbort: boolean;
  interceptErrors: boolean;
  requestBuffering: boolean;
  passRequestBody: boolean;
  passRequestHeaders: boolean;
  socketKeepAlive: boolean;
  httpVersion: "1.0" | "1.1";
  method: Value | null;
  body: Value | null;
  bind: Value | null;
  setHeaders: readonly (readonly [name: string, value: Value])[];
  hideHeaders: readonly string[];
  passHeaders: readonly string[];
  /** Null until there is a rule: the first level with a `proxy_pass` then makes the default one. */
  redirects: readonly RedirectRule[] | null;
  cookieDomains: readonly AttributeRule[];
  cookiePaths: readonly AttributeRule[];
  cookieFlags: readonly CookieFlagRule[];
  /** Lower case: what the fields say is not done. */
  ignoreHeaders: ReadonlySet<string>;
  passTrailers: boolean;
  forceRanges: boolean;
  /** Bytes per second, as text; null for no limit. */
  limitRate: Value | null;
  buffering: boolean;
  buffers: Buffers;
  /** -1: twice the larger of one buffer and the head's. */
  busyBuffersSize: number;
  sslProtocols: ReadonlySet<string>;
  sslCiphers: string;
  sslName: Value | null;
  sslServerName: boolean;
  sslSessionReuse: boolean;
  sslVerify: boolean;
  sslVerifyDepth: number;
  sslTrustedCertificate: string | null;
  sslCrl: string | null;
  sslCertificate: Value | null;
  sslCertificateKey: Value | null;
  sslPassphrases: readonly string[];
  sslCertificateCache: CertificateCache | null;
  sslCommands: readonly TlsCommand[];
}

/** Settings of one location, and the `proxy_pass` that is not inherited by nested locations. */
export interface ProxyLocation extends ProxySettings {
  pass?: ProxyPass;
  /** Null where no server is spoken to by TLS. */
  tlsContext: TlsContext | null;
  /** Null where certificates are told by their names, and the context has them. */
  clientCertificates: VariableCertificates | null;
}

const minute = 60_000;

/** nginx's defaults, and what is made of a level's settings once they are merged. */
export const proxyLevel: Level<ProxyLocation> = {
  defaults: () => ({
    connectTimeoutMs: minute,
    sendTimeoutMs: minute,
    readTimeoutMs: minute,
    bufferSize: 4096,
    nextUpstream: NextUpstream.error | NextUpstream.timeout,
    nextUpstreamTries: 0,
    nextUpstreamTimeoutMs: 0,
    ignoreClientAbort: false,
    interceptErrors: false,
    requestBuffering: true,
    passRequestBody: true,
    passRequestHeaders: true,
    socketKeepAlive: false,
    httpVersion: "1.1",
    method: null,
    body: null,
    bind: null,
    setHeaders: [],
    hideHeaders: [],
    passHeaders: [],
    redirects: null,
    cookieDomains: [],
    cookiePaths: [],
    cookieFlags: [],
    ignoreHeaders: new Set(),
    passTrailers: false,
    forceRanges: false,
    limitRate: null,
    buffering: true,
    buffers: { count: 8, size: 4096 },
    busyBuffersSize: -1,
    sslProtocols: new Set(["tlsv1.2", "tlsv1.3"]),
    sslCiphers: "DEFAULT",
    sslName: null,
    sslServerName: false,
    sslSessionReuse: true,
    sslVerify: false,
    sslVerifyDepth: 1,
    sslTrustedCertificate: null,
    sslCrl: null,
    sslCertificate: null,
    sslCertificateKey: null,
    sslPassphrases: [],
    sslCertificateCache: null,
    sslCommands: [],
    tlsContext: null,
    clientCertificates: null,
  }),
  finish(settings, scope: Scope) {
    if ((settings.nextUpstream & NextUpstream.off) !== 0) settings.nextUpstream = NextUpstream.off;
    checkBuffers(settings, scope);
    const { pass } = settings;
    // Locations inside this one have this rule, too, whatever their own `proxy_pass`: nginx does it so.
    if (pass !== undefined && pass.variable === null) settings.redirects ??= [defaultRedirect(pass)];
    const mayNeedTls = pass !== undefined && (pass.variable !== null || pass.scheme.tls);
    settings.tlsContext = mayNeedTls ? makeClientContext(settings, scope) : null;
    settings.clientCertificates = mayNeedTls ? makeClientCertificates(settings, scope) : null;
  },
};

/** The sizes mean nothing here, but a file that nginx refuses shall not pass. */
function checkBuffers({ bufferSize, buffers, busyBuffersSize }: ProxySettings, scope: Scope): void {
  if (buffers.count < 2) scope.fail('there must be at least 2 "proxy_buffers"');
  const largest = Math.max(bufferSize, buffers.size);
  const busy = busyBuffersSize < 0 ? 2 * largest : busyBuffersSize;
  if (busy < largest) {
    scope.fail(
      '"proxy_busy_buffers_size" must be equal to or greater than the maximum of the value of ' +
        '"proxy_buffer_size" and one of the "proxy_buffers"',
    );
  }
  if (busy > (buffers.count - 1) * buffers.size) {
    scope.fail(
      '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer',
    );
  }
}
