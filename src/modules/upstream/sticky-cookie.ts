import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { cookieTime, lastCookieTime } from "../support/cookie-time.ts";

/** What the `samesite` parameter of `sticky cookie` may be, in any case, when it holds no variables. */
export const sameSiteValue = /^(strict|lax|none)$/i;

const tenYearsSeconds = 315_360_000;

/** The cookie of `sticky cookie`, without its value. */
export class StickyCookie {
  readonly name: string;
  readonly lowerName: string;
  /** How long browsers keep it; null: until they are closed; Infinity: for ever. */
  expiresSeconds: number | null = null;
  domain: Value | null = null;
  path: string | null = null;
  sameSite: Value | null = null;
  secure = false;
  httpOnly = false;

  constructor(name: string) {
    this.name = name;
    this.lowerName = name.toLowerCase();
  }

  /** The Set-Cookie field that binds a session to the server with this route. */
  text(request: Request, route: string, nowMs: number): string {
    const { expiresSeconds, domain, path, sameSite } = this;
    let text = `${this.name}=${route}`;
    if (expiresSeconds === Infinity) text += `; expires=${lastCookieTime}; max-age=${tenYearsSeconds}`;
    else if (expiresSeconds !== null)
      text += `; expires=${cookieTime(nowMs + expiresSeconds * 1000)}; max-age=${expiresSeconds}`;
    text += attribute("domain", domain === null ? "" : domain.evaluate(request));
    if (this.httpOnly) text += "; httponly";
    if (this.secure) text += "; secure";
    text += attribute("samesite", sameSite === null ? "" : checkedSameSite(sameSite.evaluate(request)));
    return text + attribute("path", path ?? "");
  }
}

function attribute(name: string, value: string): string {
  return value === "" ? "" : `; ${name}=${value}`;
}

/** What a variable says, in its own letters; anything that browsers do not know is the strictest. */
function checkedSameSite(value: string): string {
  return value === "" || sameSiteValue.test(value) ? value : "strict";
}
