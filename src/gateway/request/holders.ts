/** Who holds something for a request until its end: a place below a limit, a file, memory. */
export interface Holder {
  /** The request is over: give it back. Called once, after the log lines were written. */
  onRequestEnd(): void;
}

/**
 * Who is at work for a request and must hear when the client goes away before the answer is complete; or when
 * the request has ended otherwise, while this still watches.
 */
export interface ClientWatcher extends Holder {
  /** `how`: the client closed its connection, or has taken nothing for `send_timeout`. */
  onClientGone(how: "closed" | "stalled"): void;
}

/** Mostly nobody or one, who then stands for itself: only more than one need a list. Oldest first. */
export type Few<T extends Holder> = T | T[] | null;

/** `few` with `one` behind them. A list is changed in place. */
export function withOne<T extends Holder>(few: Few<T>, one: T): Few<T> {
  if (few === null) return one;
  if (!Array.isArray(few)) return [few, one];
  few.push(one);
  return few;
}

/** `few` without `one`, if it is among them. A list is copied: somebody may be walking it. */
export function withoutOne<T extends Holder>(few: Few<T>, one: T): Few<T> {
  if (few === one) return null;
  if (!Array.isArray(few)) return few;
  const others = few.filter((other) => other !== one);
  return others.length === 1 ? others[0]! : others;
}

/** Has all of them give back what they hold, the last one first. What one of them throws is no matter of the others. */
export function releaseAll(holders: Few<Holder>, report: (error: unknown) => void): void {
  if (holders === null) return;
  if (!Array.isArray(holders)) return release(holders, report);
  for (let index = holders.length - 1; index >= 0; index--) release(holders[index]!, report);
}

function release(holder: Holder, report: (error: unknown) => void): void {
  try {
    holder.onRequestEnd();
  } catch (error) {
    report(error);
  }
}
