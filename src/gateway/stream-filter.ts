import type { Transform } from "node:stream";
import type { BodyFilter, BodyOutput } from "./body-filter.ts";

/** A body filter around one of the runtime's streams, such as those of node:zlib. */
export class StreamFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  /** Bytes taken and put out so far. */
  taken = 0;
  given = 0;
  private readonly stream: Transform;
  private readonly next: BodyOutput;
  private readonly flushStream: (done?: () => void) => void;

  /** @param flushStream makes the stream put out what it holds, and tells when that is done */
  constructor(stream: Transform, next: BodyOutput, flushStream: (done?: () => void) => void) {
    this.stream = stream;
    this.next = next;
    this.flushStream = flushStream;
    stream.on("data", (bytes: Buffer) => {
      this.given += bytes.length;
      if (!next.write(bytes)) stream.pause();
      next.flush();
    });
    stream.on("drain", () => this.onDrain());
    stream.on("end", () => next.end());
    stream.on("error", (error) => next.fail(error));
  }

  write(bytes: Buffer): boolean {
    this.taken += bytes.length;
    return this.stream.write(Buffer.from(bytes));
  }

  flush(done?: () => void): void {
    if (done === undefined) return this.flushStream();
    // It is the last of it, and little: what a client that is slow has not made room for goes out all the same.
    this.stream.resume();
    this.flushStream(() => this.next.flush(done));
  }

  end(): void {
    this.stream.end();
  }

  fail(error: Error): void {
    this.stream.destroy();
    this.next.fail(error);
  }

  resume(): void {
    this.stream.resume();
  }

  close(): void {
    this.stream.destroy();
  }
}
