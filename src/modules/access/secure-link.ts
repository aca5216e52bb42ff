/**
 * ngx_http_secure_link_module: links that only somebody who knows a secret can make, and that may expire.
 * https://nginx.org/en/docs/http/ngx_http_secure_link_module.html
 */
import { createHash } from "node:crypto";
import type { ComplexValue } from "../../config/complex-value.ts";
import type { Context } from "../../config/module.ts";
import { slots } from "../../config/slots.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";

interface SecureLinkSettings {
  /** What the client brings: the hash, and perhaps "," and the second when it expires. */
  link: ComplexValue<Request> | null;
  /** What is hashed. */
  text: ComplexValue<Request> | null;
  /** The older way: the hash of URI and secret stands in the URI. */
  secret: string | null;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<SecureLinkSettings>((scope) => scope.location(secureLink));

export const secureLink: HttpModule<object, object, SecureLinkSettings> = {
  name: "ngx_http_secure_link_module",
  directives: [
    {
      name: "secure_link",
      contexts,
      args: "1",
      default: null,
      doc: "The hash that the client brings, with the time of expiry behind a comma.",
      set: slot.value("link", (scope) => buildOf(scope).variables),
    },
    {
      name: "secure_link_md5",
      contexts,
      args: "1",
      default: null,
      doc: "The text whose MD5 hash, in base64url, the client must bring.",
      set: slot.value("text", (scope) => buildOf(scope).variables),
    },
    {
      name: "secure_link_secret",
      contexts,
      args: "1",
      default: null,
      doc: "The secret behind hashes that stand in the URI: /prefix/hash/link.",
      set: slot.string("secret"),
    },
  ],
  location: {
    defaults: () => ({ link: null, text: null, secret: null }),
    // A level that goes one way has nothing of the other from outside.
    inherit(child, parent) {
      if (child.secret !== undefined) {
        child.link ??= null;
        child.text ??= null;
      } else if ((child.link ?? parent.link ?? child.text ?? parent.text ?? null) !== null) {
        child.secret = null;
      }
    },
    finish({ secret, link, text }, scope) {
      if (secret === null || (link === null && text === null)) return;
      scope.fail('"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"');
    },
  },
  variables: [
    { name: "secure_link", get: linkState },
    { name: "secure_link_expires", get: expires },
  ],
};

function settingsOf({ location }: Request): SecureLinkSettings {
  return location.settings.get(secureLink) as SecureLinkSettings;
}

/** "1": good. "0": expired. Null: not made by who knows the secret. */
function linkState(request: Request): string | null {
  const { secret, link, text } = settingsOf(request);
  if (secret !== null) return linkInUri(request, secret);
  if (link === null || text === null) return null;
  const hash = /^([^,=]*)(=[^,]*)?/.exec(link.evaluate(request))![1]!;
  const expiry = expiryOf(request);
  if (expiry !== null && expiry.seconds === null) return null;
  if (hash.length > 24 || !/^[A-Za-z0-9_-]*$/.test(hash)) return null;
  const expected = createHash("md5").update(text.evaluate(request), "latin1").digest();
  if (!expected.equals(Buffer.from(hash, "base64url"))) return null;
  const now = Math.floor(request.client.gateway.network.clock.wall() / 1000);
  return expiry !== null && expiry.seconds! < now ? "0" : "1";
}

function expires(request: Request): string | null {
  const expiry = expiryOf(request);
  return expiry === null || expiry.seconds === null ? null : expiry.text;
}

/** What stands behind the comma; `seconds` null when it is no time. Null when there is none. */
function expiryOf(request: Request): { text: string; seconds: number | null } | null {
  const { secret, link, text: hashed } = settingsOf(request);
  if (secret !== null || link === null || hashed === null) return null;
  const value = link.evaluate(request);
  const comma = value.indexOf(",");
  if (comma < 0) return null;
  const text = value.slice(comma + 1);
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  return { text, seconds: seconds > 0 ? seconds : null };
}

/** The link behind "/prefix/hash/" when the hash is right. */
function linkInUri(request: Request, secret: string): string | null {
  const match = /^.[^/]*\/([^/]*)\/([^]+)$/.exec(request.head.requestUri);
  const [, hash = "", link = ""] = match ?? [];
  if (!/^[0-9a-fA-F]{32}$/.test(hash)) return null;
  const expected = createHash("md5").update(link, "latin1").update(secret, "latin1").digest("hex");
  return hash.toLowerCase() === expected ? link : null;
}
