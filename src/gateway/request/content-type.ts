import type { Request } from "./request.ts";

/** The media type that was given already, else the one by the URI's extension, else the location's default. */
export function contentTypeOf(request: Request): string {
  const given = request.response.contentType;
  if (given !== null && given !== "") return given;
  const { types, defaultType } = request.location.core;
  const { uri } = request;
  const dot = uri.lastIndexOf(".");
  // As in nginx, a dot that begins the last segment begins no extension.
  if (dot < 2 || uri[dot - 1] === "/" || dot < uri.lastIndexOf("/")) return defaultType;
  return types.get(uri.slice(dot + 1).toLowerCase()) ?? defaultType;
}
