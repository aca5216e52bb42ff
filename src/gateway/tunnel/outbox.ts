import { FrameCursor } from "../../websocket/frame-cursor.ts";

/**
 * What a client sends to a server that may be lost: remembers the beginning of each message that the server has not got
 * whole, so that another server can be sent it from there. Nothing is kept while messages go out whole.
 */
export class Outbox {
  /** Bytes of one message that are kept at most. */
  private readonly bytesMax: number;
  private readonly frames = new FrameCursor();
  /** Copies of what was sent, from the beginning of the first message that is not out whole. */
  private kept: Buffer[] = [];
  private keptBytes = 0;
  /** Where messages end among the kept bytes, in order. */
  private ends: number[] = [];
  /** The message under way is larger than what is kept of one: it cannot be sent again. */
  private tooLarge = false;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** All messages so far are out whole. */
  get clean(): boolean {
    return this.keptBytes === 0 && !this.tooLarge;
  }

  /** Another server can be sent all that the one before has not got. */
  get repeatable(): boolean {
    return !this.tooLarge;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.keptBytes;
  }

  /** `bytes` were given to a connection that has `queued` of all that was given to it still in its queue. */
  sent(bytes: Buffer, queued: number): void {
    const end = this.keptBytes + bytes.length;
    const lastEnd = this.scan(bytes, queued > 0);
    if (this.tooLarge) return this.recover(bytes, lastEnd, queued);
    if (queued === 0) {
      if (lastEnd >= 0) return this.startAt(bytes, lastEnd - this.keptBytes);
      this.keep(bytes);
      this.forget(end);
    } else {
      this.keep(bytes);
      this.forget(end - queued);
    }
    // What is whole is bounded by the connection's queue.
    if (this.keptBytes - (this.ends.at(-1) ?? 0) > this.bytesMax) this.giveUp();
  }

  /** The connection's queue is empty. */
  drained(): void {
    this.forget(this.keptBytes);
  }

  /** `bytes` wait for a server. */
  hold(bytes: Buffer): void {
    this.scan(bytes, true);
    this.keep(bytes);
  }

  /** What another server is sent; `sent` says what became of it. */
  waiting(): Buffer {
    const all = this.kept.length === 1 ? this.kept[0]! : Buffer.concat(this.kept);
    this.kept = all.length === 0 ? [] : [all];
    return all;
  }

  /** All that is kept was given to a connection that has `queued` of it still in its queue. */
  given(queued: number): void {
    this.forget(this.keptBytes - queued);
  }

  /** Goes past `bytes`, and notes where messages end: all of them, or the last one. @returns that; -1 for none */
  private scan(bytes: Buffer, all: boolean): number {
    const { frames, keptBytes } = this;
    let lastEnd = -1;
    for (let at = 0; at < bytes.length;) {
      at = frames.advance(bytes, at);
      if (!frames.betweenMessages) continue;
      lastEnd = keptBytes + at;
      if (all) this.ends.push(lastEnd);
    }
    return lastEnd;
  }

  private keep(bytes: Buffer): void {
    this.kept.push(Buffer.from(bytes));
    this.keptBytes += bytes.length;
  }

  /** A message begins at `bytes[at]`; all before it is out. */
  private startAt(bytes: Buffer, at: number): void {
    this.clear();
    if (at < bytes.length) this.keep(bytes.subarray(at));
  }

  /** The first `out` of the kept bytes are out: messages that end there need not be sent again. */
  private forget(out: number): void {
    let last = -1;
    while (last + 1 < this.ends.length && this.ends[last + 1]! <= out) last += 1;
    if (last < 0) return;
    const from = this.ends[last]!;
    const ends = this.ends.slice(last + 1);
    const all = this.waiting();
    this.startAt(all, from);
    for (const end of ends) this.ends.push(end - from);
  }

  private giveUp(): void {
    this.clear();
    this.tooLarge = true;
  }

  /** Once the large message, and all behind it, is out, others can be kept again. */
  private recover(bytes: Buffer, lastEnd: number, queued: number): void {
    this.ends.length = 0;
    if (queued > 0 || lastEnd < 0) return;
    this.tooLarge = false;
    this.startAt(bytes, lastEnd);
  }

  private clear(): void {
    this.kept = [];
    this.keptBytes = 0;
    this.ends = [];
  }
}
