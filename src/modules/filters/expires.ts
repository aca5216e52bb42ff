import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseSeconds } from "../../config/values.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import { wallMs } from "../../gateway/request/request-facts.ts";
import { lastModifiedOf } from "../../gateway/request/last-modified.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { formatHttpDate } from "../../http/date.ts";

/** What `expires` says. Seconds may be negative; "daily" counts them from local midnight. */
export type Expires =
  | { readonly kind: "off" | "epoch" | "max" }
  | { readonly kind: "access" | "modified" | "daily"; readonly seconds: number };

/** The argument of `expires`, or one with variables that gives it. */
export interface ExpiresSetting {
  readonly modified: boolean;
  readonly value: Value;
  /** Null while it depends on variables. */
  readonly expires: Expires | null;
}

const daySeconds = 86_400;

/**
 * `expires [modified] time | epoch | max | off;` A time with variables is read with each answer.
 * @throws ConfigError in nginx's words
 */
export function readExpires(scope: Scope, directive: Directive): ExpiresSetting {
  const [first = "", second] = directive.args;
  const modified = second !== undefined;
  if (modified && first !== "modified") return refuse(scope, directive, "invalid value");
  const value = valueOf(scope, second ?? first);
  if (value.constant === null) return { modified, value, expires: null };
  const expires = parseExpires(value.constant, modified);
  if (typeof expires === "string") return refuse(scope, directive, expires);
  return { modified, value, expires };
}

/** What is wrong with the value comes as nginx's words. */
export function parseExpires(text: string, modified: boolean): Expires | string {
  if (!modified && (text === "epoch" || text === "max" || text === "off")) return { kind: text };
  if (text.startsWith("@")) {
    if (modified) return 'daily time cannot be used with "modified" parameter';
    const seconds = parseSeconds(text.slice(1));
    if (seconds === null) return "invalid value";
    return seconds > daySeconds ? "daily time value must be less than 24 hours" : { kind: "daily", seconds };
  }
  const seconds = parseSeconds(text.replace(/^[+-]/, ""));
  if (seconds === null) return "invalid value";
  return { kind: modified ? "modified" : "access", seconds: text.startsWith("-") ? -seconds : seconds };
}

/** Sets Expires and Cache-Control. A value of variables that makes no sense counts as "off". */
export function setExpires(request: Request, setting: ExpiresSetting): void {
  let { expires } = setting;
  if (expires === null) {
    const parsed = parseExpires(setting.value.evaluate(request), setting.modified);
    if (typeof parsed === "string") return;
    expires = parsed;
  }
  const { fields } = request.response;
  switch (expires.kind) {
    case "off":
      return;
    case "epoch":
      fields.set("Expires", "Thu, 01 Jan 1970 00:00:01 GMT");
      fields.set("Cache-Control", "no-cache");
      return;
    case "max":
      fields.set("Expires", "Thu, 31 Dec 2037 23:55:55 GMT");
      fields.set("Cache-Control", "max-age=315360000");
      return;
    default:
      setLifetime(request, expires.kind, expires.seconds);
  }
}

function setLifetime(request: Request, kind: "access" | "modified" | "daily", seconds: number): void {
  const { response } = request;
  const now = Math.floor(wallMs(request) / 1000);
  let end = now + seconds;
  if (kind === "daily") end = nextTimeOfDay(now, seconds);
  else if (kind === "modified" && seconds !== 0) end = (lastModifiedOf(response) ?? now) + seconds;
  const age = end - now;
  response.fields.set("Expires", formatHttpDate(end * 1000));
  const negative = age < 0 || seconds < 0;
  response.fields.set("Cache-Control", negative ? "no-cache" : `max-age=${age}`);
}

/** The next time that the local clock shows `secondsOfDay`. */
function nextTimeOfDay(now: number, secondsOfDay: number): number {
  const date = new Date(now * 1000);
  date.setHours(0, 0, secondsOfDay, 0);
  if (date.getTime() <= now * 1000) date.setDate(date.getDate() + 1);
  return Math.floor(date.getTime() / 1000);
}
