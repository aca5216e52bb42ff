import type { ErrorLog } from "../gateway/log/error-log.ts";
import type { Heartbeat, HeartbeatWork } from "../gateway/zones/heartbeat.ts";
import type { Clock, Timer } from "../net/clock.ts";
import { isDebugged, threadTimes } from "./thread-times.ts";
import type { ThreadTimes } from "./thread-times.ts";

/** How long a thread may not come back to its event loop. */
export interface Patience {
  /** How often it gives a sign of life, and is looked at. */
  readonly beatMs: number;
  /** Then the error log says so. */
  readonly tellMs: number;
  /** Having worked for so long, it is ended. */
  readonly endMs: number;
}

/** Long beyond any turn of ours (tens of milliseconds); short enough for whoever waits behind it. */
export const usualPatience: Patience = { beatMs: 1000, tellMs: 5000, endMs: 15_000 };

/** A thread that is watched. */
export interface WatchedThread {
  /** The number that the log tells. */
  readonly id: number;
  readonly heartbeat: Heartbeat;
  /** Ends it wherever it is. */
  end(): void;
}

/** What is known of a thread since its last sign of life. */
interface Silence {
  readonly beats: number;
  /** At its beginning. */
  readonly before: ThreadTimes | null;
  /** Time in which it could have come back. */
  lastedMs: number;
  told: boolean;
  ended: boolean;
}

/**
 * Looks after threads from another one: says which does not come back to its event loop, and over which
 * request, and ends it when it works on and on. A thread that waits for a processor is not to blame for
 * it, nor for time in which the whole process stood still; one that the system holds (a dead disk) is told
 * but not ended, because ending it would neither free it nor serve its clients.
 */
export class Watchdog {
  private readonly init: ConstructorParameters<typeof Watchdog>[0];
  private readonly silences = new Map<WatchedThread, Silence>();
  private lastLookMs = 0;
  private timer: Timer | null = null;

  constructor(init: {
    readonly clock: Clock;
    readonly log: ErrorLog;
    readonly patience: Patience;
    /** All that have not ended. */
    readonly threads: Iterable<WatchedThread>;
    /** For tests. */
    readonly timesOf?: (threadId: number) => ThreadTimes | null;
    readonly isDebugged?: () => boolean;
  }) {
    this.init = init;
  }

  /** Idempotent. */
  start(): void {
    if (this.timer !== null) return;
    this.lastLookMs = this.init.clock.now();
    this.wait();
  }

  /** Nobody is looked after any more. Idempotent. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private wait(): void {
    const { clock, patience } = this.init;
    this.timer = clock.timer(patience.beatMs, () => {
      this.wait();
      this.look();
    });
  }

  private look(): void {
    const { clock, threads, patience } = this.init;
    const now = clock.now();
    // More has passed only when this thread, or the process, stood still itself.
    const passedMs = Math.min(now - this.lastLookMs, 2 * patience.beatMs);
    this.lastLookMs = now;
    const present = new Set(threads);
    for (const thread of this.silences.keys()) if (!present.has(thread)) this.silences.delete(thread);
    for (const thread of present) this.lookAt(thread, passedMs);
  }

  private lookAt(thread: WatchedThread, passedMs: number): void {
    const { beats, systemId } = thread.heartbeat;
    const silence = this.silences.get(thread);
    if (beats === 0 || silence === undefined || silence.beats !== beats) {
      if (silence?.told === true) this.tellReturn(thread, silence);
      const before = this.timesOf(systemId);
      this.silences.set(thread, { beats, before, lastedMs: 0, told: false, ended: false });
      return;
    }
    silence.lastedMs += passedMs;
    this.judge(thread, silence, this.timesOf(systemId));
  }

  private judge(thread: WatchedThread, silence: Silence, times: ThreadTimes | null): void {
    const { patience, log } = this.init;
    const { before, lastedMs } = silence;
    const isKnown = before !== null && times !== null;
    const queuedMs = isKnown ? times.queuedMs - before.queuedMs : 0;
    const workedMs = isKnown ? Math.min(times.workedMs - before.workedMs, lastedMs) : lastedMs;
    const stuckMs = lastedMs - queuedMs;
    if (stuckMs < patience.tellMs || silence.ended) return;
    const isWorking = workedMs >= stuckMs / 2;
    const where = describeWork(thread.heartbeat.work);
    if (!silence.told) {
      silence.told = true;
      const state = isWorking ? "stuck" : "held up by the system";
      log.write("alert", `worker thread ${thread.id} is ${state} for ${seconds(stuckMs)} s${where}`);
    }
    if (workedMs < patience.endMs) return;
    silence.ended = true;
    const isHeld = (this.init.isDebugged ?? isDebugged)();
    const fate = isHeld ? "is not ended because of a debugger" : "is ended";
    log.write("alert", `worker thread ${thread.id} is stuck for ${seconds(stuckMs)} s and ${fate}${where}`);
    if (!isHeld) thread.end();
  }

  private tellReturn(thread: WatchedThread, { lastedMs }: Silence): void {
    if (thread.heartbeat.beats === 0) return;
    this.init.log.write("notice", `worker thread ${thread.id} goes on after ${seconds(lastedMs)} s`);
  }

  private timesOf(systemId: number): ThreadTimes | null {
    return (this.init.timesOf ?? threadTimes)(systemId);
  }
}

/** What it left may still have begun what it does not come back from, by a promise for one. */
function describeWork(work: HeartbeatWork | null): string {
  if (work === null) return "";
  return `, ${work.isUnderWay ? "request" : "last request"}: "${work.requestLine}"`;
}

function seconds(ms: number): string {
  return String(Math.round(ms / 1000));
}
