import type { Level } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { Buffers } from "../../config/slots.ts";
import type { Pass } from "../../gateway/upstream/target.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import { finishPass, passDefaults } from "../support/pass-directives.ts";
import type { PassSettings } from "../support/pass-directives.ts";
import { finishPassTls, passTlsDefaults } from "../support/pass-tls.ts";
import type { PassTlsSettings } from "../support/pass-tls.ts";
import type { AttributeRule, CookieFlagRule } from "./cookies.ts";
import { defaultRedirect } from "./redirect.ts";

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
export interface ProxySettings extends PassSettings, PassTlsSettings {
  httpVersion: "1.0" | "1.1";
  method: Value | null;
  body: Value | null;
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
}

/** Settings of one location, and the `proxy_pass` that is not inherited by nested locations. */
export interface ProxyLocation extends ProxySettings {
  pass?: ProxyPass;
}

/** nginx's defaults, and what is made of a level's settings once they are merged. */
export const proxyLevel: Level<ProxyLocation> = {
  defaults: () => ({
    ...passDefaults(),
    ...passTlsDefaults(),
    httpVersion: "1.1",
    method: null,
    body: null,
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
  }),
  finish(settings, scope: Scope) {
    finishPass(settings);
    checkBuffers(settings, scope);
    const { pass } = settings;
    // Locations inside this one have this rule, too, whatever their own `proxy_pass`: nginx does it so.
    if (pass !== undefined && pass.variable === null) settings.redirects ??= [defaultRedirect(pass)];
    const mayNeedTls = pass !== undefined && (pass.variable !== null || pass.scheme.tls);
    finishPassTls(settings, scope, "proxy_", mayNeedTls);
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
