import type { Request } from "../../gateway/request/request.ts";
import { escapeUri } from "../../http/uri.ts";

/**
 * The request target sent upstream: as the client wrote it where nothing changed it, else mapped and escaped.
 *
 * @param uri path of the `*_pass`, which takes the place of `location`; "" when it has none
 */
export function upstreamUri(request: Request, uri: string, location: string): string {
  if (uri === "" && request.uriUntouched) return request.head.requestUri;
  const mapped = uri !== "" && !request.locationReplaced;
  const rest = mapped ? request.uri.slice(location.length) : request.uri;
  const escaped = request.head.uriChanged || request.internal ? escapeUri(rest, "uri") : rest;
  const path = (mapped ? uri : "") + escaped;
  return request.args === "" ? path : `${path}?${request.args}`;
}
