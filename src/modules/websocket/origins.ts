import type { CompiledRegex } from "../../config/regex.ts";
import type { Request } from "../../gateway/request/request.ts";
import { MapTable } from "../variables/map-table.ts";

/** The pages that may open WebSockets: what `websocket_origin` says at one level. */
export class AllowedOrigins {
  /** Handshakes without a field Origin are let in: they do not come from a page. */
  none = false;
  /** The host that was asked for, whatever its port. */
  same = false;
  /** Names and masks as in `server_name`. */
  readonly hosts = new MapTable<true>();
  readonly regexes: CompiledRegex[] = [];

  /** Whether a request's page is one of them. What is no origin (RFC 6454, section 7) is none of them. */
  allow(request: Request): boolean {
    const origins = request.fields.getAll("origin");
    if (origins.length === 0) return this.none;
    const host = origins.length === 1 ? hostOfOrigin(origins[0]!) : null;
    if (host === null) return false;
    if (this.same && host === request.host) return true;
    if (this.hosts.find(host, () => false) !== undefined) return true;
    return this.regexes.some((regex) => request.testRegex(regex, host, false));
  }
}

/** Names have at most 253 characters; nobody shall keep an expression busy with more. */
const hostBytesMax = 255;
const serialized = /^[a-z][a-z\d+.-]*:\/\/(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i;

/**
 * The host of a serialized origin, "scheme://host[:port]", in lower case and without the root's dot, as the host of a
 * request has it. Null for "null", for several origins, and for whatever else a browser does not send.
 */
function hostOfOrigin(origin: string): string | null {
  if (origin.length > hostBytesMax) return null;
  const host = serialized.exec(origin)?.[1]?.toLowerCase() ?? null;
  if (host === null || host.startsWith(".") || host.includes("..")) return null;
  return host.endsWith(".") ? host.slice(0, -1) : host;
}
