import type { Generation } from "./configuration.ts";

/** What can change from one reload to the next. */
export type GoodKind =
  | "same configuration"
  | "changed upstreams"
  | "changed certificate"
  | "listener added"
  | "listener removed"
  | "one worker more"
  | "one worker less";

/** What can be wrong with a configuration that the gateway must refuse as a whole. */
export type BrokenKind = "port in use" | "syntax error" | "missing certificate";

export type Step =
  | { readonly kind: GoodKind; readonly broken: false; readonly next: Generation }
  | { readonly kind: BrokenKind; readonly broken: true; readonly next: Generation };

const goodKinds: readonly GoodKind[] = [
  "changed upstreams",
  "listener added",
  "changed certificate",
  "one worker more",
  "listener removed",
  "same configuration",
  "one worker less",
];
const brokenKinds: readonly BrokenKind[] = ["port in use", "syntax error", "missing certificate"];

/**
 * A series of reloads: all kinds in turn, every fifth one broken. The first changes nothing and the last
 * brings back what was at the start, so that the two can be compared. What a worker more has taken it
 * keeps, as long as it has tunnels; `sameWorkers` leaves that out.
 */
export function planOf(
  start: Generation,
  reloads: number,
  certificates: number,
  sameWorkers: boolean,
): Step[] {
  const kinds = goodKinds.filter((kind) => !sameWorkers || !kind.startsWith("one worker"));
  const steps: Step[] = [];
  let current = start;
  let good = 0;
  let bad = 0;
  for (let index = 1; index <= reloads; index += 1) {
    const number = start.number + index;
    const isEnd = index === 1 || index === reloads;
    if (!isEnd && index % 5 === 0) {
      const kind = brokenKinds[bad++ % brokenKinds.length]!;
      steps.push({ kind, broken: true, next: { ...current, number } });
      continue;
    }
    const kind = isEnd ? "same configuration" : kinds[good++ % kinds.length]!;
    const { certificate } = current;
    current = isEnd ? { ...start, certificate, number } : changed(current, kind, number, certificates);
    steps.push({ kind, broken: false, next: current });
  }
  return steps;
}

function changed(current: Generation, kind: GoodKind, number: number, certificates: number): Generation {
  const next = { ...current, number };
  if (kind === "changed upstreams") {
    const [first, second] = current.upstreams;
    return { ...next, upstreams: [second!, first === "a" ? "c" : first === "b" ? "a" : "b"] };
  }
  if (kind === "changed certificate") {
    return { ...next, certificate: (current.certificate + 1) % certificates };
  }
  if (kind === "listener added") return { ...next, hasExtraListener: true };
  if (kind === "listener removed") return { ...next, hasExtraListener: false };
  if (kind === "one worker more") return { ...next, workers: current.workers + 1 };
  if (kind === "one worker less") return { ...next, workers: Math.max(1, current.workers - 1) };
  return next;
}
