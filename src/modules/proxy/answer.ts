import { RateFilter } from "../../gateway/request/rate-filter.ts";
import { Fields } from "../../http/fields.ts";
import { safeFieldValue } from "../../http/field-value.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { Request } from "../../gateway/request/request.ts";
import { parseSize } from "../../config/values.ts";
import { offerRanges, rangesRefused } from "../static/range-answer.ts";
import { accelRedirect } from "./accel-redirect.ts";
import { rewriteCookie } from "./cookies.ts";
import type { CookieSettings } from "./cookies.ts";
import { refreshUrlStart, rewriteRedirect } from "./redirect.ts";
import type { ProxySettings, RedirectRule } from "./settings.ts";
import type { Value } from "../../gateway/serve/settings.ts";

/** Fields of an answer that concern the upstream connection. */
const hopByHop = ["connection", "keep-alive", "transfer-encoding"];
/** Hidden unless `proxy_pass_header` lets them through. */
const hiddenByDefault = [
  "date",
  "server",
  "x-pad",
  "x-accel-expires",
  "x-accel-redirect",
  "x-accel-limit-rate",
  "x-accel-buffering",
  "x-accel-charset",
];

const keptFields = new Set([
  "content-type",
  "set-cookie",
  "content-disposition",
  "cache-control",
  "expires",
  "accept-ranges",
]);

/**
 * Takes over an answer's head: what `proxy_hide_header` and its like leave of it. A function as result
 * goes on with the request at the place that X-Accel-Redirect names.
 */
export interface HeadAcceptor {
  (request: Request, head: ResponseHead): (() => void) | null;
}

/** Names of fields, in lower case, that are kept from the client. */
export function hiddenFields(settings: ProxySettings): ReadonlySet<string> {
  const passed = new Set(settings.passHeaders.map((name) => name.toLowerCase()));
  return new Set([
    ...hopByHop,
    ...hiddenByDefault.filter((name) => !passed.has(name)),
    ...settings.hideHeaders.map((name) => name.toLowerCase()).filter((name) => !passed.has(name)),
  ]);
}

/**
 * Makes of a location's settings, once, what takes over the heads of its answers. `hidden`: names in lower
 * case, of `hiddenFields`.
 */
export function compileAnswer(
  settings: ProxySettings,
  redirects: readonly RedirectRule[],
  hidden: ReadonlySet<string>,
): HeadAcceptor {
  const obeysRedirect = !settings.ignoreHeaders.has("x-accel-redirect");
  const obeysRate = !settings.ignoreHeaders.has("x-accel-limit-rate");
  const obeysCharset = !settings.ignoreHeaders.has("x-accel-charset");
  const cookiesChange = [settings.cookieDomains, settings.cookiePaths, settings.cookieFlags].some(
    (rules) => rules.length > 0,
  );
  const rules: FieldRules = { redirects, cookies: cookiesChange ? settings : null };
  return (request, head) => {
    // Both hold for what X-Accel-Redirect leads to, too.
    if (obeysRate) takeRate(request, head);
    if (obeysCharset) request.response.overrideCharset = head.fields.get("x-accel-charset") ?? "";
    const target = obeysRedirect ? head.fields.get("x-accel-redirect") : null;
    if (target !== null) {
      for (const { name, lower, value } of keptOnRedirect(head))
        takeField(request, rules, name, lower, value);
      return () => accelRedirect(request, target);
    }
    const { response } = request;
    response.status = head.status;
    response.statusText = head.statusLine === "" ? null : head.statusLine;
    response.contentLength = head.contentLength ?? -1;
    // A server that sends none of its own leaves the client without: nginx passes on an empty one.
    response.ownServer = hidden.has("server");
    response.ownDate = hidden.has("date");
    const { names, lowerNames, values } = head.fields;
    for (let index = 0; index < names.length; index++) {
      const lower = lowerNames[index]!;
      if (hidden.has(lower)) continue;
      takeField(request, rules, names[index]!, lower, values[index]!);
    }
    response.mayHoldBack = isBuffered(settings, head);
    if (settings.limitRate !== null && response.mayHoldBack) slowDown(request, settings.limitRate);
    return settings.forceRanges ? cutRange(request) : null;
  };
}

/** The server may choose for itself. */
function isBuffered({ buffering, ignoreHeaders }: ProxySettings, { fields }: ResponseHead): boolean {
  const wish = ignoreHeaders.has("x-accel-buffering") ? null : fields.get("x-accel-buffering");
  const wanted = wish?.toLowerCase();
  return wanted === "yes" || (wanted !== "no" && buffering);
}

