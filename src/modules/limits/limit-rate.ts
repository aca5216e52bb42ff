/**
 * The directives of ngx_http_core_module that slow answers down.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#limit_rate
 */
import type { Context } from "../../config/module.ts";
import { slots } from "../../config/slots.ts";
import { parseSize } from "../../config/values.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";

interface LimitRateSettings {
  limitRate: Value | null;
  limitRateAfter: Value | null;
}

const contexts: readonly Context[] = ["http", "server", "location", "if in location"];
const slot = slots<LimitRateSettings>((scope) => scope.location(limitRate));

export const limitRate: HttpModule<object, object, LimitRateSettings> = {
  name: "ngx_http_core_module",
  directives: [
    {
      name: "limit_rate",
      contexts,
      args: "1",
      default: "0",
      doc: "Bytes per second that an answer goes out with at most; 0 for no limit.",
      set: slot.sizeValue("limitRate", (scope) => buildOf(scope).variables),
    },
    {
      name: "limit_rate_after",
      contexts,
      args: "1",
      default: "0",
      doc: "Bytes of an answer that go out before its rate is limited.",
      set: slot.sizeValue("limitRateAfter", (scope) => buildOf(scope).variables),
    },
  ],
  location: { defaults: () => ({ limitRate: null, limitRateAfter: null }) },
  variables: [{ name: "limit_rate", volatile: true, changeable: true, get: rateText, set: setRate }],
  attach(location, settings) {
    location.headerFilters.push((request) => slowDown(request, settings));
  },
};

function slowDown(request: Request, { limitRate: rate, limitRateAfter: after }: LimitRateSettings): void {
  if (request.parent !== null) return;
  const { response } = request;
  const bytesPerSecond = response.limitRate ?? sizeOf(rate, request);
  if (bytesPerSecond === 0 || response.upgraded) return;
  response.limitTo({ bytesPerSecond, freeBytes: sizeOf(after, request), startMs: request.startMs });
}

function sizeOf(value: Value | null, request: Request): number {
  return value === null ? 0 : (parseSize(value.evaluate(request)) ?? 0);
}

/** The directive counts from the moment on when the answer begins. */
function rateText(request: Request): string {
  const { response, location } = request;
  const { limitRate: rate } = location.settings.get(limitRate) as LimitRateSettings;
  return String(response.limitRate ?? (response.headSent ? sizeOf(rate, request) : 0));
}

function setRate(request: Request, value: string): void {
  const rate = parseSize(value);
  if (rate === null) request.log("error", `invalid $limit_rate "${value}"`);
  else request.response.limitRate = rate;
}
