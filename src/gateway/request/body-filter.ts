/** Takes what a filter, or the source of a body, puts out. */
export interface BodyOutput {
  /** The memory may be used again on return. False: stop until the filter's `onDrain`. */
  write(bytes: Buffer): boolean;
  /**
   * What was written should not wait for more.
   *
   * @param done called when all of that has been put out
   */
  flush(done?: () => void): void;
  /** The body is whole. */
  end(): void;
  /** The body cannot be completed. */
  fail(error: Error): void;
}

/** Changes a body on its way to the client. Sits between two outputs, and is one itself. */
export interface BodyFilter extends BodyOutput {
  /** Called when this filter takes more after `write` returned false. Set by the response. */
  onDrain: () => void;
  /** What comes after this filter takes more. */
  resume(): void;
  /** The answer is given up. */
  close(): void;
}

/** A body that a filter cannot read: no programming error but its sender's. The message is for the log. */
export class UnreadableBody extends Error {}

/** Makes a filter that puts out to `next`. */
export type BodyFilterMaker = (next: BodyOutput) => BodyFilter;

/** The filters of one answer, and the way through them. */
export class BodyFilters {
  /** Where the source of the body writes to. */
  readonly first: BodyFilter;
  private readonly chain: readonly BodyFilter[];

  /** @param makers in the order in which the body passes; at least one */
  constructor(makers: readonly BodyFilterMaker[], last: BodyOutput, onDrain: () => void) {
    const chain: BodyFilter[] = [];
    let next = last;
    for (const make of makers.toReversed()) {
      const filter = make(next);
      chain.unshift(filter);
      next = filter;
    }
    for (const [index, filter] of chain.entries()) {
      const before = chain[index - 1];
      filter.onDrain = before === undefined ? onDrain : () => before.resume();
    }
    this.chain = chain;
    this.first = chain[0]!;
  }

  /** The client takes more. */
  resume(): void {
    this.chain.at(-1)!.resume();
  }

  /** The answer is given up: no filter puts anything out from here on. */
  close(): void {
    for (const filter of this.chain) filter.close();
  }
}
