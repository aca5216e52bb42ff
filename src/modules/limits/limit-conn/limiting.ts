import { DECLINED } from "../../../gateway/request/handler.ts";
import type { Verdict } from "../../../gateway/request/handler.ts";
import type { Holder } from "../../../gateway/request/holders.ts";
import type { Request } from "../../../gateway/request/request.ts";
import type { Zone } from "../../../gateway/zones/zones.ts";
import type { LimitLogLevel } from "../limit-log-levels.ts";
import { full, limited } from "./connection-counts.ts";
import type { ConnectionCounts } from "./connection-counts.ts";
import type { ConnectionZone } from "./connection-zone.ts";

/** Longer keys are not counted, as in nginx. */
const keyBytesMax = 255;

/** A `limit_conn` directive. */
export interface CountLimit {
  readonly zone: Zone<ConnectionZone>;
  readonly connections: number;
}

/** What `limit_conn` and its like say of a location; `status` is that of refused requests, `dryRun` refuses none. */
export interface LimitConnSettings {
  limits: readonly CountLimit[];
  logLevel: LimitLogLevel;
  status: number;
  dryRun: boolean;
}

/** Key in the main request's `moduleState`: what `$limit_conn_status` says. Who has it was judged already. */
export const countStatusKey = {};

/** That a request is counted for a key, until it ends. */
class Hold implements Holder {
  /** The one that the same request was counted by before. */
  readonly previous: Hold | null;
  private counts: ConnectionCounts | null;
  private readonly node: number;

  constructor(counts: ConnectionCounts, node: number, previous: Hold | null) {
    this.counts = counts;
    this.node = node;
    this.previous = previous;
  }

  onRequestEnd(): void {
    const { counts } = this;
    this.counts = null;
    counts?.free(this.node);
  }
}

/** Counts a request until its end, or refuses it. Follows ngx_http_limit_conn_handler. */
export function limitConnections(request: Request, settings: LimitConnSettings): Verdict {
  const { main } = request;
  if (main.moduleState?.has(countStatusKey) === true) return DECLINED;
  let hold: Hold | null = null;
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
      return refuse(request, settings, hold);
    }
    if (node === limited) {
      const dryRun = settings.dryRun ? ", dry run," : "";
      request.log(settings.logLevel, `limiting connections${dryRun} by zone "${zone.name}"`);
      return refuse(request, settings, hold);
    }
    hold = new Hold(counts!, node, hold);
    main.onEnd(hold);
    setStatus(main, "PASSED");
  }
  return DECLINED;
}

/** What it was counted by before, it is not after all. */
function refuse({ main }: Request, { dryRun, status }: LimitConnSettings, last: Hold | null): Verdict {
  for (let hold = last; hold !== null; hold = hold.previous) {
    main.offEnd(hold);
    hold.onRequestEnd();
  }
  setStatus(main, dryRun ? "REJECTED_DRY_RUN" : "REJECTED");
  return dryRun ? DECLINED : status;
}

function setStatus(main: Request, status: string): void {
  (main.moduleState ??= new Map()).set(countStatusKey, status);
}
