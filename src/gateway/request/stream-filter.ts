import type { Transform } from "node:stream";
import type { BodyFilter, BodyOutput } from "./body-filter.ts";

/**
 * Given to the stream at once: it puts out all of it before anybody can stop it, and Bun reads half a megabyte at
 * a time.
 */
const sliceBytes = 32_768;
/** What may wait for its turn before the source is told to stop. */
const waitingBytesMax = 16_384;

/** A body filter around one of the runtime's streams, such as those of node:zlib. */
export class StreamFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  /** Bytes taken and put out so far. */
  taken = 0;
  given = 0;
  private readonly stream: Transform;
  private readonly next: BodyOutput;
  private readonly flushStream: (done?: () => void) => void;
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** The stream is at work on a slice. */
  private feeding = false;
  /** What comes after this takes no more. */
  private blocked = false;
  private ended = false;
  private sourceWaits = false;
  private flushWanted = false;
  private onFlushed: (() => void) | undefined = undefined;

  /** @param flushStream makes the stream put out what it holds, and tells when that is done */
  constructor(stream: Transform, next: BodyOutput, flushStream: (done?: () => void) => void) {
    this.stream = stream;
    this.next = next;
    this.flushStream = flushStream;
    stream.on("data", (bytes: Buffer) => {
      this.given += bytes.length;
      if (!next.write(bytes)) {
        this.blocked = true;
        stream.pause();
      }
      next.flush();
    });
    stream.on("end", () => next.end());
    stream.on("error", (error) => next.fail(error));
  }

  write(bytes: Buffer): boolean {
    this.taken += bytes.length;
    this.waiting.push(Buffer.from(bytes));
    this.waitingBytes += bytes.length;
    this.goOn();
    this.sourceWaits = this.waitingBytes > waitingBytesMax || this.blocked;
    return !this.sourceWaits;
  }

  flush(done?: () => void): void {
    this.flushWanted = true;
    if (done !== undefined) {
      // It is the last of it, and little: it goes out although a slow client has not made room for it.
      this.onFlushed = done;
      this.blocked = false;
      this.stream.resume();
    }
    this.goOn();
  }

  end(): void {
    this.ended = true;
    this.goOn();
  }

  fail(error: Error): void {
    this.stream.destroy();
    this.next.fail(error);
  }

  resume(): void {
    this.blocked = false;
    this.stream.resume();
    this.goOn();
  }

  close(): void {
    this.waiting.length = 0;
    this.stream.destroy();
  }

  private readonly fed = (): void => {
    this.feeding = false;
    this.goOn();
  };

  /** Gives the stream the next slice; behind the last one the wish to flush, or the end. */
  private goOn(): void {
    if (this.feeding || this.blocked || this.stream.destroyed) return;
    const first = this.waiting[0];
    if (first !== undefined) {
      const slice = first.subarray(0, sliceBytes);
      if (slice.length === first.length) this.waiting.shift();
      else this.waiting[0] = first.subarray(sliceBytes);
      this.waitingBytes -= slice.length;
      this.feeding = true;
      this.stream.write(slice, this.fed);
      return;
    }
    if (this.flushWanted) this.flushNow();
    if (this.ended) this.stream.end();
    else if (this.sourceWaits) {
      this.sourceWaits = false;
      this.onDrain();
    }
  }

  private flushNow(): void {
    this.flushWanted = false;
    const done = this.onFlushed;
    this.onFlushed = undefined;
    if (done === undefined) this.flushStream();
    else this.flushStream(() => this.next.flush(done));
  }
}
