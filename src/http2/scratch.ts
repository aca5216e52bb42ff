/** As much as four DATA frames of the usual size with their headers: what one read of an upstream brings. */
export const scratchBytes = 66_560;
/** Kept per thread while nobody needs them; more than a few at once are in use in a storm only. */
const keptMax = 8;

const kept: Buffer[] = [];

/** A buffer to gather output in, which a session has only from its first byte of output until it is sent. */
export function takeScratch(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(scratchBytes);
}

/** Gives back a buffer of `takeScratch`, which must not be used after. Kept for the next, unless there are enough. */
export function returnScratch(scratch: Buffer): void {
  if (kept.length < keptMax) kept.push(scratch);
}
