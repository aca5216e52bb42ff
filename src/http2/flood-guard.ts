import { windowUpdateBytes, windowUpdatesPerSend } from "./limits.ts";
import type { Http2Limits, Rate } from "./limits.ts";

/** What a peer can do that costs us and brings it nothing. */
export type Nuisance =
  | "resets"
  | "provokedResets"
  | "settings"
  | "pings"
  | "uselessFrames"
  | "windowUpdates"
  | "emptyData";

const words: Readonly<Record<Nuisance, string>> = {
  resets: "too many streams reset",
  provokedResets: "too many streams that had to be reset",
  settings: "too many SETTINGS frames",
  pings: "too many PING frames",
  uselessFrames: "too many frames that say nothing",
  windowUpdates: "too many WINDOW_UPDATE frames",
  emptyData: "too many empty DATA frames",
};

/** A bucket that each event adds to, and that empties while time passes. */
interface Bucket {
  level: number;
  atMs: number;
}

/** Counts what a peer does, and tells when it is too much. Keeps nothing of a kind that did not happen. */
export class FloodGuard {
  private readonly limits: Http2Limits;
  private readonly clock: { now(): number };
  private readonly buckets: Partial<Record<Nuisance, Bucket>> = {};

  constructor(limits: Http2Limits, clock: { now(): number }) {
    this.limits = limits;
    this.clock = clock;
  }

  /** One more of that kind; returns why the connection has to end, or null. */
  count(kind: Nuisance): string | null {
    const rate: Rate = this.limits[kind];
    const nowMs = this.clock.now();
    const bucket = (this.buckets[kind] ??= { level: 0, atMs: nowMs });
    bucket.level = Math.max(0, bucket.level - ((nowMs - bucket.atMs) / 1000) * rate.perSecond) + 1;
    bucket.atMs = nowMs;
    return bucket.level > rate.burst ? words[kind] : null;
  }

  /** We have sent data, which the peer has to make room for again; `whole` when no window cut them short. */
  dataSent(bytes: number, whole: boolean): void {
    const bucket = this.buckets.windowUpdates;
    if (bucket === undefined) return;
    const allowed = bytes / windowUpdateBytes + (whole ? windowUpdatesPerSend : 0);
    bucket.level = Math.max(0, bucket.level - allowed);
  }
}
