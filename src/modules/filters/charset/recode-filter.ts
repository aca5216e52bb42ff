import type { BodyFilter, BodyOutput } from "../../../gateway/request/body-filter.ts";

/** Makes of a piece of a text the same in another character set. May keep bytes for the next piece. */
export type Recoder = (bytes: Buffer) => Buffer;

/** Writes a body in another character set. A character that is cut off at the end is dropped, as in nginx. */
export class RecodeFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly recode: Recoder;
  private readonly next: BodyOutput;

  constructor(recode: Recoder, next: BodyOutput) {
    this.recode = recode;
    this.next = next;
  }

  write(bytes: Buffer): boolean {
    const output = this.recode(bytes);
    return output.length === 0 || this.next.write(output);
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

  close(): void {
    // Nothing is held that would have to be given back.
  }
}
