/**
 * ngx_http_access_module: lets clients in, or not, by their addresses.
 * https://nginx.org/en/docs/http/ngx_http_access_module.html
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { append } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { DECLINED, OK } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { cidrContains, parseCidr, parseIp } from "../../net/address.ts";
import type { Cidr } from "../../net/address.ts";

interface Rule {
  readonly clients: "all" | "unix" | Cidr;
  readonly allow: boolean;
}

interface AccessSettings {
  rules: readonly Rule[];
}

const contexts: readonly Context[] = ["http", "server", "location", "limit_except"];

export const access: HttpModule<object, object, AccessSettings> = {
  name: "ngx_http_access_module",
  directives: [
    {
      name: "allow",
      contexts,
      args: "1",
      default: null,
      doc: "Lets clients of an address or network in. The first rule that names a client counts.",
      set: ruleDirective,
    },
    {
      name: "deny",
      contexts,
      args: "1",
      default: null,
      doc: "Keeps clients of an address or network out. The first rule that names a client counts.",
      set: ruleDirective,
    },
  ],
  location: { defaults: () => ({ rules: [] }) },
  attach(location, { rules }) {
    if (rules.length > 0) location.access.push((request) => judge(request, rules));
  },
};

function judge(request: Request, rules: readonly Rule[]): Verdict {
  const { family, address } = request.origin.remote;
  const ip = family === "unix" ? null : parseIp(address);
  const rule = rules.find(({ clients }) => clients === "all" || matches(clients, ip));
  if (rule === undefined) return DECLINED;
  if (rule.allow) return OK;
  if (request.location.core.satisfy === "all") request.log("error", "access forbidden by rule");
  return 403;
}

function matches(clients: "unix" | Cidr, ip: Buffer | null): boolean {
  if (clients === "unix") return ip === null;
  return ip !== null && cidrContains(clients, ip);
}

function ruleDirective(scope: Scope, { name, args }: Directive): void {
  const [text = ""] = args;
  const settings = scope.location(access);
  settings.rules = append(settings.rules, { clients: clientsOf(scope, text), allow: name === "allow" });
}

function clientsOf(scope: Scope, text: string): Rule["clients"] {
  if (text === "all") return "all";
  if (text === "unix:") return "unix";
  const cidr = parseCidr(text);
  if (cidr === null) return scope.fail(`invalid parameter "${text}"`);
  if (cidr.hadLowBits) scope.warn(`low address bits of ${text} are meaningless`);
  return cidr;
}
