/** Anything slower is counted as this slow. */
const microsecondsMax = 200_000;

/** Counts per microsecond: exact quantiles without keeping the samples. */
export class Histogram {
  readonly #counts = new Uint32Array(microsecondsMax + 1);
  #total = 0;

  record(microseconds: number): void {
    this.#counts[Math.max(0, Math.min(microsecondsMax, Math.round(microseconds)))]! += 1;
    this.#total += 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The smallest value that at least `share` (0 to 1) of the samples do not exceed; 0 without samples. */
  quantile(share: number): number {
    const needed = Math.max(1, Math.ceil(this.#total * share));
    let seen = 0;
    for (let value = 0; value <= microsecondsMax; value += 1) {
      seen += this.#counts[value]!;
      if (seen >= needed) return value;
    }
    return 0;
  }
}
