import type { Level } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { Pass } from "../../gateway/upstream/target.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import { answerDefaults } from "../support/pass-answer.ts";
import type { AnswerSettings } from "../support/pass-answer.ts";
import { bufferDefaults, checkBuffers } from "../support/pass-answer-directives.ts";
import type { BufferSettings } from "../support/pass-answer-directives.ts";
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
export interface ProxySettings extends PassSettings, AnswerSettings, BufferSettings, PassTlsSettings {
  httpVersion: "1.0" | "1.1" | "2";
  method: Value | null;
  body: Value | null;
  setHeaders: readonly (readonly [name: string, value: Value])[];
  /** Null until there is a rule: the first level with a `proxy_pass` then makes the default one. */
  redirects: readonly RedirectRule[] | null;
  cookieDomains: readonly AttributeRule[];
  cookiePaths: readonly AttributeRule[];
  cookieFlags: readonly CookieFlagRule[];
  passTrailers: boolean;
}

/** Settings of one location, and the `proxy_pass` that is not inherited by nested locations. */
export interface ProxyLocation extends ProxySettings {
  pass?: ProxyPass;
}

/** nginx's defaults, and what is made of a level's settings once they are merged. */
export const proxyLevel: Level<ProxyLocation> = {
  defaults: () => ({
    ...passDefaults(),
    ...answerDefaults(),
    ...bufferDefaults(),
    ...passTlsDefaults(),
    httpVersion: "1.1",
    method: null,
    body: null,
    setHeaders: [],
    redirects: null,
    cookieDomains: [],
    cookiePaths: [],
    cookieFlags: [],
    passTrailers: false,
  }),
  finish(settings, scope: Scope) {
    finishPass(settings);
    checkBuffers(settings, scope, "proxy_");
    const { pass } = settings;
    // Locations inside this one have this rule, too, whatever their own `proxy_pass`: nginx does it so.
    if (pass !== undefined && pass.variable === null) settings.redirects ??= [defaultRedirect(pass)];
    const mayNeedTls = pass !== undefined && (pass.variable !== null || pass.scheme.tls);
    finishPassTls(settings, scope, "proxy_", mayNeedTls);
  },
};
