import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Deadline, DeadlineOwner } from "../../net/deadline.ts";
import type { LocationSettings } from "../serve/settings.ts";

/** How long what a client still sends is read although nobody wants it: `lingering_time`, `lingering_timeout`. */
export class LingeringTime {
  private readonly core: LocationSettings;
  private readonly clock: Clock;
  private readonly endMs: number;

  constructor(core: LocationSettings, clock: Clock) {
    this.core = core;
    this.clock = clock;
    this.endMs = clock.now() + core.lingeringTimeMs;
  }

  /** How long to wait for more, in milliseconds; 0 when the time is over. */
  get leftMs(): number {
    return Math.max(0, Math.min(this.endMs - this.clock.now(), this.core.lingeringTimeoutMs));
  }
}

/**
 * Has a client's socket that is to be closed: what is queued still goes out, what still comes in is thrown
 * away. Closing at once would have the kernel reset what the client has not read yet.
 */
export class LingeringClose implements ConnectionOwner, DeadlineOwner {
  private readonly socket: Connection;
  private readonly core: LocationSettings;
  private readonly clock: Clock;
  private readonly deadline: Deadline;
  private readonly onGone: () => void;
  private clientEnded: boolean;
  /** Null until everything is sent. */
  private time: LingeringTime | null = null;
  /** What was queued when the deadline was last set: a client that takes some of it is let go on. */
  private queuedThen = Infinity;

  /** `onGone`: the socket is closed. */
  constructor(init: {
    socket: Connection;
    core: LocationSettings;
    clock: Clock;
    deadline: Deadline;
    clientEnded: boolean;
    onGone: () => void;
  }) {
    this.socket = init.socket;
    this.core = init.core;
    this.clock = init.clock;
    this.deadline = init.deadline;
    this.clientEnded = init.clientEnded;
    this.onGone = init.onGone;
  }

  /** `blocked`: the client has not taken the answer yet. */
  begin(blocked: boolean): void {
    const { socket } = this;
    this.deadline.owner = this;
    socket.owner = this;
    socket.shutdown();
    socket.resume();
    if (!blocked) return this.linger();
    this.queuedThen = socket.queued;
    this.deadline.set(this.core.sendTimeoutMs);
  }

  onData(): void {
    if (this.time === null || this.core.lingeringClose === "off") return;
    const left = this.time.leftMs;
    if (left > 0) this.deadline.set(left);
    else this.socket.close();
  }

  onEnd(): void {
    this.clientEnded = true;
    this.closeWhenSent();
  }

  onDrain(): void {
    this.linger();
  }

  onClose(): void {
    this.deadline.dispose();
    this.onGone();
  }

  onDeadline(): void {
    if (this.stalls) return this.socket.close();
    this.deadline.set(this.core.sendTimeoutMs);
  }

  /** Everything is sent: waits for the client to end, for as long as it still sends something. */
  private linger(): void {
    if (this.clientEnded && this.socket.queued === 0) return this.socket.close();
    this.queuedThen = Infinity;
    this.time = new LingeringTime(this.core, this.clock);
    this.deadline.set(this.core.lingeringClose === "off" ? 0 : this.core.lingeringTimeoutMs);
  }

  private closeWhenSent(): void {
    if (this.socket.queued === 0) this.socket.close();
  }

  /** The client has taken nothing of what is queued since this was asked before, or nothing is queued. */
  private get stalls(): boolean {
    const { queued } = this.socket;
    if (queued === 0 || queued >= this.queuedThen) return true;
    this.queuedThen = queued;
    return false;
  }
}
