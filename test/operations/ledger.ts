/** How a client of the gateway can be wronged. */
export const wrongs = [
  "tunnel not opened",
  "tunnel dropped",
  "bytes lost",
  "bytes repeated or out of order",
  "bytes changed",
  "request refused",
  "request reset",
  "kept connection closed under a request",
  "request truncated",
  "request timed out",
  "request failed by status",
  "wrong answer",
  "stale configuration",
] as const;

export type Wrong = (typeof wrongs)[number];

/** A storm of one kind says no more than its first lines. */
const detailsPerWrongMax = 10;

/** What went wrong, counted, and the first of each kind told in full: what, when, during which operation. */
export class Ledger {
  readonly details: string[] = [];
  /** The operation that is under way; part of every detail. */
  during = "the start";
  readonly #counts = new Map<Wrong, number>();
  readonly #startedAt = performance.now();

  record(wrong: Wrong, text: string, count = 1): void {
    const before = this.#counts.get(wrong) ?? 0;
    this.#counts.set(wrong, before + count);
    if (before >= detailsPerWrongMax) return;
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(3);
    this.details.push(`${wrong}: ${text} (at ${seconds} s, during ${this.during})`);
  }

  count(...kinds: readonly Wrong[]): number {
    return kinds.reduce((sum, wrong) => sum + (this.#counts.get(wrong) ?? 0), 0);
  }

  /** Every kind with its count, zeros included. */
  get counts(): Record<Wrong, number> {
    return Object.fromEntries(wrongs.map((wrong) => [wrong, this.count(wrong)])) as Record<Wrong, number>;
  }

  get requestsFailed(): number {
    return this.count(
      "request refused",
      "request reset",
      "kept connection closed under a request",
      "request truncated",
      "request timed out",
      "request failed by status",
      "wrong answer",
    );
  }
}
