import type { CompiledRegex } from "../../config/regex.ts";
import type { Scope } from "../../config/scope.ts";
import { append, refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { cookieFlag, editCookieFlags } from "./cookie-flags.ts";
import { formatCookie, parseCookie } from "./cookie.ts";
import type { Cookie } from "./cookie.ts";
import type { ProxyLocation } from "./settings.ts";

/** The new text of an attribute's value; null when the rule does not fit. */
export type AttributeRule = (request: Request, value: string) => string | null;

/** Which cookies by name, and the flags that they get. */
export interface CookieFlagRule {
  readonly matches: (request: Request, name: string) => boolean;
  readonly flags: (request: Request) => number;
}

/** `proxy_cookie_domain off | domain replacement;` */
export function proxyCookieDomain(
  scope: Scope,
  directive: Directive,
  settings: Partial<ProxyLocation>,
): void {
  if (readOff(scope, directive, settings, "cookieDomains")) return;
  const [pattern = "", replacement = ""] = directive.args;
  const rule = pattern.startsWith("~")
    ? regexRule(scope, pattern.slice(1), true, replacement)
    : domainRule(valueOf(scope, withoutDot(pattern)), valueOf(scope, withoutDot(replacement)));
  settings.cookieDomains = append(settings.cookieDomains, rule);
}

/** `proxy_cookie_path off | path replacement;` */
export function proxyCookiePath(scope: Scope, directive: Directive, settings: Partial<ProxyLocation>): void {
  if (readOff(scope, directive, settings, "cookiePaths")) return;
  const [pattern = "", replacement = ""] = directive.args;
  const caseless = pattern.startsWith("~*");
  const rule = pattern.startsWith("~")
    ? regexRule(scope, pattern.slice(caseless ? 2 : 1), caseless, replacement)
    : prefixRule(valueOf(scope, pattern), valueOf(scope, replacement));
  settings.cookiePaths = append(settings.cookiePaths, rule);
}

/** `proxy_cookie_flags off | cookie [flag …];` */
export function proxyCookieFlags(scope: Scope, directive: Directive, settings: Partial<ProxyLocation>): void {
  if (readOff(scope, directive, settings, "cookieFlags")) return;
  const [pattern = "", ...words] = directive.args;
  const matches = nameMatcher(scope, pattern);
  const values = words.map((word) => valueOf(scope, word));
  const rule: CookieFlagRule = {
    matches,
    flags: (request) => values.reduce((flags, value) => flags | cookieFlag(value.evaluate(request)), 0),
  };
  settings.cookieFlags = append(settings.cookieFlags, rule);
}

/** The rules of `proxy_cookie_domain`, `proxy_cookie_path` and `proxy_cookie_flags` of a location. */
export type CookieSettings = Pick<ProxyLocation, "cookieDomains" | "cookiePaths" | "cookieFlags">;

/** A Set-Cookie field of an answer as the client gets it. */
export function rewriteCookie(request: Request, settings: CookieSettings, text: string): string {
  const cookie = parseCookie(text);
  if (cookie === null) return text;
  const { cookieDomains, cookiePaths, cookieFlags } = settings;
  const domain = rewriteAttribute(request, cookie, "domain", cookieDomains);
  const path = rewriteAttribute(request, cookie, "path", cookiePaths);
  const rule = cookieFlags.find((candidate) => candidate.matches(request, cookie.name));
  if (rule !== undefined) editCookieFlags(cookie, rule.flags(request));
  return domain || path || rule !== undefined ? formatCookie(cookie) : text;
}

function rewriteAttribute(
  request: Request,
  cookie: Cookie,
  name: string,
  rules: readonly AttributeRule[],
): boolean {
  let rewritten = false;
  if (rules.length === 0) return false;
  for (const attribute of cookie.attributes) {
    if (attribute.value === null || attribute.name.toLowerCase() !== name) continue;
    const value = applyFirst(request, rules, attribute.value);
    if (value === null) continue;
    attribute.value = value;
    rewritten = true;
  }
  return rewritten;
}

function applyFirst(request: Request, rules: readonly AttributeRule[], text: string): string | null {
  for (const rule of rules) {
    const value = rule(request, text);
    if (value !== null) return value;
  }
  return null;
}

/** True when the directive's one argument is "off", which must be the level's first. */
function readOff(
  scope: Scope,
  directive: Directive,
  settings: Partial<ProxyLocation>,
  key: keyof CookieSettings,
): boolean {
  const [first = "", ...rest] = directive.args;
  if (settings[key]?.length === 0) return true;
  if (rest.length > 0) return false;
  if (first !== "off") return scope.fail(`invalid parameter "${first}"`);
  if (settings[key] !== undefined) return refuse(scope, directive, "is duplicate");
  settings[key] = [];
  return true;
}

function domainRule(pattern: Value, replacement: Value): AttributeRule {
  return (request, value) => {
    const dot = value.startsWith(".") ? "." : "";
    if (value.slice(dot.length).toLowerCase() !== pattern.evaluate(request).toLowerCase()) return null;
    return dot + replacement.evaluate(request);
  };
}

function prefixRule(pattern: Value, replacement: Value): AttributeRule {
  return (request, value) => {
    const prefix = pattern.evaluate(request);
    return value.startsWith(prefix) ? replacement.evaluate(request) + value.slice(prefix.length) : null;
  };
}

function regexRule(scope: Scope, pattern: string, caseless: boolean, replacement: string): AttributeRule {
  const regex = buildOf(scope).variables.regex(pattern, caseless, scope);
  const text = valueOf(scope, replacement);
  return (request, value) => (request.matchRegex(regex, value, false) ? text.evaluate(request) : null);
}

function nameMatcher(scope: Scope, pattern: string): CookieFlagRule["matches"] {
  if (pattern.startsWith("~")) {
    const regex: CompiledRegex = buildOf(scope).variables.regex(pattern.slice(1), true, scope);
    return (request, name) => request.matchRegex(regex, name);
  }
  const value = valueOf(scope, pattern);
  return (request, name) => name.toLowerCase() === value.evaluate(request).toLowerCase();
}

function withoutDot(domain: string): string {
  return domain.startsWith(".") ? domain.slice(1) : domain;
}
