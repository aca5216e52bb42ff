/**
 * Whether an answer to a request may be compressed: the directives of ngx_http_core_module that all
 * gzip modules obey.
 * https://nginx.org/en/docs/http/ngx_http_gzip_module.html
 */
import type { Context } from "../../../config/module.ts";
import type { CompiledRegex } from "../../../config/regex.ts";
import type { Scope } from "../../../config/scope.ts";
import { slots } from "../../../config/slots.ts";
import type { Directive } from "../../../config/tree.ts";
import { buildOf } from "../../../gateway/build/http-build.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { readAgent } from "../../../gateway/request/user-agent.ts";
import { parseHttpDate } from "../../../http/date.ts";

const proxiedWords = [
  "off",
  "expired",
  "no-cache",
  "no-store",
  "private",
  "no_last_modified",
  "no_etag",
  "auth",
  "any",
] as const;
type ProxiedWord = (typeof proxiedWords)[number];

interface GzipConditions {
  vary: boolean;
  httpVersion: number;
  proxied: ReadonlySet<ProxiedWord>;
  /** User agents that get no compressed answers. */
  disable: readonly CompiledRegex[];
  /** Nor do old versions of Internet Explorer. Inherited apart from the others, as in nginx. */
  disableMsie6: boolean;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<GzipConditions>((scope) => scope.location(gzipConditions));

export const gzipConditions: HttpModule<object, object, GzipConditions> = {
  name: "ngx_http_core_module",
  directives: [
    {
      name: "gzip_vary",
      contexts,
      args: "flag",
      default: "off",
      doc: 'Whether "Vary: Accept-Encoding" tells caches that the answer could be compressed.',
      set: slot.flag("vary"),
    },
    {
      name: "gzip_http_version",
      contexts,
      args: "1",
      default: "1.1",
      doc: "The version of HTTP that a request must at least have for a compressed answer.",
      set: slot.word("httpVersion", { "1.0": 1000, "1.1": 1001 }),
    },
    {
      name: "gzip_proxied",
      contexts,
      args: "1+",
      default: "off",
      doc: "When requests that came through a proxy (they have Via) get compressed answers.",
      set: slot.words("proxied", proxiedWords),
    },
    {
      name: "gzip_disable",
      contexts,
      args: "1+",
      default: null,
      inherited: "by part",
      doc: "Regular expressions for user agents that get no compressed answers.",
      set: disable,
    },
  ],
  location: {
    defaults: () => ({
      vary: false,
      httpVersion: 1001,
      proxied: new Set(["off"] as const),
      disable: [],
      disableMsie6: false,
    }),
  },
};

function disable(scope: Scope, { args }: Directive): void {
  const settings = scope.location(gzipConditions);
  const { variables } = buildOf(scope);
  const patterns = args.filter((arg) => arg !== "msie6");
  const added = patterns.map((pattern) => variables.regex(pattern, true, scope));
  settings.disable = [...(settings.disable ?? []), ...added];
  if (args.includes("msie6")) settings.disableMsie6 = true;
}

/** Whether `gzip_vary` wants answers to say that they depend on Accept-Encoding. */
export function variesByEncoding(request: Request): boolean {
  return conditionsOf(request).vary;
}

function conditionsOf({ location }: Request): GzipConditions {
  return location.settings.get(gzipConditions) as GzipConditions;
}

/**
 * Whether the client may be given gzip, by its fields and by `gzip_proxied` and its like. Follows
 * ngx_http_gzip_ok.
 */
export function gzipAllowed(request: Request): boolean {
  const accepted = request.fields.get("accept-encoding");
  if (request.parent !== null || accepted === null || !acceptsGzip(accepted)) return false;
  const { httpVersion, proxied, disable: agents, disableMsie6 } = conditionsOf(request);
  const { versionMajor, versionMinor } = request.head;
  if (versionMajor * 1000 + versionMinor < httpVersion) return false;
  if (request.fields.has("via") && !allowedThroughProxies(request, proxied)) return false;
  const agent = request.fields.get("user-agent");
  if (agent === null) return true;
  return (
    !(disableMsie6 && readAgent(agent).msie6) &&
    !agents.some((regex) => request.testRegex(regex, agent, true))
  );
}

function allowedThroughProxies(request: Request, words: ReadonlySet<ProxiedWord>): boolean {
  if (words.has("off")) return false;
  if (words.has("any")) return true;
  if (words.has("auth") && request.fields.has("authorization")) return true;
  const { fields, lastModifiedSeconds } = request.response;
  const expires = fields.get("expires");
  if (expires !== null) {
    const ms = words.has("expired") ? parseHttpDate(expires) : null;
    return ms !== null && ms < request.client.gateway.network.clock.wall();
  }
  const control = fields.getJoined("cache-control");
  if (control !== null) {
    const said = control.toLowerCase();
    return (["no-cache", "no-store", "private"] as const).some(
      (word) => words.has(word) && said.includes(word),
    );
  }
  const modified = lastModifiedSeconds >= 0 || fields.has("last-modified");
  if (words.has("no_last_modified") && modified) return false;
  return !(words.has("no_etag") && fields.has("etag"));
}

/** "gzip" among the codings of Accept-Encoding, unless with a weight of zero. */
export function acceptsGzip(field: string): boolean {
  const match = /(?:^|[ ,])gzip(?=[ ,;]|$)(?: *; *q= *([^ ,]*))?/i.exec(field);
  if (match === null) return false;
  const [, weight] = match;
  return weight === undefined || /^(?:0?\.0{0,2}[1-9]\d{0,2}|0\.\d{0,2}[1-9]|1(?:\.0{0,3})?)$/.test(weight);
}
