import type { Clock } from "../../net/clock.ts";
import type { Connection } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";

/** Who answers for a client that may be slow. */
export interface SendWatchOwner {
  /** How long the client may take nothing: `send_timeout`, in milliseconds. */
  readonly sendTimeoutMs: number;
  /** It has taken nothing for so long. */
  onStall(): void;
}

/** Watches that a client takes some of what is queued for it: a slow one may go on, one that has stalled not. */
export class SendWatch implements DeadlineOwner {
  private readonly owner: SendWatchOwner;
  private readonly socket: Connection;
  private readonly deadline: Deadline;
  /** What was queued when the deadline was set. */
  private queuedThen = Infinity;

  constructor(owner: SendWatchOwner, socket: Connection, clock: Clock) {
    this.owner = owner;
    this.socket = socket;
    this.deadline = new Deadline(clock, this);
  }

  /** The client has just been given more than it takes. */
  begin(): void {
    this.queuedThen = this.socket.queued;
    this.deadline.set(this.owner.sendTimeoutMs);
  }

  /** It has taken all. */
  clear(): void {
    this.deadline.clear();
  }

  /** Nothing is watched any more. */
  dispose(): void {
    this.deadline.dispose();
  }

  onDeadline(): void {
    const { queued } = this.socket;
    if (queued === 0 || queued >= this.queuedThen) return this.owner.onStall();
    this.begin();
  }
}
