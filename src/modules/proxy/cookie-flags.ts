import type { Cookie } from "./cookie.ts";

/** What `proxy_cookie_flags` can do, as bits. */
export const CookieFlag = {
  secure: 1,
  nosecure: 2,
  httponly: 4,
  nohttponly: 8,
  "samesite=strict": 16,
  "samesite=lax": 32,
  "samesite=none": 64,
  nosamesite: 128,
} as const;

const sameSites = ["Strict", "Lax", "None"] as const;

/** The bit of a word, compared without case; 0 for a word that is none of them. */
export function cookieFlag(word: string): number {
  const known: Readonly<Record<string, number>> = CookieFlag;
  return Object.hasOwn(known, word.toLowerCase()) ? known[word.toLowerCase()]! : 0;
}

/** Adds and takes away flags. Those that are there already are not added twice. */
export function editCookieFlags(cookie: Cookie, flags: number): void {
  const wantedSameSite = sameSites.find((word) => (flags & cookieFlag(`samesite=${word}`)) !== 0) ?? null;
  let missing = flags;
  cookie.attributes = cookie.attributes.filter((attribute) => {
    switch (attribute.name.toLowerCase()) {
      case "secure":
        return keeps(CookieFlag.secure, CookieFlag.nosecure);
      case "httponly":
        return keeps(CookieFlag.httponly, CookieFlag.nohttponly);
      case "samesite":
        if (wantedSameSite === null) return (flags & CookieFlag.nosamesite) === 0;
        if (attribute.value?.toLowerCase() !== wantedSameSite.toLowerCase()) {
          attribute.name = "SameSite";
          attribute.value = wantedSameSite;
        }
        missing &= ~sameSiteBits;
        return true;
      default:
        return true;
    }
  });
  if ((missing & CookieFlag.secure) !== 0) cookie.attributes.push({ name: "Secure", value: null });
  if ((missing & CookieFlag.httponly) !== 0) cookie.attributes.push({ name: "HttpOnly", value: null });
  if ((missing & sameSiteBits) !== 0) cookie.attributes.push({ name: "SameSite", value: wantedSameSite });

  function keeps(on: number, off: number): boolean {
    if ((flags & on) === 0) return (flags & off) === 0;
    missing &= ~on;
    return true;
  }
}

const sameSiteBits = CookieFlag["samesite=strict"] | CookieFlag["samesite=lax"] | CookieFlag["samesite=none"];
