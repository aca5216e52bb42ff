import { isIP } from "node:net";
import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { valueOf } from "../../gateway/http-build.ts";
import type { Request } from "../../gateway/request.ts";
import type { Value } from "../../gateway/settings.ts";
import type { ProxyLocation } from "./settings.ts";

/** `proxy_bind address | off;` */
export function proxyBind(scope: Scope, directive: Directive, settings: Partial<ProxyLocation>): void {
  if (settings.bind !== undefined) return refuse(scope, directive, "is duplicate");
  const [address = "", word] = directive.args;
  if (word === undefined && address === "off") {
    settings.bind = null;
    return;
  }
  const value = valueOf(scope, address);
  if (value.constant !== null && localAddressOf(value.constant) === null)
    scope.fail(`invalid address "${address}"`);
  if (word === "transparent") {
    return scope.fail(
      'the "transparent" parameter of the "proxy_bind" directive is not supported by longhaul',
    );
  }
  if (word !== undefined) scope.fail(`invalid parameter "${word}"`);
  settings.bind = value;
}

/** The address that connections for this request leave from; null for whichever the system takes. */
export function localAddressFor(request: Request, bind: Value | null): string | null {
  const text = bind?.evaluate(request) ?? "";
  if (text === "") return null;
  const address = localAddressOf(text);
  if (address === null) request.log("error", `invalid local address "${text}"`);
  return address;
}

/** An IP address; a port behind it is left to the system, or every second connection would fail. */
function localAddressOf(text: string): string | null {
  if (isIP(text) !== 0) return text;
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? "";
  return isIP(address) === 0 ? null : address;
}
