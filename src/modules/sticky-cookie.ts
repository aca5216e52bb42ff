import type { Request } from "../gateway/request.ts";
import type { Value } from "../gateway/settings.ts";
import { cookieTime, lastCookieTime } from "./cookie-time.ts";

const tenYearsSeconds = 315_360_000;

/** The cookie of `sticky cookie`, without its value. */
export class StickyCookie {
  readonly name: string;
  readonly lowerName: string;
  /** How long browsers keep it; null: until they are closed; Infinity: for ever. */
  expiresSeconds: number | null = null;
  domain: Value | null = null;
  path: Value | null = null;
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
    text += attribute("domain", domain, request) + attribute("path", path, request);
    if (this.secure) text += "; secure";
    if (this.httpOnly) text += "; httponly";
    return text + attribute("samesite", sameSite, request);
  }
}

function attribute(name: string, value: Value | null, request: Request): string {
  const text = value === null ? "" : value.evaluate(request);
  return text === "" ? "" : `; ${name}=${text}`;
}
