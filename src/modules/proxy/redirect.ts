import { constantValue } from "../../config/complex-value.ts";
import type { Scope } from "../../config/scope.ts";
import { append } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { FixedPass } from "../../gateway/upstream/target.ts";
import type { ProxyLocation, ProxyPass, RedirectRule } from "./settings.ts";

/** `proxy_redirect default | off | redirect replacement;` */
export function proxyRedirect(scope: Scope, { args }: Directive, settings: Partial<ProxyLocation>): void {
  const [first = "", second] = args;
  const rules = settings.redirects ?? undefined;
  if (second === undefined) {
    if (first === "off") {
      if (settings.redirects !== undefined) scope.fail('"proxy_redirect" directive is duplicate');
      settings.redirects = [];
      return;
    }
    if (first !== "default") return scope.fail(`invalid parameter "${first}"`);
    if (settings.pass === undefined) {
      return scope.fail('"proxy_redirect default" should be placed after the "proxy_pass" directive');
    }
    if (settings.pass.variable !== null) {
      scope.fail('"proxy_redirect default" cannot be used with "proxy_pass" directive with variables');
    }
    settings.redirects = append(rules, defaultRedirect(settings.pass));
    return;
  }
  const replacement = valueOf(scope, second);
  if (first.startsWith("~")) {
    const caseless = first.startsWith("~*");
    const pattern = first.slice(caseless ? 2 : 1);
    const regex = buildOf(scope).variables.regex(pattern, caseless, scope);
    settings.redirects = append(rules, { prefix: null, regex, replacement });
    return;
  }
  settings.redirects = append(rules, { prefix: valueOf(scope, first), regex: null, replacement });
}

/** What `proxy_redirect default` stands for with a `proxy_pass` without variables. */
export function defaultRedirect(pass: ProxyPass & FixedPass): RedirectRule {
  const withUri = pass.uri !== "";
  const prefix = constantValue<Request>(withUri ? pass.url : `${pass.url}/`);
  return { prefix, regex: null, replacement: constantValue<Request>(withUri ? pass.location : "/") };
}

/** The new text of a Location, or of what follows `start` in a Refresh field; null when no rule fits. */
export function rewriteRedirect(
  request: Request,
  rules: readonly RedirectRule[],
  text: string,
  start: number,
): string | null {
  const subject = text.slice(start);
  for (const rule of rules) {
    if (rule.regex !== null) {
      const saved = request.captures;
      if (!request.matchRegex(rule.regex, subject, false)) continue;
      const changed = text.slice(0, start) + rule.replacement.evaluate(request);
      request.captures = saved;
      return changed;
    }
    const prefix = rule.prefix!.evaluate(request);
    if (!subject.startsWith(prefix)) continue;
    return text.slice(0, start) + rule.replacement.evaluate(request) + subject.slice(prefix.length);
  }
  return null;
}

/** Where the URL of a Refresh field begins; -1 when it has none. */
export function refreshUrlStart(value: string): number {
  const at = value.toLowerCase().indexOf("url=");
  return at < 0 ? -1 : at + 4;
}
