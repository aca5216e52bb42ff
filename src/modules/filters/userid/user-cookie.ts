import { refuse } from "../../../config/slots.ts";
import type { Scope } from "../../../config/scope.ts";
import type { Directive } from "../../../config/tree.ts";
import { parseSeconds } from "../../../config/values.ts";
import { cookieTime, lastCookieTime } from "../../support/cookie-time.ts";

/** A parameter of `userid_flags`; "off" stands alone. */
export type UserFlag = "off" | "secure" | "httponly" | "samesite=strict" | "samesite=lax" | "samesite=none";

/** All of them, in the order in which the cookie says them. */
export const userFlags: readonly UserFlag[] = [
  "off",
  "secure",
  "httponly",
  "samesite=strict",
  "samesite=lax",
  "samesite=none",
];

/** What the cookie says beside its value. */
export interface CookieAttributes {
  /** "" for none; "none" is read so. */
  readonly domain: string;
  readonly path: string;
  /** Seconds; 0: until the browser is closed; Infinity: for ever. */
  readonly expiresSeconds: number;
  readonly flags: ReadonlySet<UserFlag>;
}

/** The Set-Cookie field. */
export function userCookie(name: string, value: string, attributes: CookieAttributes, nowMs: number): string {
  const { domain, path, expiresSeconds, flags } = attributes;
  let text = `${name}=${value}`;
  if (expiresSeconds === Infinity) text += `; expires=${lastCookieTime}`;
  else if (expiresSeconds !== 0) text += `; expires=${cookieTime(nowMs + expiresSeconds * 1000)}`;
  if (domain !== "") text += `; domain=${domain}`;
  text += `; path=${path}`;
  for (const flag of userFlags) if (flag !== "off" && flags.has(flag)) text += `; ${flag}`;
  return text;
}

/** The value of `userid_expires` in seconds; 0 for `off`, Infinity for `max`. @throws ConfigError for others */
export function readExpiry(directive: Directive, scope: Scope): number {
  const [text = ""] = directive.args;
  if (text === "max") return Infinity;
  if (text === "off") return 0;
  return parseSeconds(text) ?? refuse(scope, directive, "invalid value");
}

/** The value of `userid_mark`: a character, or "" for `off`. @throws ConfigError for others */
export function readMark(directive: Directive, scope: Scope): string {
  const [text = ""] = directive.args;
  if (text === "off") return "";
  if (/^[0-9A-Za-z=]$/.test(text)) return text;
  return refuse(scope, directive, 'value must be "off" or a single letter, digit or "="');
}
