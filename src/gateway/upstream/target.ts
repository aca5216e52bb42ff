/** Where a `*_pass` directive leads, as the configuration says it. The same for all protocols. */
import { compileValue } from "../../config/complex-value.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { parseUrl } from "../../config/url.ts";
import type { ParsedUrl } from "../../config/url.ts";
import type { VariableRegistry } from "../../config/variable-registry.ts";
import type { Request } from "../request/request.ts";
import type { Value } from "../serve/settings.ts";
import type { UpstreamBuild, UpstreamDraft } from "./draft.ts";
import { referToUpstream } from "./target-upstream.ts";
import type { Upstream } from "./upstream.ts";

/** What an address begins with, and what follows from that. */
export interface Scheme {
  /** "https://"; lower case. Log lines begin addresses with it. */
  readonly prefix: string;
  /** 0: the port must be written, as for `fastcgi_pass`. */
  readonly defaultPort: number;
  /** The server is spoken to by TLS. */
  readonly tls: boolean;
}

/** The addresses that a `*_pass` takes. */
export interface AddressForm {
  readonly schemes: readonly Scheme[];
  /** What holds for addresses without a scheme; null: they must have one. */
  readonly withoutScheme: Scheme | null;
  /** A path may follow host and port. */
  readonly allowUri: boolean;
}

/** Where one request goes. */
export interface Target {
  readonly scheme: Scheme;
  readonly upstream: Upstream;
  /** Host and port as the address has them, without the port that is the scheme's own: `$proxy_host`. */
  readonly host: string;
  /** `$proxy_port`; "" for unix sockets. */
  readonly port: string;
  /** Path and arguments of the address; "" when it has none. */
  readonly uri: string;
}

/** An address without variables. */
export interface FixedPass extends Omit<Target, "upstream"> {
  /** As written. */
  readonly url: string;
  readonly variable: null;
  readonly draft: UpstreamDraft;
}

/** An address with variables: it is worked out for each request. */
export interface VariablePass {
  /** As written. */
  readonly url: string;
  readonly variable: Value;
}

/** Where a `*_pass` leads: `variable` tells which of the two it is. */
export type Pass = FixedPass | VariablePass;

/** What the reading of a `*_pass` needs of its configuration. */
export interface PassBuild extends UpstreamBuild {
  readonly variables: VariableRegistry<Request>;
}

/**
 * Reads the argument of a `*_pass`.
 *
 * @throws ConfigError in nginx's words
 */
export function readPass(scope: Scope, directive: Directive, build: PassBuild, form: AddressForm): Pass {
  const url = directive.args[0]!;
  if (url.includes("$")) return { url, variable: compileValue(build.variables, url, scope) };
  const split = splitScheme(url, form);
  if (split === null) return scope.fail("invalid URL prefix");
  const { scheme, rest } = split;
  const parsed = parseAddress(split, form);
  if (typeof parsed === "string") return scope.fail(`${parsed} in upstream "${rest}"`);
  const draft = referToUpstream(scope, build, parsed, directive);
  return { url, variable: null, draft, scheme, ...partsOfAddress(parsed, scheme) };
}

/** Null where there must be a scheme, and there is none. `rest`: what follows it. */
export function splitScheme(
  url: string,
  { schemes, withoutScheme }: AddressForm,
): { readonly scheme: Scheme; readonly rest: string } | null {
  for (const scheme of schemes) {
    const { length } = scheme.prefix;
    if (url.slice(0, length).toLowerCase() === scheme.prefix) return { scheme, rest: url.slice(length) };
  }
  return withoutScheme === null ? null : { scheme: withoutScheme, rest: url };
}

/** What follows the scheme, or nginx's complaint of it. */
export function parseAddress(
  { scheme, rest }: { readonly scheme: Scheme; readonly rest: string },
  { allowUri }: AddressForm,
): ParsedUrl | string {
  return parseUrl(rest, { defaultPort: scheme.defaultPort, allowUri });
}

/** What a target has of its address. */
export function partsOfAddress(
  url: ParsedUrl,
  { defaultPort }: Scheme,
): Pick<Target, "host" | "port" | "uri"> {
  const uri = url.uri.startsWith("?") ? `/${url.uri}` : url.uri;
  if (url.kind === "unix") return { host: "localhost", port: "", uri };
  const host = url.port === defaultPort ? url.hostText : `${url.hostText}:${url.port}`;
  return { host, port: String(url.port), uri };
}
