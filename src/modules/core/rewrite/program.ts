import type { Verdict } from "../../../gateway/request/handler.ts";
import type { Request } from "../../../gateway/request/request.ts";

/** The next code runs. */
export const next = -100;
/** No further code of this location or server runs. */
export const stop = -101;

/**
 * One directive of the rewrite module, compiled. Answers `next`, `stop`, or the verdict of the phase
 * (a status, or DONE).
 */
export type Code = (request: Request) => Verdict;

/** Runs codes in order; what ended them, or `next` when all have run. */
export function runCodes(codes: readonly Code[], request: Request): Verdict {
  for (const code of codes) {
    const outcome = code(request);
    if (outcome !== next) return outcome;
  }
  return next;
}
