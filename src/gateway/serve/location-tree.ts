import type { Location } from "./location.ts";
import type { Request } from "../request/request.ts";

/** A location was found; `redirect` asks for the URI with a slash appended instead. */
export interface LocationMatch {
  readonly location: Location;
  readonly redirect: boolean;
}

/**
 * The locations of one level (a server, or a location that holds others), and nginx's way of choosing:
 * an exact match wins at once; else the longest prefix is kept, its nested locations are searched, and
 * regular expressions are tried in order unless the prefix said `^~`.
 */
export class LocationTree {
  private readonly exact = new Map<string, Location>();
  private readonly prefixes = new Map<string, Location>();
  /** Prefix lengths that occur, longest first: one look-up each finds the longest prefix. */
  private readonly prefixLengths: number[];
  private readonly regexes: Location[] = [];
  private readonly redirects = new Map<string, Location>();

  constructor(locations: readonly Location[]) {
    const lengths = new Set<number>();
    for (const location of locations) {
      if (location.kind === "exact") this.exact.set(location.name, location);
      if (location.kind === "regex") this.regexes.push(location);
      if (location.kind === "prefix") {
        this.prefixes.set(location.name, location);
        lengths.add(location.name.length);
      }
    }
    this.prefixLengths = [...lengths].sort((a, b) => b - a);
    for (const location of locations) {
      if (!location.autoRedirect || !location.name.endsWith("/")) continue;
      if (location.kind === "prefix" || location.kind === "exact") {
        const bare = location.name.slice(0, -1);
        if (location.kind === "exact" || !this.redirects.has(bare)) this.redirects.set(bare, location);
      }
    }
  }

  /**
   * Finds the location for the request's URI; null when none of this level matches.
   *
   * @throws RegexFailure, logged, when a regular expression could not be matched
   */
  find(request: Request): LocationMatch | null {
    const uri = request.uri;
    const exact = this.exact.size === 0 ? undefined : this.exact.get(uri);
    if (exact !== undefined) return { location: exact, redirect: false };

    const redirect = this.redirects.size === 0 ? undefined : this.redirects.get(uri);
    if (redirect !== undefined && !this.prefixes.has(uri)) return { location: redirect, redirect: true };

    const prefix = this.longestPrefix(uri);
    const nested = prefix?.nested?.find(request) ?? null;
    if (nested !== null && (nested.redirect || isFinal(nested.location))) return nested;
    const best = nested ?? (prefix === null ? null : { location: prefix, redirect: false });
    if (prefix?.noRegex === true) return best;

    for (const location of this.regexes) {
      if (!request.matchRegex(location.regex!, uri)) continue;
      return location.nested?.find(request) ?? { location, redirect: false };
    }
    return best;
  }

  private longestPrefix(uri: string): Location | null {
    for (const length of this.prefixLengths) {
      if (length > uri.length) continue;
      const location = this.prefixes.get(length === uri.length ? uri : uri.slice(0, length));
      if (location !== undefined) return location;
    }
    return null;
  }
}

/** An exact or regular expression match ends the search on the levels above too. */
function isFinal(location: Location): boolean {
  return location.kind === "exact" || location.kind === "regex";
}
