import { readFileSync, readlinkSync } from "node:fs";

/** How a thread has spent its time since it began. */
export interface ThreadTimes {
  /** On a processor. */
  readonly workedMs: number;
  /** Ready to work, but without a processor to do it on. */
  readonly queuedMs: number;
}

const nanosecondsPerMs = 1e6;

/** The number by which the system knows the thread that asks; 0 where it does not tell. */
export function ownThreadId(): number {
  try {
    return Number(/\d+$/.exec(readlinkSync("/proc/thread-self"))?.[0] ?? 0);
  } catch {
    return 0;
  }
}

/** Of a thread of this process; null where the system does not tell (Linux does, by default). */
export function threadTimes(threadId: number): ThreadTimes | null {
  if (threadId === 0) return null;
  try {
    const [worked = 0, queued = 0] = readFileSync(`/proc/self/task/${threadId}/schedstat`, "latin1")
      .split(" ")
      .map(Number);
    return { workedMs: worked / nanosecondsPerMs, queuedMs: queued / nanosecondsPerMs };
  } catch {
    return null;
  }
}

/** Somebody steps through this process, so that its threads stand still without any fault. */
export function isDebugged(): boolean {
  const { NODE_OPTIONS: options = "", BUN_INSPECT: bun = "" } = process.env;
  const isInspected = [...process.execArgv, options].some((text) => text.includes("--inspect"));
  return isInspected || bun !== "" || isTraced();
}

function isTraced(): boolean {
  try {
    return !/^TracerPid:\s*0$/m.test(readFileSync("/proc/self/status", "latin1"));
  } catch {
    return false;
  }
}
