import type { FrameLimit } from "../../gateway/serve/websocket-policy.ts";

/** How fast the frames of one side may go. 0 stands for no limit. */
export interface MessageRate {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Messages that may come at once beyond the rate; null: a second's worth. */
  readonly burst: number | null;
}

/**
 * The account of one side of one tunnel: what may go at once fills up with time. A message goes when there is room for
 * one; bytes may overdraw by one frame, for a frame cannot be divided.
 */
export class MessageAccount implements FrameLimit {
  private readonly rate: MessageRate;
  private readonly clock: { now(): number };
  private messages: number;
  private bytes: number;
  private countedMs: number;

  constructor(rate: MessageRate, clock: { now(): number }) {
    this.rate = rate;
    this.clock = clock;
    this.messages = messagesAtOnce(rate);
    this.bytes = rate.bytesPerSecond;
    this.countedMs = clock.now();
  }

  take(messages: number, bytes: number): number {
    this.fillUp();
    const { messagesPerSecond, bytesPerSecond } = this.rate;
    let seconds = 0;
    if (messagesPerSecond > 0) {
      this.messages -= messages;
      if (this.messages < 0) seconds = -this.messages / messagesPerSecond;
    }
    if (bytesPerSecond > 0) {
      if (this.bytes <= 0 && bytes > 0) seconds = Math.max(seconds, (1 - this.bytes) / bytesPerSecond);
      this.bytes -= bytes;
    }
    return Math.ceil(seconds * 1000);
  }

  private fillUp(): void {
    const { messagesPerSecond, bytesPerSecond } = this.rate;
    const now = this.clock.now();
    const seconds = (now - this.countedMs) / 1000;
    this.countedMs = now;
    this.messages = Math.min(messagesAtOnce(this.rate), this.messages + seconds * messagesPerSecond);
    this.bytes = Math.min(bytesPerSecond, this.bytes + seconds * bytesPerSecond);
  }
}

function messagesAtOnce({ messagesPerSecond, burst }: MessageRate): number {
  return burst === null ? Math.max(1, messagesPerSecond) : burst + 1;
}
