/**
 * Time, as everything above `net/` sees it. The memory adapter's clock is virtual.
 */
export interface Clock {
  /** Milliseconds, monotonic, for durations. May be taken once per turn of the event loop. */
  now(): number;
  /** Milliseconds since the epoch, for people. */
  wall(): number;
  /** Calls `fire` once after at least `delayMs`. The timer does not keep the process alive. */
  timer(delayMs: number, fire: () => void): Timer;
  /** Calls `run` after the current event has been dealt with, before time passes. */
  soon(run: () => void): void;
}

/** What `Clock.timer` has set, once. */
export interface Timer {
  /** Idempotent; harmless after the timer fired. */
  cancel(): void;
}
