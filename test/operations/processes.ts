/** What the gateway's processes are and cost, read from /proc (Linux). */
import { readdirSync, readFileSync } from "node:fs";

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // It has just ended.
    return "";
  }
}

function listOrEmpty(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** State, parent, process group: what follows the name in /proc/PID/stat. */
function statOf(pid: string): { state: string; parent: number; group: number } | null {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === undefined || group === undefined
    ? null
    : { state, parent: Number(parent), group: Number(group) };
}

/** Living processes of a process group, and the descendants of each. */
export function processesOf(group: number): number[] {
  const members = new Set<number>();
  const all = listOrEmpty("/proc").filter((name) => /^\d+$/.test(name));
  // Parents have mostly smaller ids than their children; a second look finds the others.
  for (let look = 0; look < 2; look += 1) {
    for (const pid of all) {
      const stat = statOf(pid);
      if (stat === null || stat.state === "Z") continue;
      if (stat.group === group || members.has(stat.parent)) members.add(Number(pid));
    }
  }
  return [...members];
}

export function isAlive(pid: number): boolean {
  const stat = statOf(String(pid));
  return stat !== null && stat.state !== "Z";
}

/** Whether a process has a handler for a signal, by its number. */
export function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** What nginx and others show in place of their command line. */
export function titleOf(pid: number): string {
  return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}

export interface ProcessFigures {
  readonly processes: number;
  readonly threads: number;
  /** Workers of earlier configurations that wait for their connections to end (nginx). */
  readonly oldWorkers: number;
  /** Pss: shared pages are counted in proportion. */
  readonly memoryKib: number;
  readonly descriptors: number;
}

export function figuresOf(pids: readonly number[]): ProcessFigures {
  const sum = (each: (pid: number) => number): number => pids.reduce((total, pid) => total + each(pid), 0);
  return {
    processes: pids.length,
    threads: sum((pid) => listOrEmpty(`/proc/${pid}/task`).length),
    oldWorkers: pids.filter((pid) => titleOf(pid).includes("shutting down")).length,
    memoryKib: sum((pid) =>
      Number(/^Pss:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.[1] ?? "0"),
    ),
    descriptors: sum((pid) => listOrEmpty(`/proc/${pid}/fd`).length),
  };
}
