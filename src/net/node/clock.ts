import type { Clock, Timer } from "../clock.ts";
import type { InternalErrorHook } from "../guard.ts";

/** The longest delay that the runtimes' timers take; more fires at once. */
const delayMsMax = 2 ** 31 - 1;

/** What the clocks of this thread tell while an event is dealt with; 0 at all other times. */
let eventMs = 0;

/**
 * An event of a socket begins: until `endEvent`, whoever asks for the time gets this one reading. A
 * request asks a dozen times.
 */
export function beginEvent(): void {
  eventMs = performance.now();
}

/** Must follow, whatever happens: time stands still until then. */
export function endEvent(): void {
  eventMs = 0;
}

/** The system's clock, as both runtimes give it. */
export class SystemClock implements Clock {
  private readonly onInternalError: InternalErrorHook;

  constructor(onInternalError: InternalErrorHook) {
    this.onInternalError = onInternalError;
  }

  now(): number {
    return eventMs === 0 ? performance.now() : eventMs;
  }

  wall(): number {
    return Date.now();
  }

  timer(delayMs: number, fire: () => void): Timer {
    return new SystemTimer(delayMs, fire, this.onInternalError);
  }

  soon(run: () => void): void {
    process.nextTick(runGuarded, run, this.onInternalError);
  }
}

class SystemTimer implements Timer {
  private readonly fire: () => void;
  private readonly onInternalError: InternalErrorHook;
  private restMs: number;
  private handle: NodeJS.Timeout | null = null;

  constructor(delayMs: number, fire: () => void, onInternalError: InternalErrorHook) {
    this.restMs = delayMs;
    this.fire = fire;
    this.onInternalError = onInternalError;
    this.arm();
  }

  cancel(): void {
    if (this.handle === null) return;
    clearTimeout(this.handle);
    this.handle = null;
  }

  private arm(): void {
    const partMs = Math.min(this.restMs, delayMsMax);
    this.restMs -= partMs;
    this.handle = setTimeout(expire, partMs, this);
    this.handle.unref();
  }

  /** Called by the runtime only. */
  expired(): void {
    this.handle = null;
    if (this.restMs > 0) this.arm();
    else runGuarded(this.fire, this.onInternalError);
  }
}

function expire(timer: SystemTimer): void {
  timer.expired();
}

function runGuarded(run: () => void, onInternalError: InternalErrorHook): void {
  try {
    run();
  } catch (error) {
    onInternalError(error);
  }
}
