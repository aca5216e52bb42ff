/**
 * ngx_http_limit_req_module: limits how many requests per second there are for each value of a key.
 * https://nginx.org/en/docs/http/ngx_http_limit_req_module.html
 */
import type { Context } from "../../../config/module.ts";
import type { Scope } from "../../../config/scope.ts";
import { refuse, slots } from "../../../config/slots.ts";
import type { Directive } from "../../../config/tree.ts";
import { parseNumber } from "../../../config/values.ts";
import { buildOf, valueOf } from "../../../gateway/build/http-build.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { zoneArgument } from "../../../gateway/zones/zones.ts";
import type { Zone } from "../../../gateway/zones/zones.ts";
import type { RateZone } from "./rate-zone.ts";
import { limitLogLevels } from "../limit-log-levels.ts";
import { limitRequest, rateStatusKey } from "./limiting.ts";
import type { RateLimit, LimitReqSettings } from "./limiting.ts";
import { rateZoneUse } from "./rate-zone.ts";
import { oneRequest } from "./request-rates.ts";

const contexts: readonly Context[] = ["http", "server", "location"];
const settings = slots<LimitReqSettings>((scope) => scope.location(limitReq));

export const limitReq: HttpModule<object, object, LimitReqSettings> = {
  name: "ngx_http_limit_req_module",
  directives: [
    {
      name: "limit_req_zone",
      contexts: ["http"],
      args: "3",
      default: null,
      doc: "Declares a zone: the key that requests are counted by, its size, and the rate.",
      set: zoneDirective,
    },
    {
      name: "limit_req",
      contexts,
      args: "1,2,3",
      default: null,
      doc: "Limits requests by a zone's rate; a burst is delayed, unless told otherwise, and the rest refused.",
      set: limitDirective,
    },
    {
      name: "limit_req_log_level",
      contexts,
      args: "1",
      default: "error",
      doc: "Level of the log line for a refused request; that for a delayed one is one step lower.",
      set: settings.word("logLevel", limitLogLevels),
    },
    {
      name: "limit_req_status",
      contexts,
      args: "1",
      default: "503",
      doc: "Status that refused requests are answered with.",
      set: settings.number("status", { min: 400, max: 599 }),
    },
    {
      name: "limit_req_dry_run",
      contexts,
      args: "flag",
      default: "off",
      doc: "Counts and logs, but neither delays nor refuses.",
      set: settings.flag("dryRun"),
    },
  ],
  location: {
    defaults: () => ({ limits: [], logLevel: "error", status: 503, dryRun: false }),
  },
  variables: [
    {
      name: "limit_req_status",
      volatile: true,
      get: (request: Request) => (request.main.moduleState?.get(rateStatusKey) as string | undefined) ?? null,
    },
  ],
  attach(location, own) {
    if (own.limits.length > 0) location.preaccess.push((request) => limitRequest(request, own));
  },
};

function zoneDirective(scope: Scope, directive: Directive): void {
  const [text = "", ...parameters] = directive.args;
  const key = valueOf(scope, text);
  let named = { name: "", size: 0 };
  let rate = { requests: 1, seconds: 1 };
  for (const parameter of parameters) {
    if (parameter.startsWith("zone=")) named = zoneArgument(scope, parameter);
    else if (parameter.startsWith("rate=")) rate = rateOf(scope, parameter);
    else scope.fail(`invalid parameter "${parameter}"`);
  }
  if (named.name === "") scope.fail(`"${directive.name}" must have "zone" parameter`);
  const build = buildOf(scope);
  const zone = build.zones.add(scope, rateZoneUse, named.name, named.size);
  if (zone.data !== null) {
    scope.fail(`${directive.name} "${zone.name}" is already bound to key "${zone.data.key.text}"`);
  }
  zone.data = {
    key,
    rate: Math.floor((rate.requests * oneRequest) / rate.seconds),
    log: build.mainErrorLog,
    worker: build.worker,
    rates: null,
  };
}

function rateOf(scope: Scope, parameter: string): { requests: number; seconds: number } {
  const seconds = parameter.endsWith("r/m") ? 60 : 1;
  const text = parameter.slice("rate=".length).replace(/r\/[sm]$/, "");
  const requests = parseNumber(text) ?? 0;
  return requests > 0 ? { requests, seconds } : scope.fail(`invalid rate "${parameter}"`);
}

function limitDirective(scope: Scope, directive: Directive): void {
  let zone: Zone<RateZone> | null = null;
  let burst = 0;
  let delay = 0;
  for (const parameter of directive.args) {
    if (parameter.startsWith("zone=")) {
      zone = buildOf(scope).zones.add(scope, rateZoneUse, parameter.slice("zone=".length), 0);
    } else if (parameter.startsWith("burst=")) burst = requestsOf(scope, "burst", parameter);
    else if (parameter.startsWith("delay=")) delay = requestsOf(scope, "delay", parameter);
    else if (parameter === "nodelay") delay = Infinity;
    else scope.fail(`invalid parameter "${parameter}"`);
  }
  if (zone === null) return scope.fail(`"${directive.name}" must have "zone" parameter`);
  const own = scope.location(limitReq);
  const limits = own.limits ?? [];
  if (limits.some((limit) => limit.zone === zone)) refuse(scope, directive, "is duplicate");
  const limit: RateLimit = { zone, burst: burst * oneRequest, delay: delay * oneRequest };
  own.limits = [...limits, limit];
}

function requestsOf(scope: Scope, name: string, parameter: string): number {
  const count = parseNumber(parameter.slice(name.length + 1)) ?? 0;
  return count > 0 ? count : scope.fail(`invalid ${name} value "${parameter}"`);
}
