import { RegexFailure } from "../../config/regex.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { ResponseHead } from "../../http/response-head.ts";

/** What a test of an answer looks at, in the words of log lines. */
export type Aspect = "status code" | "header" | "response body";

/** A test of a field of the answer. */
export interface FieldTest {
  /** Lower case. */
  readonly name: string;
  /** Null: the field only has to be there. */
  readonly value: string | CompiledRegex | null;
  readonly negated: boolean;
}

/** What a healthy server answers: a `match` block, or 2xx and 3xx without one. */
export interface Expectation {
  /** The block's name; "" without one. */
  readonly name: string;
  /** Null: any status is fine. */
  readonly statuses: {
    readonly ranges: readonly (readonly [number, number])[];
    readonly negated: boolean;
  } | null;
  readonly fields: readonly FieldTest[];
  readonly body: readonly { readonly regex: CompiledRegex; readonly negated: boolean }[];
}

/** What is healthy without a `match`: any status from 200 to 399. */
export const successOrRedirect: Expectation = {
  name: "",
  statuses: { ranges: [[200, 399]], negated: false },
  fields: [],
  body: [],
};

/** The first thing in a head that is not as expected; null when all is well. */
export function faultInHead({ statuses, fields }: Expectation, head: ResponseHead): Aspect | null {
  if (statuses !== null) {
    const listed = statuses.ranges.some(([first, last]) => head.status >= first && head.status <= last);
    if (listed === statuses.negated) return "status code";
  }
  return fields.every((test) => holds(test, head)) ? null : "header";
}

/** `body` is latin1, as much of it as is looked at. */
export function bodyIsAsExpected({ body }: Expectation, text: string): boolean {
  return body.every(({ regex, negated }) => passes(regex, text, negated));
}

function holds({ name, value, negated }: FieldTest, { fields }: ResponseHead): boolean {
  const found = fields.getAll(name);
  if (value === null) return found.length > 0 !== negated;
  if (typeof value === "string") return found.includes(value) !== negated;
  return negated
    ? found.every((text) => passes(value, text, true))
    : found.some((text) => passes(value, text, false));
}

/** What cannot be matched is not as expected, negated or not. */
function passes(regex: CompiledRegex, text: string, negated: boolean): boolean {
  try {
    return regex.test(text) !== negated;
  } catch (error) {
    if (error instanceof RegexFailure) return false;
    throw error;
  }
}
