/**
 * Cuts long work into turns: whoever does it asks between any two steps, and lets events be dealt with when
 * it is time. A step must be short: a line of a configuration, not a file.
 */
export interface Pace {
  /** Null to go on; else to be waited for. */
  rest(): Promise<void> | null;
}

/** Beside what an event itself takes, this is what a tunnel's message may have to wait for. */
const turnMsMax = 5;

/** By the time that has passed. One for each work: what others do counts as its own until it asks again. */
export class TimedPace implements Pace {
  private sinceMs = performance.now();

  rest(): Promise<void> | null {
    if (performance.now() - this.sinceMs < turnMsMax) return null;
    return new Promise((resolve) => {
      // Behind the events that are waiting: in the turn after this one.
      setImmediate(() => {
        this.sinceMs = performance.now();
        resolve();
      });
    });
  }
}

/** For work that nobody waits behind. */
export const noPace: Pace = { rest: () => null };

/** One step for each of `items`, in order. */
export async function inTurns<T>(
  items: Iterable<T>,
  pace: Pace,
  step: (item: T) => void | Promise<void>,
): Promise<void> {
  for (const item of items) {
    const done = step(item);
    if (done !== undefined) await done;
    const rest = pace.rest();
    if (rest !== null) await rest;
  }
}
