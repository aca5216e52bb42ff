import { DECLINED } from "../../../gateway/request/handler.ts";
import type { Verdict } from "../../../gateway/request/handler.ts";
import type { Request } from "../../../gateway/request/request.ts";
import type { Zone } from "../../../gateway/zones/zones.ts";
import type { LimitLogLevel } from "../limit-log-levels.ts";
import { full, limited } from "./connection-counts.ts";
import type { ConnectionCounts } from "./connection-counts.ts";
import type { ConnectionZone } from "./connection-zone.ts";

/** Longer keys are not counted, as in nginx. */
const keyBytesMax = 255;

/** A `limit_conn` directive. */
export interface Limit {
  readonly zone: Zone<ConnectionZone>;
  readonly connections: number;
}

/** What `limit_conn` and its like say of a location; `status` is that of refused requests, `dryRun` refuses none. */
export interface LimitConnSettings {
  limits: readonly Limit[];
  logLevel: LimitLogLevel;
  status: number;
  dryRun: boolean;
}

/** Key in the main request's `moduleState`: what `$limit_conn_status` says. Who has it was judged already. */
export const statusKey = {};
/** Key in the main request's `moduleState`: what it is counted in. */
const holdsKey = {};

interface Hold {
  readonly counts: ConnectionCounts;
  readonly node: number;
}

/** Counts a request until its end, or refuses it. Follows ngx_http_limit_conn_handler. */
export function limitConnections(request: Request, settings: LimitConnSettings): Verdict {
  const { main } = request;
  if (main.moduleState?.has(statusKey) === true) return DECLINED;
  for (const { zone, connections } of settings.limits) {
    const { key, counts, log } = zone.data!;
    const value = key.evaluate(request);
    if (value === "") continue;
    if (value.length > keyBytesMax) {
      const what = `the value of the "${key.text}" key is more than ${keyBytesMax} bytes`;
      request.log("error", `${what}: "${value}"`);
      continue;
    }
    const node = counts!.take(value, connections);
    if (node === full) {
      log.write("crit", `ngx_slab_alloc() failed: no memory in limit_conn_zone "${zone.name}"`);
      return refuse(request, settings);
    }
    if (node === limited) {
      const dryRun = settings.dryRun ? ", dry run," : "";
      request.log(settings.logLevel, `limiting connections${dryRun} by zone "${zone.name}"`);
      return refuse(request, settings);
    }
    hold(main, { counts: counts!, node });
  }
  return DECLINED;
}

/** A main request has ended, or is not to be counted after all. */
export function freeConnections({ moduleState }: Request): void {
  const holds = moduleState?.get(holdsKey) as Hold[] | undefined;
  if (holds === undefined) return;
  moduleState!.delete(holdsKey);
  for (const { counts, node } of holds) counts.free(node);
}

function hold(main: Request, one: Hold): void {
  const state = (main.moduleState ??= new Map());
  const holds = state.get(holdsKey) as Hold[] | undefined;
  if (holds === undefined) state.set(holdsKey, [one]).set(statusKey, "PASSED");
  else holds.push(one);
}

function refuse({ main }: Request, { dryRun, status }: LimitConnSettings): Verdict {
  freeConnections(main);
  (main.moduleState ??= new Map()).set(statusKey, dryRun ? "REJECTED_DRY_RUN" : "REJECTED");
  return dryRun ? DECLINED : status;
}
