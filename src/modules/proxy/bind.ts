import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { LocalEndpoint } from "../../gateway/upstream/exchange.ts";
import { formatIp } from "../../net/address.ts";
import { parseInetPort } from "../../net/inet.ts";
import type { ProxyLocation } from "./settings.ts";

/**
 * `proxy_bind address[:port] [transparent] | off;`
 * @throws ConfigError for an address that is none, and for `transparent`
 */
export function proxyBind(scope: Scope, directive: Directive, settings: Partial<ProxyLocation>): void {
  if (settings.bind !== undefined) return refuse(scope, directive, "is duplicate");
  const [address = "", word] = directive.args;
  if (word === undefined && address === "off") {
    settings.bind = null;
    return;
  }
  const value = valueOf(scope, address);
  if (value.constant !== null && localEndpoint(value.constant) === null)
    scope.fail(`invalid address "${address}"`);
  if (word === "transparent") {
    return scope.fail(
      'the "transparent" parameter of the "proxy_bind" directive is not supported by longhaul',
    );
  }
  if (word !== undefined) scope.fail(`invalid parameter "${word}"`);
  settings.bind = value;
}

/** Where connections for this request leave from; null for whatever the system takes. */
export function localEndpointFor(request: Request, bind: Value | null): LocalEndpoint | null {
  const text = bind?.evaluate(request) ?? "";
  if (text === "") return null;
  const endpoint = localEndpoint(text);
  if (endpoint === null) request.log("error", `invalid local address "${text}"`);
  return endpoint;
}

function localEndpoint(text: string): LocalEndpoint | null {
  const parsed = parseInetPort(text);
  return parsed === null ? null : { address: formatIp(parsed.ip), port: parsed.port, text };
}
