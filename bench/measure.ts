/** What a process costs, read from /proc, and the statistics of repeated measurements. */
import { readdirSync, readFileSync } from "node:fs";

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // A thread or process that has just ended.
    return "";
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** `pid` and all its descendants. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const thread of threadsOf(pid)) {
    const children = readOrEmpty(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean);
    for (const child of children) tree.push(...processTree(Number(child)));
  }
  return tree;
}

/** CPU time in microseconds that each thread now living of `pid` and its descendants has used. */
export function cpuByThread(pid: number): Map<string, number> {
  const used = new Map<string, number>();
  for (const member of processTree(pid)) {
    for (const thread of threadsOf(member)) {
      const nanoseconds = readOrEmpty(`/proc/${member}/task/${thread}/schedstat`).split(" ")[0] ?? "0";
      used.set(thread, Number(nanoseconds) / 1000);
    }
  }
  return used;
}

/** CPU time that the threads now living have used, in microseconds, over `pid` and its descendants. */
export function cpuMicroseconds(pid: number): number {
  return [...cpuByThread(pid).values()].reduce((sum, used) => sum + used, 0);
}

/** Memory of `pid` and its descendants in KiB, shared pages counted in proportion (Pss). */
export function memoryKib(pid: number): number {
  let kib = 0;
  for (const member of processTree(pid)) {
    kib += Number(/^Pss:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${member}/smaps_rollup`))?.[1] ?? "0");
  }
  return kib;
}

/** The kernel's tick in /proc/stat. */
const tickMicroseconds = 10_000;

/** Time that a core has spent on anything but idling, in microseconds; time stolen by the hypervisor included. */
export function coreBusyMicroseconds(cpu: number): number {
  const line = new RegExp(`^cpu${cpu} (.*)$`, "m").exec(readOrEmpty("/proc/stat"))?.[1] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(" ").map(Number);
  return (user + nice + system + irq + softirq + steal) * tickMicroseconds;
}

/** Median with the smallest and the largest value. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError("no values");
  const upper = sorted[sorted.length >> 1]!;
  const lower = sorted[(sorted.length - 1) >> 1]!;
  return { median: (lower + upper) / 2, min, max };
}
