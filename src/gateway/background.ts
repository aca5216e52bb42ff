import type { HttpBuild } from "./http-build.ts";

/** Something that a configuration does of its own, beside serving requests. */
export interface Background {
  /** The configuration is in use now. `before`: what had the same name in the one that it replaces; stopped. */
  start(before: Background | null): void;
  /** The configuration is in use no more, but for requests that have begun. */
  stop(): void;
}

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
