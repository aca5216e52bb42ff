import type { Clock, Timer } from "../clock.ts";
import type { InternalErrorHook } from "../guard.ts";

interface Event extends Timer {
  readonly at: number;
  /** Events of the same time run in the order in which they were set. */
  readonly order: number;
  run: (() => void) | null;
}

/** Virtual time: it passes only when somebody steps it, and all that happens hangs on it. */
export class VirtualClock implements Clock {
  private readonly onInternalError: InternalErrorHook;
  private readonly wallAtStartMs: number;
  private readonly heap: Event[] = [];
  private readonly soonQueue: (() => void)[] = [];
  private nowMs = 0;
  private order = 0;

  constructor(wallAtStartMs: number, onInternalError: InternalErrorHook) {
    this.wallAtStartMs = wallAtStartMs;
    this.onInternalError = onInternalError;
  }

  now(): number {
    return this.nowMs;
  }

  wall(): number {
    return this.wallAtStartMs + this.nowMs;
  }

  timer(delayMs: number, fire: () => void): Timer {
    const event: Event = {
      at: this.nowMs + Math.max(0, delayMs),
      order: this.order++,
      run: fire,
      cancel() {
        event.run = null;
      },
    };
    push(this.heap, event);
    return event;
  }

  soon(run: () => void): void {
    this.soonQueue.push(run);
  }

  /** When the next event is due; Infinity when there is none. */
  get nextAt(): number {
    if (this.soonQueue.length > 0) return this.nowMs;
    while (this.heap[0]?.run === null) pop(this.heap);
    return this.heap[0]?.at ?? Infinity;
  }

  /** Lets time pass to the next event and runs it. False when there is none. */
  step(): boolean {
    if (this.nextAt === Infinity) return false;
    const soon = this.soonQueue.shift();
    if (soon !== undefined) {
      this.guarded(soon);
      return true;
    }
    const event = pop(this.heap);
    const run = event?.run;
    if (event === undefined || run === null || run === undefined) return true;
    this.nowMs = event.at;
    event.run = null;
    this.guarded(run);
    return true;
  }

  /** Lets time pass up to `atMs`, where nothing is due before. */
  moveTo(atMs: number): void {
    this.nowMs = Math.max(this.nowMs, atMs);
  }

  private guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.onInternalError(error);
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let childAt = at * 2 + 1;
    let child = heap[childAt];
    const right = heap[childAt + 1];
    if (child !== undefined && right !== undefined && isBefore(right, child)) {
      child = right;
      childAt++;
    }
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
  return top;
}
