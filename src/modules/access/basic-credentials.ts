import type { Request } from "../../gateway/request/request.ts";

/** What a client names itself by; one character per byte (latin1). */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** User and password of a Basic Authorization (RFC 7617); null when there are none. */
export function basicCredentials({ fields }: Request): Credentials | null {
  const encoded = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(fields.get("authorization") ?? "")?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("latin1");
  const colon = text.indexOf(":");
  return colon <= 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
