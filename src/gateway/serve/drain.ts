import type { Clock } from "../../net/clock.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { FailureKind } from "../failure/kinds.ts";

/** How the WebSockets of a location are ended when the gateway goes away from them: `websocket_drain`. */
export interface WebSocketDrain {
  /** The close frames are spread over so much time; null: none before `worker_shutdown_timeout` ends. */
  readonly windowMs: number | null;
  /** Each is put off by a random time of up to so much. */
  readonly jitterMs: number;
  /** How long a frame boundary, and then the closing handshake, is waited for. */
  readonly graceMs: number;
  /** The close code; null leaves it to the occasion. */
  readonly code: number | null;
}

/** Why WebSockets are drained. */
export interface DrainOccasion {
  /** RFC 6455, section 7.4: 1001 when the process goes away, 1012 when a reload has removed something. */
  readonly code: number;
  /** For the log. */
  readonly reason: string;
  /** What `$websocket_close_cause` says: an operation, or a directive with value and place. */
  readonly cause: string;
  /** Only the server goes: a WebSocket that may move lives on. */
  readonly moves?: boolean;
  /** A directive or an operator has chosen this one: `websocket_drain` has no say in its code. */
  readonly chosen?: { readonly closeReason: string; readonly kind: FailureKind };
}

/** A tunnel that can be closed with a close frame. */
export interface Drainable {
  readonly over: boolean;
  /** Null: left alone until it ends by itself. */
  readonly websocketDrain: WebSocketDrain | null;
  drain(occasion: DrainOccasion, graceMs: number): void;
}

interface Turn {
  readonly tunnel: Drainable;
  readonly occasion: DrainOccasion;
  readonly at: number;
  readonly graceMs: number;
}

/** Part of `worker_shutdown_timeout` in which WebSockets are drained that nothing else was said of. */
const lastPart = 1 / 4;
const lastPartMsMax = 30_000;
/** Part of the time before everything is dropped that even the last has for its closing handshake. */
const handshakePart = 1 / 4;

/** Says when each tunnel's turn comes: one deadline for all, and nothing kept in the tunnels. */
export class DrainSchedule implements DeadlineOwner {
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly deadline: Deadline;
  /** The next turn stands last. */
  private turns: Turn[] = [];

  constructor(clock: Clock, random: () => number) {
    this.clock = clock;
    this.random = random;
    this.deadline = new Deadline(clock, this);
  }

  /**
   * Spreads the tunnels evenly over their windows, which begin now, in no order that clients could share.
   * Everything is dropped after `leftMs`: windows are shortened so that each client gets its close frame
   * before, and WebSockets without `websocket_drain` get theirs in the last part of that time.
   */
  spread(tunnels: Iterable<Drainable>, occasion: DrainOccasion, leftMs = Infinity): void {
    for (const [drain, group] of groupedByDrain(tunnels)) {
      const slot = slotOf(drain, leftMs);
      if (slot === null) continue;
      shuffle(group, this.random);
      for (const [index, tunnel] of group.entries()) this.add(tunnel, occasion, slot, index / group.length);
    }
    this.start();
  }

  /** A tunnel that came into being after the others were spread. */
  join(tunnel: Drainable, occasion: DrainOccasion, leftMs = Infinity): void {
    const slot = tunnel.websocketDrain === null ? null : slotOf(tunnel.websocketDrain, leftMs);
    if (slot === null) return;
    this.add(tunnel, occasion, slot, this.random());
    this.start();
  }

  onDeadline(): void {
    const now = this.clock.now();
    while (this.turns.length > 0 && this.turns.at(-1)!.at <= now) {
      const { tunnel, occasion, graceMs } = this.turns.pop()!;
      if (!tunnel.over) tunnel.drain(occasion, graceMs);
    }
    const next = this.turns.at(-1);
    if (next !== undefined) this.deadline.set(Math.ceil(next.at - now));
  }

  /** `part`: where in the window, from 0 to 1. */
  private add(tunnel: Drainable, occasion: DrainOccasion, slot: Slot, part: number): void {
    const { startMs, windowMs, jitterMs, graceMs } = slot;
    const at = this.clock.now() + startMs + part * windowMs + this.random() * jitterMs;
    this.turns.push({ tunnel, occasion, at, graceMs });
  }

  private start(): void {
    this.turns.sort((a, b) => b.at - a.at);
    this.onDeadline();
  }
}

/** The time in which the close frames of a group of tunnels are sent. */
interface Slot {
  readonly startMs: number;
  readonly windowMs: number;
  readonly jitterMs: number;
  readonly graceMs: number;
}

/** Null: no close frame is sent. */
function slotOf({ windowMs, jitterMs, graceMs }: WebSocketDrain, leftMs: number): Slot | null {
  if (windowMs === null) {
    if (leftMs === Infinity) return null;
    const lastMs = Math.min(leftMs * lastPart, lastPartMsMax);
    const handshakeMs = lastMs * handshakePart;
    return { startMs: leftMs - lastMs, windowMs: lastMs - handshakeMs, jitterMs: 0, graceMs: handshakeMs };
  }
  const usableMs = leftMs * (1 - handshakePart);
  const scale = Math.min(1, usableMs / Math.max(1, windowMs + jitterMs));
  return { startMs: 0, windowMs: windowMs * scale, jitterMs: jitterMs * scale, graceMs };
}

function groupedByDrain(tunnels: Iterable<Drainable>): Map<WebSocketDrain, Drainable[]> {
  const groups = new Map<WebSocketDrain, Drainable[]>();
  for (const tunnel of tunnels) {
    const { websocketDrain } = tunnel;
    if (websocketDrain === null) continue;
    const group = groups.get(websocketDrain);
    if (group === undefined) groups.set(websocketDrain, [tunnel]);
    else group.push(tunnel);
  }
  return groups;
}

/** Fisher and Yates. */
function shuffle<T>(items: T[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
}
