import type { HttpBuild } from "./http-build.ts";

/** A configuration takes the place of another (null: there was none). */
export function takeOver(next: HttpBuild | null, before: HttpBuild | null): void {
  retire(before);
  for (const [name, task] of next?.background ?? []) task.start(before?.background.get(name) ?? null);
}

/** Ends what a configuration does beside the requests that have begun. */
export function retire(build: HttpBuild | null): void {
  for (const task of build?.background.values() ?? []) task.stop();
  for (const draft of build?.upstreams.values() ?? []) draft.upstream?.pool?.close();
}
