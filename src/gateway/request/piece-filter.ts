import type { BodyFilter, BodyOutput } from "./body-filter.ts";

/** Makes something else of a piece of a body, or nothing (no bytes). May keep some for the next piece. */
export type PieceChange = (bytes: Buffer) => Buffer;

/** Changes a body piece by piece, as the pieces come. What the change has kept at the end is dropped. */
export class PieceFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly change: PieceChange;
  private readonly next: BodyOutput;

  constructor(change: PieceChange, next: BodyOutput) {
    this.change = change;
    this.next = next;
  }

  write(bytes: Buffer): boolean {
    const output = this.change(bytes);
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
