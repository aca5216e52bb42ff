/**
 * ngx_http_limit_conn_module: limits how many requests are under way at a time for each value of a key. An
 * open tunnel is such a request.
 * https://nginx.org/en/docs/http/ngx_http_limit_conn_module.html
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
import { limitLogLevels } from "../limit-log-levels.ts";
import { connectionZoneUse } from "./connection-zone.ts";
import { limitConnections, countStatusKey } from "./limiting.ts";
import type { LimitConnSettings } from "./limiting.ts";

const contexts: readonly Context[] = ["http", "server", "location"];
const settings = slots<LimitConnSettings>((scope) => scope.location(limitConn));

export const limitConn: HttpModule<object, object, LimitConnSettings> = {
  name: "ngx_http_limit_conn_module",
  directives: [
    {
      name: "limit_conn_zone",
      contexts: ["http"],
      args: "2",
      default: null,
      doc: "Declares a zone: the key that connections are counted by, and its size.",
      set: zoneDirective,
    },
    {
      name: "limit_conn",
      contexts,
      args: "2",
      default: null,
      doc: "Limits the requests and tunnels of each key that are under way at a time.",
      set: limitDirective,
    },
    {
      name: "limit_conn_log_level",
      contexts,
      args: "1",
      default: "error",
      doc: "Level of the log line for a refused request.",
      set: settings.word("logLevel", limitLogLevels),
    },
    {
      name: "limit_conn_status",
      contexts,
      args: "1",
      default: "503",
      doc: "Status that refused requests are answered with.",
      set: settings.number("status", { min: 400, max: 599 }),
    },
    {
      name: "limit_conn_dry_run",
      contexts,
      args: "flag",
      default: "off",
      doc: "Counts and logs, but does not refuse.",
      set: settings.flag("dryRun"),
    },
  ],
  location: {
    defaults: () => ({ limits: [], logLevel: "error", status: 503, dryRun: false }),
  },
  variables: [
    {
      name: "limit_conn_status",
      volatile: true,
      get: (request: Request) =>
        (request.main.moduleState?.get(countStatusKey) as string | undefined) ?? null,
    },
  ],
  attach(location, own) {
    if (own.limits.length > 0) location.preaccess.push((request) => limitConnections(request, own));
  },
};

function zoneDirective(scope: Scope, directive: Directive): void {
  const [text = "", parameter = ""] = directive.args;
  const key = valueOf(scope, text);
  if (!parameter.startsWith("zone=")) scope.fail(`invalid parameter "${parameter}"`);
  const { name, size } = zoneArgument(scope, parameter);
  if (name === "") scope.fail(`"${directive.name}" must have "zone" parameter`);
  const build = buildOf(scope);
  const zone = build.zones.add(scope, connectionZoneUse, name, size);
  if (zone.data !== null) {
    scope.fail(`${directive.name} "${name}" is already bound to key "${zone.data.key.text}"`);
  }
  zone.data = { key, log: build.mainErrorLog, worker: build.worker, counts: null };
}

function limitDirective(scope: Scope, directive: Directive): void {
  const [name = "", text = ""] = directive.args;
  const zone = buildOf(scope).zones.add(scope, connectionZoneUse, name, 0);
  const own = scope.location(limitConn);
  const limits = own.limits ?? [];
  if (limits.some((limit) => limit.zone === zone)) refuse(scope, directive, "is duplicate");
  const connections = parseNumber(text) ?? 0;
  if (connections <= 0) scope.fail(`invalid number of connections "${text}"`);
  if (connections > 65_535) scope.fail("connection limit must be less 65536");
  own.limits = [...limits, { zone, connections }];
}
