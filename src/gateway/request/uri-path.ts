import type { Request } from "./request.ts";

/** A path that a URI stands for, and how much of its beginning the configuration gave. */
export interface MappedPath {
  readonly path: string;
  /** Length of the part that `root` or `alias` gave. */
  readonly rootLength: number;
}

/** Key in `moduleState`: the URI is to follow an `alias` in a location with a regular expression, too. */
export const appendsUriToAlias = {};

/**
 * The file that the request's URI names under `root` or `alias`. Null, with a line in the log, where an
 * alias cannot be applied because the URI does not begin with the location's name any more: answer 500.
 */
export function mapUriToPath(request: Request): MappedPath | null {
  const { path, aliasLength } = request.location.core.root;
  const root = path.evaluate(request);
  if (aliasLength === null) return { path: root + request.uri, rootLength: root.length };
  if (request.locationReplaced) {
    const { name } = request.location;
    request.log("alert", `"alias" cannot be used in location "${name}" where URI was rewritten`);
    return null;
  }
  return { path: root + aliasRest(request, aliasLength), rootLength: root.length };
}

/** What of the URI follows the alias. */
function aliasRest(request: Request, aliasLength: number): string {
  if (aliasLength >= 0) return request.uri.slice(aliasLength);
  return request.moduleState?.has(appendsUriToAlias) === true ? request.uri : "";
}
