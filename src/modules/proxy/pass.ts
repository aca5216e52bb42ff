import { parseUrl } from "../../config/url.ts";
import type { ParsedUrl } from "../../config/url.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { locationDraftOf, valueOf } from "../../gateway/build/http-build.ts";
import { referToUpstream } from "../upstream/upstream.ts";
import type { ProxyLocation, ProxyPass } from "./settings.ts";

/**
 * `proxy_pass URL;` Names the upstream at once, or with each request where the URL holds variables.
 * @throws ConfigError in nginx's words
 */
export function proxyPass(scope: Scope, directive: Directive, settings: Partial<ProxyLocation>): void {
  if (settings.pass !== undefined) return refuse(scope, directive, "is duplicate");
  const draft = locationDraftOf(scope);
  if (draft.name.endsWith("/") && (draft.kind === "prefix" || draft.kind === "exact"))
    draft.autoRedirect = true;
  const url = directive.args[0]!;
  if (url.includes("$")) {
    const variable = valueOf(scope, url);
    settings.pass = {
      scheme: "",
      url,
      variable,
      upstream: null,
      uri: "",
      location: draft.name,
      host: "",
      port: "",
    };
    return;
  }
  const target = splitScheme(url);
  if (target === null) return scope.fail("invalid URL prefix");
  const parsed = parseUrl(target.rest, { defaultPort: target.defaultPort, allowUri: true });
  if (typeof parsed === "string") return scope.fail(`${parsed} in upstream "${target.rest}"`);
  const uri = parsed.uri.startsWith("?") ? `/${parsed.uri}` : parsed.uri;
  const plain = draft.kind === "prefix" || draft.kind === "exact";
  if (uri !== "" && !plain) {
    scope.fail(
      '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, ' +
        'or inside "if" statement, or inside "limit_except" block',
    );
  }
  settings.pass = {
    scheme: target.scheme,
    url,
    variable: null,
    upstream: referToUpstream(scope, parsed, directive),
    uri,
    location: plain ? draft.name : "",
    ...hostOf(parsed, target.defaultPort),
  };
}

/** What the Host field says by default: without the port where that is the scheme's own. */
export function hostOf(url: ParsedUrl, defaultPort: number): Pick<ProxyPass, "host" | "port"> {
  if (url.kind === "unix") return { host: "localhost", port: "" };
  const host = url.port === defaultPort ? url.hostText : `${url.hostText}:${url.port}`;
  return { host, port: String(url.port) };
}

/** Takes "http://" or "https://" off a URL, in any case; null for one that begins otherwise. */
export function splitScheme(url: string): { scheme: string; rest: string; defaultPort: number } | null {
  const lower = url.slice(0, 8).toLowerCase();
  if (lower.startsWith("http://")) return { scheme: "http://", rest: url.slice(7), defaultPort: 80 };
  if (lower.startsWith("https://")) return { scheme: "https://", rest: url.slice(8), defaultPort: 443 };
  return null;
}
