import type { Clock, Timer } from "../../net/clock.ts";
import { UnreadBytes } from "./unread-bytes.ts";
import type { BodyFilter, BodyOutput } from "./body-filter.ts";

/** How fast an answer may go out: `limit_rate` and `limit_rate_after`. */
export interface SendRate {
  /** Bytes per second; more than 0. */
  readonly bytesPerSecond: number;
  /** Bytes that go out before the rate counts. */
  readonly freeBytes: number;
  /** Since when the rate counts, by the clock's `now`. */
  readonly startMs: number;
}

/**
 * Lets bytes through at a rate, with nginx's accounts (ngx_http_write_filter, ngx_event_pipe): a second's worth at
 * once and another with each full second of the day's clock; after each piece a wait of the time that it is worth.
 * Holds one piece at most: its source waits meanwhile.
 */
export class RateFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly rate: SendRate;
  private readonly clock: Clock;
  private readonly next: BodyOutput;
  /** Milliseconds of a second that had passed when the rate began to count. */
  private readonly startFraction: number;
  private sent = 0;
  /** Bytes that went out in this turn: all that comes in one turn is one piece. */
  private justSent = 0;
  private readonly held = new UnreadBytes();
  private ended = false;
  private blocked = false;
  private closed = false;
  private timer: Timer | null = null;
  /** Who waits for what is held to go out. */
  private onFlushed: (() => void) | undefined = undefined;

  constructor(rate: SendRate, clock: Clock, next: BodyOutput) {
    this.rate = rate;
    this.clock = clock;
    this.next = next;
    this.startFraction = (clock.wall() - (clock.now() - rate.startMs)) % 1000;
  }

  write(bytes: Buffer): boolean {
    const rest = this.held.size > 0 ? bytes : this.pass(bytes);
    if (rest.length === 0) return !this.blocked;
    this.held.add(rest);
    return false;
  }

  flush(done?: () => void): void {
    if (this.held.size === 0) this.next.flush(done);
    else this.onFlushed = done;
  }

  end(): void {
    this.ended = true;
    if (this.held.size === 0) this.next.end();
  }

  fail(error: Error): void {
    this.close();
    this.next.fail(error);
  }

  resume(): void {
    this.blocked = false;
    if (this.timer === null) this.goOn();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.timer = null;
    this.held.clear();
  }

  /** Bytes that go out beside what is written here, and count as well: heads and framing of HTTP/2. */
  countBeside(bytes: number): void {
    this.account(bytes);
  }

  /** Sends what may go out by now; returns the rest, which goes on by itself. */
  private pass(bytes: Buffer): Buffer {
    if (this.blocked || this.timer !== null) return bytes;
    const allowance = this.allowance();
    if (allowance <= 0) {
      this.wait(Math.floor((-allowance * 1000) / this.rate.bytesPerSecond) + 1);
      return bytes;
    }
    const count = Math.min(bytes.length, allowance);
    this.account(count);
    if (!this.next.write(bytes.subarray(0, count))) this.blocked = true;
    return bytes.subarray(count);
  }

  private allowance(): number {
    const { bytesPerSecond, freeBytes, startMs } = this.rate;
    const seconds = Math.floor((this.startFraction + this.clock.now() - startMs) / 1000);
    return bytesPerSecond * (seconds + 1) - (this.sent - freeBytes);
  }

  private account(count: number): void {
    const { freeBytes } = this.rate;
    const counted = Math.max(0, this.sent + count - freeBytes) - Math.max(0, this.sent - freeBytes);
    this.sent += count;
    if (counted === 0) return;
    const first = this.justSent === 0;
    this.justSent += counted;
    if (first) this.clock.soon(() => this.rest());
  }

  /** The turn is over: waits for as long as what went out in it is worth. */
  private rest(): void {
    const delayMs = Math.floor((this.justSent * 1000) / this.rate.bytesPerSecond);
    this.justSent = 0;
    if (this.closed || this.timer !== null) return;
    if (delayMs > 0) this.wait(delayMs);
    else if (!this.blocked && this.held.size > 0) this.goOn();
  }

  private wait(delayMs: number): void {
    this.timer = this.clock.timer(delayMs, () => {
      this.timer = null;
      if (!this.blocked) this.goOn();
    });
  }

  private goOn(): void {
    const { held } = this;
    if (held.size > 0) {
      held.putBack(this.pass(held.take()).length);
      if (held.size > 0) return;
      held.clear();
    }
    this.next.flush(this.onFlushed);
    this.onFlushed = undefined;
    if (this.ended) this.next.end();
    else if (!this.blocked) this.onDrain();
  }
}
