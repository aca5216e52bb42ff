import type { Request } from "../../gateway/request/request.ts";
import { unescapeUri } from "../../http/uri.ts";

/** Goes on with a request at the URI or named location that a server's X-Accel-Redirect names. */
export function accelRedirect(request: Request, target: string): void {
  if (target.startsWith("@")) {
    request.namedRedirect(target);
    return;
  }
  const parsed = parseUnsafeUri(target);
  if (parsed === null) {
    request.log("error", `unsafe URI "${target}" was detected while reading response header from upstream`);
    request.response.fail(404);
    return;
  }
  if (request.method !== "HEAD") request.method = "GET";
  request.internalRedirect(parsed.uri, parsed.args);
}

/** Path, with its escapes decoded, and arguments; null for one that leads above the root or has a NUL. */
export function parseUnsafeUri(text: string): { uri: string; args: string | null } | null {
  const question = text.indexOf("?");
  const path = question < 0 ? text : text.slice(0, question);
  if (path === "" || isUnsafe(path)) return null;
  const uri = path.includes("%") ? unescapeUri(path, "all") : path;
  if (isUnsafe(uri)) return null;
  return { uri, args: question < 0 ? null : text.slice(question + 1) };
}

function isUnsafe(path: string): boolean {
  return /(?:^|\/)\.\.(?:\/|$)|\0/.test(path);
}
