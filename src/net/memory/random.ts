/** Numbers that look random and are the same for the same seed. Not for secrets. */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True in `probability` (0 to 1) of the calls; 0 takes no number from the row. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** One of the values, each as likely; undefined when there are none. */
  pick<T>(values: readonly T[]): T | undefined {
    return values[this.integer(0, values.length - 1)];
  }
}
