import { BACKEND_STEPS } from "./backend-steps.ts";
import type { Line } from "./case-file.ts";
import { CLIENT_STEPS } from "./client-steps.ts";
import { HTTP2_STEPS } from "./http2-steps.ts";
import { LOG_STEPS } from "./log-steps.ts";
import { RESPONSE_STEPS } from "./response-steps.ts";
import type { World } from "./world.ts";

/** One line of a case, ready to run. Rejects with a CaseFailure when the expectation is not met. */
export interface Step {
  readonly line: number;
  readonly text: string;
  run(world: World): Promise<void>;
}

/** How a kind of line is recognised and what it does. */
export interface StepRule {
  readonly pattern: RegExp;
  /** `args` are the pattern's groups, `below` the indented lines; placeholders are filled in both. */
  run(world: World, args: readonly string[], below: readonly string[]): void | Promise<void>;
}

const RULES: readonly StepRule[] = [
  ...CLIENT_STEPS,
  ...HTTP2_STEPS,
  ...RESPONSE_STEPS,
  ...BACKEND_STEPS,
  ...LOG_STEPS,
];

/** Null when no rule knows the line. */
export function parseStep(line: Line): Step | null {
  for (const rule of RULES) {
    const match = rule.pattern.exec(line.text);
    if (match === null) continue;
    const groups = match.slice(1).map((group) => group ?? "");
    return {
      line: line.number,
      text: line.text,
      async run(world) {
        const fill = (text: string): string => world.placeholders.fill(text);
        await rule.run(world, groups.map(fill), line.below.map(fill));
      },
    };
  }
  return null;
}
