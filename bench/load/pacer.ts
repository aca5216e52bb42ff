/**
 * A thread that tells the load generator when a message is due, finer than timers of its loop could. Arrivals are
 * those of many clients that know nothing of each other: exponential gaps around the mean (a Poisson process),
 * the same ones in every run. Each message is the due time on the clock that `wallMs` reads.
 */
import { parentPort, workerData } from "node:worker_threads";

const { meanGapMs } = workerData as { meanGapMs: number };

/** A linear congruential generator (Numerical Recipes): even enough for gaps, and repeatable. */
let state = 1;
function nextShare(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state + 1) / 2 ** 32;
}

const never = new Int32Array(new SharedArrayBuffer(4));
let dueMs = performance.now();
for (;;) {
  dueMs -= Math.log(nextShare()) * meanGapMs;
  const waitMs = dueMs - performance.now();
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
  parentPort?.postMessage(performance.timeOrigin + dueMs);
}
