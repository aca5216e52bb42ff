/**
 * The name servers of ngx_http_core_module, for host names that are known only when a request is there.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseUrl } from "../../config/url.ts";
import { parseSeconds } from "../../config/values.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { NameResolver } from "../../net/name-resolver.ts";
import type { NameServers } from "../../net/name-resolver.ts";
import type { TcpEndpoint } from "../../net/network.ts";
import { httpCore } from "./http-core.ts";
import type { CoreLocation } from "./settings.ts";

const everywhere: readonly Context[] = ["http", "server", "location"];

const location = slots<CoreLocation>((scope) => scope.location(httpCore));

const directives: readonly DirectiveSpec[] = [
  {
    name: "resolver",
    contexts: everywhere,
    args: "1+",
    default: null,
    doc: "Name servers for host names in `proxy_pass` with variables.",
    set: resolverDirective,
  },
  {
    name: "resolver_timeout",
    contexts: everywhere,
    args: "1",
    default: "30s",
    doc: "How long the answer of a name server is waited for.",
    set: location.msec("resolverTimeoutMs"),
  },
];

/** The directives; what they set is the core module's. */
export const resolver: HttpModule = { name: "ngx_http_core_module", directives };

/** `resolver address … [valid=time] [ipv4=on|off] [ipv6=on|off];` */
export function resolverDirective(scope: Scope, directive: Directive): void {
  const settings = scope.location(httpCore);
  if (settings.resolver !== undefined) return refuse(scope, directive, "is duplicate");
  const servers: TcpEndpoint[] = [];
  let options: Omit<NameServers, "servers"> = { ipv4: true, ipv6: true, validSeconds: null };
  for (const arg of directive.args) {
    const option = readOption(scope, arg);
    if (arg.startsWith("status_zone="))
      scope.notice('the "status_zone" parameter has no effect: there is no status of resolvers');
    if (option === null) addServer(scope, directive, arg, servers);
    else options = { ...options, ...option };
  }
  const { ipv4, ipv6 } = options;
  if (!ipv4 && !ipv6) scope.fail('"ipv4" and "ipv6" cannot both be "off"');
  if (!directive.args.some((arg) => readOption(scope, arg) === null)) scope.fail("no name servers defined");
  const { network, mainErrorLog } = buildOf(scope);
  const found = { servers, ...options };
  settings.resolver = new NameResolver(network, found, (text) => mainErrorLog.write("error", text));
}

/** Null for what is not an option but an address. */
function readOption(scope: Scope, arg: string): Partial<NameServers> | null {
  const [, name = "", value = ""] = /^(valid|ipv4|ipv6|status_zone)=(.*)$/s.exec(arg) ?? [];
  const invalid = (): never => scope.fail(`invalid parameter: ${arg}`);
  switch (name) {
    case "":
      return null;
    case "valid":
      return { validSeconds: parseSeconds(value) ?? invalid() };
    case "status_zone":
      return value === "" ? invalid() : {};
    default:
      if (value !== "on" && value !== "off") return invalid();
      return { [name]: value === "on" };
  }
}

/** Name servers may be named; their own names are looked up by the system when all is read. */
function addServer(scope: Scope, directive: Directive, text: string, servers: TcpEndpoint[]): void {
  const url = parseUrl(text, { defaultPort: 53 });
  if (typeof url === "string") return scope.fail(`${url} in resolver "${text}"`);
  if (url.kind === "unix")
    return scope.fail(`unix sockets are not supported by longhaul in resolver "${text}"`);
  const add = (address: string): void => {
    servers.push({ kind: "tcp", address, port: url.port });
  };
  if (url.kind === "ip") return add(url.host);
  buildOf(scope).names.push({
    host: url.host,
    place: directive,
    complaint: `host not found in resolver "${text}"`,
    resolved: (addresses) => addresses.forEach(add),
  });
}
