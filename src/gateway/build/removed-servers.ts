import type { HttpBuild } from "./http-build.ts";

/** Names (as in `$upstream_addr`) of the servers that `before` has in some upstream, and `after` in none. */
export function removedServers(before: HttpBuild | undefined, after: HttpBuild | undefined): Set<string> {
  const removed = serverNames(before);
  for (const name of serverNames(after)) removed.delete(name);
  return removed;
}

function serverNames(build: HttpBuild | undefined): Set<string> {
  const names = new Set<string>();
  for (const { group } of build?.upstreams.values() ?? []) {
    for (let set = group?.peers ?? null; set !== null; set = set.backup)
      for (const { name } of set.peers) names.add(name);
  }
  return names;
}