/** `proxy_limit_rate`: only what is buffered is read at a rate. */
function slowDown(request: Request, rate: Value): void {
  const bytesPerSecond = parseSize(rate.evaluate(request)) ?? 0;
  if (bytesPerSecond === 0 || request.response.status === 101) return;
  const { clock } = request.client.gateway.network;
  const readingRate = { bytesPerSecond, freeBytes: 0, startMs: clock.now() };
  request.response.addBodyFilter((next) => new RateFilter(readingRate, clock, next));
}

/** `proxy_force_ranges`: the one range that was asked for is cut out of the answer. */
function cutRange(request: Request): (() => void) | null {
  const { response, location } = request;
  response.fields.remove("accept-ranges");
  offerRanges(request, Math.min(1, location.core.maxRanges), "cut");
  response.filterHead();
  return rangesRefused(request) ? () => response.fail(416) : null;
}

/** X-Accel-Limit-Rate: bytes per second for this answer. */
function takeRate(request: Request, head: ResponseHead): void {
  const rate = head.fields.get("x-accel-limit-rate");
  if (rate !== null && /^\d+$/.test(rate)) request.response.limitRate = Number(rate);
}

interface FieldRules {
  readonly redirects: readonly RedirectRule[];
  /** Null when cookies stay as they are. */
  readonly cookies: CookieSettings | null;
}

/** What an answer with X-Accel-Redirect adds to the one that the client gets. */
function* keptOnRedirect({
  fields,
}: ResponseHead): Generator<{ name: string; lower: string; value: string }> {
  const { names, lowerNames, values } = fields;
  for (let index = 0; index < names.length; index++) {
    const lower = lowerNames[index]!;
    if (keptFields.has(lower)) yield { name: names[index]!, lower, value: values[index]! };
  }
}

function takeField(request: Request, rules: FieldRules, name: string, lower: string, value: string): void {
  const { response } = request;
  const { redirects, cookies } = rules;
  switch (lower) {
    case "content-type":
      response.contentType = value;
      return;
    case "content-length":
      return;
    case "set-cookie": {
      const cookie = cookies === null ? value : rewriteCookie(request, cookies, value);
      response.fields.addLowered(name, lower, cookie);
      return;
    }
    case "location":
      response.fields.addLowered(name, lower, locationOf(request, redirects, value));
      return;
    case "refresh":
      response.fields.addLowered(name, lower, refreshOf(request, redirects, value));
      return;
  }
  response.fields.addLowered(name, lower, value);
}

/** A relative Location that no rule rewrote stays relative. */
function locationOf(request: Request, redirects: readonly RedirectRule[], value: string): string {
  const rewritten = rewriteRedirect(request, redirects, value, 0);
  request.response.locationIsOurs = rewritten !== null;
  return rewritten ?? value;
}

function refreshOf(request: Request, redirects: readonly RedirectRule[], value: string): string {
  const start = refreshUrlStart(value);
  return start < 0 ? value : (rewriteRedirect(request, redirects, value, start) ?? value);
}

/**
 * Passes the fields of a 103 (Early Hints) on to a client that wants them.
 *
 * @param bytesMax more than these are not passed on
 * @returns how many bytes they are
 */
export function passEarlyHints(
  request: Request,
  { fields }: ResponseHead,
  hidden: ReadonlySet<string>,
  bytesMax: number,
): number {
  const { location } = request;
  const wanted = location.core.earlyHints.some((value) => !["", "0"].includes(value.evaluate(request)));
  if (!wanted) return 0;
  const { names, lowerNames, values } = fields;
  let text = "";
  for (let index = 0; index < names.length; index++) {
    if (hidden.has(lowerNames[index]!)) continue;
    text += `${names[index]!}: ${safeFieldValue(values[index]!)}\r\n`;
  }
  if (text !== "" && text.length <= bytesMax) request.writer.interim(request, 103, text);
  return text.length;
}

/** `proxy_pass_trailers`: what follows the last chunk goes to the client, if its own answer has chunks. */
export function takeTrailers(request: Request, trailers: Fields, hidden: ReadonlySet<string>): void {
  request.upstreamTrailers = trailers;
  const { response } = request;
  const { names, lowerNames, values } = trailers;
  for (let index = 0; index < names.length; index++) {
    if (hidden.has(lowerNames[index]!)) continue;
    response.trailers ??= new Fields();
    response.trailers.addLowered(names[index]!, lowerNames[index]!, values[index]!);
  }
}
