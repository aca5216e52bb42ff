import type { BodyFilter, BodyOutput } from "../../gateway/request/body-filter.ts";
import type { ByteRange } from "./ranges.ts";

/** Lets one range of a body through. What stands around it is read and forgotten. */
export class RangeFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly range: ByteRange;
  private readonly next: BodyOutput;
  private position = 0;

  constructor(range: ByteRange, next: BodyOutput) {
    this.range = range;
    this.next = next;
  }

  write(bytes: Buffer): boolean {
    const start = Math.max(0, this.range.start - this.position);
    const end = Math.min(bytes.length, this.range.end - this.position);
    this.position += bytes.length;
    return start >= end || this.next.write(bytes.subarray(start, end));
  }

  flush(done?: () => void): void {
    this.next.flush(done);
  }

  end(): void {
    this.next.end();
  }

  fail(error: Error): void {
    this.next.fail(error);
  }

  resume(): void {
    this.onDrain();
  }

  close(): void {}
}
