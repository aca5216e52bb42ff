import { DECLINED, DONE } from "../../../gateway/request/handler.ts";
import type { Verdict } from "../../../gateway/request/handler.ts";
import { delayRequest } from "../../../gateway/request/request-delay.ts";
import type { Request } from "../../../gateway/request/request.ts";
import type { Zone } from "../../../gateway/zones/zones.ts";
import type { LimitLogLevel } from "../limit-log-levels.ts";
import { oneRequest } from "./request-rates.ts";
import type { Finding, RequestRates } from "./request-rates.ts";
import type { RateZone } from "./rate-zone.ts";

/** Longer keys are not counted, as in nginx. */
const keyBytesMax = 65_535;

/** A `limit_req` directive. */
export interface RateLimit {
  readonly zone: Zone<RateZone>;
  /** Thousandths of requests that may be too many. */
  readonly burst: number;
  /** Thousandths of requests that may be too many before one has to wait. */
  readonly delay: number;
}

/** What `limit_req` and its like say of a location; `status` is that of refused requests, `dryRun` refuses none. */
export interface LimitReqSettings {
  limits: readonly RateLimit[];
  logLevel: LimitLogLevel;
  status: number;
  dryRun: boolean;
}

/** Key in the main request's `moduleState`: what `$limit_req_status` says. Who has it was judged already. */
export const rateStatusKey = {};

const delayLogLevels: Readonly<Record<LimitLogLevel, LimitLogLevel>> = {
  error: "warn",
  warn: "notice",
  notice: "info",
  info: "info",
};

/** Passes, delays or refuses a request. Follows ngx_http_limit_req_handler. */
export function limitRequest(request: Request, settings: LimitReqSettings): Verdict {
  if (request.main.moduleState?.has(rateStatusKey) === true) return DECLINED;
  const { limits } = settings;
  const nowMs = request.client.gateway.network.clock.wall();
  let finding: Finding | null = null;
  let count = 0;
  try {
    for (const limit of limits) {
      finding = look(request, limit, count === limits.length - 1, nowMs) ?? finding;
      if (finding !== null && finding !== "held") break;
      count += 1;
    }
  } catch (error) {
    letGo(limits);
    throw error;
  }
  if (finding === null) return DECLINED;
  if (finding === "busy" || finding === "no memory") {
    return refuse(request, settings, finding === "busy" ? limits[count]! : null);
  }
  return admit(request, settings, finding === "passed" ? limits[count]! : null, nowMs);
}

/** Null when the limit does not apply to the request. */
function look(request: Request, limit: RateLimit, last: boolean, nowMs: number): Finding | null {
  const { key, log } = limit.zone.data!;
  const value = key.evaluate(request);
  if (value === "") return null;
  if (value.length > keyBytesMax) {
    const what = `the value of the "${key.text}" key is more than ${keyBytesMax} bytes`;
    request.log("error", `${what}: "${value}"`);
    return null;
  }
  const finding = ratesOf(limit).look(value, limit.burst, last, nowMs);
  if (finding === "no memory") {
    log.write("alert", `could not allocate node in limit_req zone "${limit.zone.name}"`);
  }
  return finding;
}

/** `limit`: the one that was exceeded; null for want of memory. */
function refuse(request: Request, settings: LimitReqSettings, limit: RateLimit | null): Verdict {
  const { limits, logLevel, dryRun, status } = settings;
  if (limit !== null) {
    const excess = inRequests(ratesOf(limit).excess);
    const what = `limiting requests${dryRun ? ", dry run" : ""}, excess: ${excess}`;
    request.log(logLevel, `${what} by zone "${limit.zone.name}"`);
  }
  letGo(limits);
  setStatus(request, dryRun ? "REJECTED_DRY_RUN" : "REJECTED");
  return dryRun ? DECLINED : status;
}

/** Counts the request with all limits, and has it wait for the slowest. `last`: the one that has counted it. */
function admit(
  request: Request,
  { limits, logLevel, dryRun }: LimitReqSettings,
  last: RateLimit | null,
  nowMs: number,
): Verdict {
  let slowest = last;
  let delayMs = last === null ? 0 : delayOf(last);
  for (let index = limits.length - 1; index >= 0; index--) {
    const limit = limits[index]!;
    if (!ratesOf(limit).account(nowMs) || delayOf(limit) <= delayMs) continue;
    delayMs = delayOf(limit);
    slowest = limit;
  }
  if (delayMs === 0 || slowest === null) {
    setStatus(request, "PASSED");
    return DECLINED;
  }
  const excess = inRequests(ratesOf(slowest).excess);
  const what = `delaying request${dryRun ? ", dry run" : ""}, excess: ${excess}`;
  request.log(delayLogLevels[logLevel], `${what}, by zone "${slowest.zone.name}"`);
  setStatus(request, dryRun ? "DELAYED_DRY_RUN" : "DELAYED");
  if (dryRun) return DECLINED;
  // The phase begins again then, and here finds the request judged.
  delayRequest(request, delayMs, () => request.resume());
  return DONE;
}

/** Milliseconds until a request that was just counted is due. */
function delayOf(limit: RateLimit): number {
  const { excess, rate } = ratesOf(limit);
  return excess <= limit.delay ? 0 : Math.floor(((excess - limit.delay) * 1000) / rate);
}

function letGo(limits: readonly RateLimit[]): void {
  for (const limit of limits) ratesOf(limit).letGo();
}

function ratesOf({ zone }: RateLimit): RequestRates {
  return zone.data!.rates!;
}

function setStatus({ main }: Request, status: string): void {
  (main.moduleState ??= new Map()).set(rateStatusKey, status);
}

/** "1.500" */
function inRequests(thousandths: number): string {
  const rest = thousandths % oneRequest;
  return `${(thousandths - rest) / oneRequest}.${String(rest).padStart(3, "0")}`;
}
