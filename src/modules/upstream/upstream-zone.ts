/**
 * ngx_http_upstream_zone_module: a zone for the state of an upstream's servers. That state is the same for all
 * workers with or without it, so the zone only takes its name.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#zone
 */
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { zoneSize } from "../../gateway/zones/zones.ts";
import type { ZoneUse } from "../../gateway/zones/zones.ts";
import { upstreamDraftOf } from "./upstream.ts";

export const upstreamZone: HttpModule = {
  name: "ngx_http_upstream_zone_module",
  directives: [
    {
      name: "zone",
      contexts: ["upstream"],
      args: "1,2",
      default: null,
      doc: "Names a zone for the state of the servers, which all workers share in any case.",
      set: zoneDirective,
    },
  ],
};

const peersUse: ZoneUse<null> = { name: "upstream" };

function zoneDirective(scope: Scope, { args: [name = "", size] }: Directive): void {
  if (name === "") scope.fail(`invalid zone name "${name}"`);
  const bytes = size === undefined ? 0 : zoneSize(scope, size, { invalid: size, small: name });
  buildOf(scope).zones.add(scope, peersUse, name, bytes);
  upstreamDraftOf(scope).zone = name;
}
