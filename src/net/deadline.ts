import type { Clock, Timer } from "./clock.ts";

/** Who is told when a deadline passes. An object rather than a function: an idle connection keeps no closure. */
export interface DeadlineOwner {
  onDeadline(deadline: Deadline): void;
}

/**
 * A point in time that moves often and is seldom reached, such as an idle timeout.
 *
 * Moving it later costs one assignment: its place in the queue is left alone, and when its turn comes
 * too early it is put back for what remains. nginx does the same with its 300 ms of timer laziness.
 */
export class Deadline {
  /** When it passes, by the clock; 0 while it is not set. */
  at = 0;
  /** When the queue will look at it; meaningless unless `index` is 0 or more. */
  lookAt = 0;
  /** Place in the queue's heap; -1 outside. */
  index = -1;
  /** May change: a connection keeps its deadline while its users come and go. */
  owner: DeadlineOwner;
  private readonly queue: DeadlineQueue;

  constructor(clock: Clock, owner: DeadlineOwner) {
    this.queue = queueOf(clock);
    this.owner = owner;
  }

  get armed(): boolean {
    return this.at > 0;
  }

  /** Tells the owner after `delayMs` unless set again or cleared before. */
  set(delayMs: number): void {
    this.at = this.queue.clock.now() + delayMs;
    if (this.index < 0 || this.at < this.lookAt) this.queue.put(this);
  }

  /** Takes the deadline back. It may stay in the queue, and is dropped when its turn comes. */
  clear(): void {
    this.at = 0;
  }

  /** Takes the deadline back and out of the queue: for the end of the owner's life. */
  dispose(): void {
    this.at = 0;
    if (this.index >= 0) this.queue.remove(this);
  }
}

/** The deadlines of one clock, behind a single timer: a binary heap by the time of the next look. */
class DeadlineQueue {
  readonly clock: Clock;
  private readonly heap: Deadline[] = [];
  private timer: Timer | null = null;
  private timerAt = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Takes a deadline in, or moves it forward to an earlier time. */
  put(deadline: Deadline): void {
    deadline.lookAt = deadline.at;
    if (deadline.index < 0) {
      deadline.index = this.heap.length;
      this.heap.push(deadline);
    }
    this.rise(deadline);
    this.schedule();
  }

  remove(deadline: Deadline): void {
    const { index } = deadline;
    const last = this.heap.pop()!;
    deadline.index = -1;
    if (last === deadline) return;
    this.heap[index] = last;
    last.index = index;
    this.rise(last);
    this.sink(last);
  }

  private readonly look = (): void => {
    this.timer = null;
    try {
      this.tellPassed();
    } finally {
      // An owner that throws must not hold up the others.
      this.schedule();
    }
  };

  private tellPassed(): void {
    const now = this.clock.now();
    for (let first = this.heap[0]; first !== undefined && first.lookAt <= now; first = this.heap[0]) {
      if (first.at > now) {
        first.lookAt = first.at;
        this.sink(first);
        continue;
      }
      this.remove(first);
      if (first.at === 0) continue;
      first.at = 0;
      first.owner.onDeadline(first);
    }
  }

  private schedule(): void {
    const first = this.heap[0];
    if (first === undefined) return;
    if (this.timer !== null) {
      if (this.timerAt <= first.lookAt) return;
      this.timer.cancel();
    }
    this.timerAt = first.lookAt;
    this.timer = this.clock.timer(Math.max(0, first.lookAt - this.clock.now()), this.look);
  }

  private rise(deadline: Deadline): void {
    const { heap } = this;
    let { index } = deadline;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.lookAt <= deadline.lookAt) break;
      heap[index] = parent;
      parent.index = index;
      index = (index - 1) >> 1;
    }
    heap[index] = deadline;
    deadline.index = index;
  }

  private sink(deadline: Deadline): void {
    const { heap } = this;
    let { index } = deadline;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.lookAt < heap[child]!.lookAt) child += 1;
      const lower = heap[child]!;
      if (lower.lookAt >= deadline.lookAt) break;
      heap[index] = lower;
      lower.index = index;
      index = child;
    }
    heap[index] = deadline;
    deadline.index = index;
  }
}

const queues = new WeakMap<Clock, DeadlineQueue>();

function queueOf(clock: Clock): DeadlineQueue {
  let queue = queues.get(clock);
  if (queue === undefined) {
    queue = new DeadlineQueue(clock);
    queues.set(clock, queue);
  }
  return queue;
}
