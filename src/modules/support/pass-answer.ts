/**
 * What becomes of an upstream server's answer before the client has it: fields that are hidden or acted on, ranges,
 * rates, early hints, trailers. The same for all protocols of upstream servers.
 */
import { parseSize } from "../../config/values.ts";
import { RateFilter } from "../../gateway/request/rate-filter.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { safeFieldValue } from "../../http/field-value.ts";
import { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { offerRanges, rangesRefused } from "../static/range-answer.ts";
import { accelRedirect } from "./accel-redirect.ts";

/** What a location's directives say of answers. */
export interface AnswerSettings {
  hideHeaders: readonly string[];
  passHeaders: readonly string[];
  /** Lower case: what the fields say is not done. */
  ignoreHeaders: ReadonlySet<string>;
  forceRanges: boolean;
  /** Bytes per second, as text; null for no limit. */
  limitRate: Value | null;
  buffering: boolean;
}

/** nginx's defaults, the same for all protocols. */
export function answerDefaults(): AnswerSettings {
  return {
    hideHeaders: [],
    passHeaders: [],
    ignoreHeaders: new Set(),
    forceRanges: false,
    limitRate: null,
    buffering: true,
  };
}

/** Fields of an answer that concern the upstream connection. */
const hopByHop = ["connection", "keep-alive", "transfer-encoding"];

/** What servers tell the gateway, not the client. Hidden by all protocols, unless `*_pass_header` lets it through. */
export const accelFields: readonly string[] = [
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
 * Takes over an answer's head: what `*_hide_header` and its like leave of it. A function as result
 * goes on with the request at the place that X-Accel-Redirect names.
 */
export interface HeadAcceptor {
  (request: Request, head: ResponseHead): (() => void) | null;
}

/** What a protocol's module makes of single fields; null where they stay as they are. */
export interface FieldRewriter {
  /** The new text of a Set-Cookie field. */
  cookie(request: Request, value: string): string;
  /** The new text of Location; null where no rule is for it. */
  location(request: Request, value: string): string | null;
  /** The new text of Refresh. */
  refresh(request: Request, value: string): string;
}

/** How a protocol's answers are taken over. */
export interface AnswerRules {
  /** Names in lower case, of `hiddenFields`. */
  readonly hidden: ReadonlySet<string>;
  /**
   * Where `Server` and `Date` are not hidden, and the server sends none: true leaves the client without, as nginx does
   * for HTTP and gRPC; false gives it the gateway's own.
   */
  readonly mayLackServer: boolean;
  readonly rewriter: FieldRewriter | null;
}

/** Names of fields, in lower case, that are kept from the client. `byDefault`: unless `*_pass_header` names them. */
export function hiddenFields(
  { passHeaders, hideHeaders }: Pick<AnswerSettings, "passHeaders" | "hideHeaders">,
  byDefault: readonly string[],
): ReadonlySet<string> {
  const passed = new Set(passHeaders.map((name) => name.toLowerCase()));
  return new Set([
    ...hopByHop,
    ...byDefault.filter((name) => !passed.has(name)),
    ...hideHeaders.map((name) => name.toLowerCase()).filter((name) => !passed.has(name)),
  ]);
}

/** Makes of a location's settings, once, what takes over the heads of its answers. */
export function compileAnswer(settings: AnswerSettings, rules: AnswerRules): HeadAcceptor {
  const { hidden, mayLackServer, rewriter } = rules;
  const obeysRedirect = !settings.ignoreHeaders.has("x-accel-redirect");
  const obeysRate = !settings.ignoreHeaders.has("x-accel-limit-rate");
  const obeysCharset = !settings.ignoreHeaders.has("x-accel-charset");
  return (request, head) => {
    // Both hold for what X-Accel-Redirect leads to, too.
    if (obeysRate) takeRate(request, head);
    if (obeysCharset) request.response.overrideCharset = head.fields.get("x-accel-charset") ?? "";
    const target = obeysRedirect ? head.fields.get("x-accel-redirect") : null;
    if (target !== null) {
      for (const { name, lower, value } of keptOnRedirect(head))
        takeField(request, rewriter, name, lower, value);
      return () => accelRedirect(request, target);
    }
    const { response } = request;
    response.status = head.status;
    response.statusText = head.statusLine === "" ? null : head.statusLine;
    response.contentLength = head.contentLength ?? -1;
    const { names, lowerNames, values } = head.fields;
    response.ownServer = hidden.has("server") || (!mayLackServer && !lowerNames.includes("server"));
    response.ownDate = hidden.has("date") || (!mayLackServer && !lowerNames.includes("date"));
    for (let index = 0; index < names.length; index++) {
      const lower = lowerNames[index]!;
      if (hidden.has(lower)) continue;
      takeField(request, rewriter, names[index]!, lower, values[index]!);
    }
    response.mayHoldBack = isBuffered(settings, head);
    if (settings.limitRate !== null && response.mayHoldBack) slowDown(request, settings.limitRate);
    return settings.forceRanges ? cutRange(request) : null;
  };
}

/** The server may choose for itself. */
function isBuffered({ buffering, ignoreHeaders }: AnswerSettings, { fields }: ResponseHead): boolean {
  const wish = ignoreHeaders.has("x-accel-buffering") ? null : fields.get("x-accel-buffering");
  const wanted = wish?.toLowerCase();
  return wanted === "yes" || (wanted !== "no" && buffering);
}

/** `*_limit_rate`: only what is buffered is read at a rate. */
function slowDown(request: Request, rate: Value): void {
  const bytesPerSecond = parseSize(rate.evaluate(request)) ?? 0;
  if (bytesPerSecond === 0 || request.response.status === 101) return;
  const { clock } = request.client.gateway.network;
  const readingRate = { bytesPerSecond, freeBytes: 0, startMs: clock.now() };
  request.response.addBodyFilter((next) => new RateFilter(readingRate, clock, next));
}

/** `*_force_ranges`: the one range that was asked for is cut out of the answer. */
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

function takeField(
  request: Request,
  rewriter: FieldRewriter | null,
  name: string,
  lower: string,
  value: string,
): void {
  const { response } = request;
  if (lower === "content-type") {
    response.contentType = value;
    return;
  }
  if (lower === "content-length") return;
  response.fields.addLowered(name, lower, textOf(request, rewriter, lower, value));
}

function textOf(request: Request, rewriter: FieldRewriter | null, lower: string, value: string): string {
  switch (lower) {
    case "set-cookie":
      return rewriter === null ? value : rewriter.cookie(request, value);
    case "refresh":
      return rewriter === null ? value : rewriter.refresh(request, value);
    case "location": {
      // A relative one that no rule rewrote stays relative.
      const location = rewriter === null ? null : rewriter.location(request, value);
      request.response.locationIsOurs = location !== null;
      return location ?? value;
    }
  }
  return value;
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

/** What follows the last chunk goes to the client, if its own answer has chunks. */
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
