import type { Request } from "./request.ts";

/**
 * The absolute form of a Location that begins with "/", as nginx makes it from scheme, name and port
 * unless `absolute_redirect off`; null when the field goes out as it is (or there is none).
 */
export function redirectLocation(request: Request): string | null {
  const location = request.response.fields.get("location");
  if (location === null || !location.startsWith("/") || !request.response.locationIsOurs) return null;
  const { core } = request.location;
  if (!core.absoluteRedirect) return null;
  const { local } = request.origin;
  const name = core.serverNameInRedirect ? request.server.name : request.host;
  const host = name !== "" ? name : local.family === "ipv6" ? `[${local.address}]` : local.address;
  const scheme = request.secure ? "https" : "http";
  const usual = request.secure ? 443 : 80;
  const port = core.portInRedirect && local.port !== 0 && local.port !== usual ? `:${local.port}` : "";
  return `${scheme}://${host}${port}${location}`;
}
