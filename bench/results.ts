/** The JSON file of a run, and several of them taken together. */
import { readFileSync } from "node:fs";
import type { Machine } from "./machine.ts";
import type { Summary } from "./table.ts";

/** What `--json` writes, as far as it is read again. */
export interface RunFile {
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly summaries: readonly Summary[];
}

/** @throws Error when the file is not one of `--json`. */
export function readRunFile(path: string): RunFile {
  const run = JSON.parse(readFileSync(path, "utf8")) as Partial<RunFile>;
  const { machine, versions, rounds, seconds, summaries } = run;
  if (!machine || !versions || !rounds || !seconds || !summaries)
    throw new Error(`${path} does not hold a run of this benchmark`);
  return { machine, versions, rounds, seconds, summaries };
}

function isSame(a: Machine, b: Machine): boolean {
  return a.cpu === b.cpu && a.cores === b.cores && a.kernel === b.kernel;
}

/**
 * Partial runs as one. Ratios stay those of the run that they were measured in; where two runs have a figure for
 * the same row and proxy, the later one in the list counts. Rounds and seconds are the smallest.
 * @throws Error when there is no run, or when two are from different machines.
 */
export function merged(runs: readonly RunFile[]): RunFile {
  const [first, ...others] = runs;
  if (first === undefined) throw new Error("no results to merge");
  if (!others.every(({ machine }) => isSame(machine, first.machine)))
    throw new Error("the results are from different machines: their figures cannot be compared");
  const cells = new Map<string, Summary>();
  for (const summary of runs.flatMap((run) => run.summaries)) {
    const key = `${summary.row} ${summary.proxy}`;
    if (summary.value !== null || !cells.has(key)) cells.set(key, summary);
  }
  return {
    machine: first.machine,
    versions: Object.assign({}, ...runs.map((run) => run.versions)) as Record<string, string>,
    rounds: Math.min(...runs.map((run) => run.rounds)),
    seconds: Math.min(...runs.map((run) => run.seconds)),
    summaries: [...cells.values()],
  };
}
