import type { Clock, Timer } from "../net/clock.ts";
import type { BodyFilter, BodyOutput } from "./body-filter.ts";

export interface Rate {
  /** Bytes per second; more than 0. */
  readonly bytesPerSecond: number;
  /** Bytes that go out before the rate counts. */
  readonly freeBytes: number;
}

/**
 * Lets a body through at a rate. As in nginx, a second's worth goes out at once, the rest as time passes.
 * Holds one piece at most: its source waits meanwhile.
 */
export class RateFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly rate: Rate;
  private readonly clock: Clock;
  private readonly next: BodyOutput;
  private readonly startMs: number;
  private sent = 0;
  private held: Buffer | null = null;
  private ended = false;
  private blocked = false;
  private timer: Timer | null = null;

  constructor(rate: Rate, clock: Clock, next: BodyOutput) {
    this.rate = rate;
    this.clock = clock;
    this.next = next;
    this.startMs = clock.now();
  }

  write(bytes: Buffer): boolean {
    if (this.held !== null) {
      this.held = Buffer.concat([this.held, bytes]);
      return false;
    }
    const rest = this.pass(bytes);
    if (rest.length === 0) return !this.blocked;
    this.held = Buffer.from(rest);
    this.wait();
    return false;
  }

  flush(): void {
    this.next.flush();
  }

  end(): void {
    this.ended = true;
    if (this.held === null) this.next.end();
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
    this.timer?.cancel();
    this.held = null;
  }

  /** Sends what may go out by now; returns the rest. */
  private pass(bytes: Buffer): Buffer {
    const allowed = this.blocked ? 0 : Math.min(bytes.length, Math.max(0, this.allowance()));
    if (allowed === 0) return bytes;
    this.sent += allowed;
    if (!this.next.write(bytes.subarray(0, allowed))) this.blocked = true;
    return bytes.subarray(allowed);
  }

  private allowance(): number {
    const seconds = (this.clock.now() - this.startMs) / 1000 + 1;
    return Math.floor(this.rate.bytesPerSecond * seconds) + this.rate.freeBytes - this.sent;
  }

  private wait(): void {
    if (this.blocked || this.timer !== null) return;
    const { bytesPerSecond } = this.rate;
    // A tenth of a second's worth at a time, so that slow rates do not go out byte by byte.
    const missing = Math.max(1, bytesPerSecond / 10) - this.allowance();
    const delayMs = Math.max(1, Math.ceil((missing * 1000) / bytesPerSecond));
    this.timer = this.clock.timer(delayMs, () => {
      this.timer = null;
      this.goOn();
    });
  }

  private goOn(): void {
    const { held } = this;
    if (held !== null) {
      const rest = this.pass(held);
      this.held = rest.length === 0 ? null : rest;
      if (rest.length > 0) return this.wait();
    }
    this.next.flush();
    if (this.ended) this.next.end();
    else if (!this.blocked) this.onDrain();
  }
}
