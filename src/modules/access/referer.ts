/**
 * ngx_http_referer_module: whether a request comes from a page that may send it.
 * https://nginx.org/en/docs/http/ngx_http_referer_module.html
 */
import { ConfigError } from "../../config/errors.ts";
import { RegexFailure } from "../../config/regex.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import { lowerAscii } from "../../http/fields.ts";
import { MapTable } from "../variables/map-table.ts";

/** The pages of one level. */
class Referers {
  none = false;
  blocked = false;
  /** The names of the server that answers count, too. */
  serverNames = false;
  /** By host name; the value is how the path must begin, "" for any. */
  readonly hosts = new MapTable<string>();
  readonly regexes: CompiledRegex[] = [];
  hasHosts = false;
}

interface RefererSettings {
  referers: Referers | null;
  hashMaxSize: number;
  hashBucketSize: number;
}

const slot = slots<RefererSettings>((scope) => scope.location(referer));
const hostBytesMax = 256;

export const referer: HttpModule<object, object, RefererSettings> = {
  name: "ngx_http_referer_module",
  directives: [
    {
      name: "valid_referers",
      contexts: ["server", "location"],
      args: "1+",
      default: null,
      doc: "Which pages may send requests; $invalid_referer tells of all others.",
      set: addReferers,
    },
    {
      name: "referer_hash_max_size",
      contexts: ["server", "location"],
      args: "1",
      default: "2048",
      hasNoEffect: true,
      doc: "Accepted without effect: look-up tables grow as needed.",
      set: slot.number("hashMaxSize"),
    },
    {
      name: "referer_hash_bucket_size",
      contexts: ["server", "location"],
      args: "1",
      default: "64",
      hasNoEffect: true,
      doc: "Accepted without effect: look-up tables grow as needed.",
      set: slot.number("hashBucketSize"),
    },
  ],
  location: {
    defaults: () => ({ referers: null, hashMaxSize: 2048, hashBucketSize: 64 }),
    finish({ referers }) {
      if (referers === null || namesSome(referers)) return;
      const directive = '"none" or "blocked" referers are specified in the "valid_referers" directive';
      throw new ConfigError(`the ${directive} without any valid referer`, "", 0);
    },
  },
  variables: [{ name: "invalid_referer", get: (request) => (isValid(request) ? "" : "1") }],
};

function namesSome({ hasHosts, serverNames, regexes }: Referers): boolean {
  return hasHosts || serverNames || regexes.length > 0;
}

function isValid(request: Request): boolean {
  const { referers } = request.location.settings.get(referer) as RefererSettings;
  if (referers === null) return true;
  const text = request.fields.get("referer");
  if (text === null) return referers.none;
  const scheme = text.length >= "http://i.ru".length ? /^https?:\/\//i.exec(text) : null;
  if (scheme === null) return referers.blocked;
  const rest = text.slice(scheme[0].length);
  const host = /^[^/:]*/.exec(rest)![0];
  if (host.length > hostBytesMax) return false;
  const start = findHost(request, referers, lowerAscii(host));
  if (start !== undefined) return start === "" || pathOf(rest).startsWith(start);
  return matchesSome(request, referers.regexes, rest);
}

/** What cannot be matched is no valid page: nginx lets it pass. */
function matchesSome(request: Request, regexes: readonly CompiledRegex[], rest: string): boolean {
  try {
    return regexes.some((regex) => request.testRegex(regex, rest));
  } catch (error) {
    if (error instanceof RegexFailure) return false;
    throw error;
  }
}

/** How the path must begin for this host; undefined when the host is unknown. */
function findHost(request: Request, { hosts, serverNames }: Referers, host: string): string | undefined {
  const found = hosts.find(host, () => false);
  if (found !== undefined || !serverNames) return found;
  const named = request.server.names.some((name) => {
    if (name.kind === "exact") return name.text === host;
    if (name.kind === "head") return host.endsWith(name.text) || (name.bare && host === name.text.slice(1));
    return name.kind === "tail" ? host.startsWith(name.text) : request.testRegex(name.regex, host, false);
  });
  return named ? "" : undefined;
}

function pathOf(rest: string): string {
  const slash = rest.indexOf("/");
  return slash < 0 ? "" : rest.slice(slash);
}

function addReferers(scope: Scope, { args }: Directive): void {
  const referers = (scope.location(referer).referers ??= new Referers());
  for (const arg of args) addReferer(referers, arg, scope);
}

function addReferer(referers: Referers, text: string, scope: Scope): void {
  if (text === "") scope.fail(`invalid referer "${text}"`);
  if (text === "none") referers.none = true;
  else if (text === "blocked") referers.blocked = true;
  else if (text === "server_names") referers.serverNames = true;
  else if (text.startsWith("~")) {
    if (text === "~") scope.fail('empty regex in "~"');
    referers.regexes.push(buildOf(scope).variables.regex(text.slice(1), true, scope));
  } else addHost(referers, text, scope);
}

function addHost(referers: Referers, text: string, scope: Scope): void {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.slice(0, slash);
  const fault = referers.hosts.add(host, slash < 0 ? "" : text.slice(slash), true);
  if (fault !== null) scope.fail(`${fault} "${host}"`);
  referers.hasHosts = true;
}
