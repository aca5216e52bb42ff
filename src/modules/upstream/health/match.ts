/** `match` blocks: what a healthy server answers. */
import type { Scope } from "../../../config/scope.ts";
import type { Directive } from "../../../config/tree.ts";
import { buildOf } from "../../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../../gateway/build/http-build.ts";
import type { Expectation, FieldTest } from "../../../gateway/health/expectation.ts";
import type { CompiledRegex } from "../../../config/regex.ts";

const matches = new WeakMap<HttpBuild, Map<string, Expectation>>();

/** The blocks of a configuration that have been read so far. */
export function matchesOf(build: HttpBuild): Map<string, Expectation> {
  const known = matches.get(build) ?? new Map<string, Expectation>();
  matches.set(build, known);
  return known;
}

type Draft = { -readonly [K in keyof Expectation]: Expectation[K] };

/** `match name { … }`, for `health_check match=name`. Rejects with ConfigError in nginx's words. */
export async function matchBlock(scope: Scope, directive: Directive): Promise<void> {
  const [name = ""] = directive.args;
  const known = matchesOf(buildOf(scope));
  if (known.has(name)) scope.fail(`duplicate match "${name}"`);
  const draft: Draft = { name, statuses: null, fields: [], body: [] };
  await scope.cycle.entries(directive.block!, scope, (entry) => readTest(scope, draft, entry));
  known.set(name, draft);
}

function readTest(scope: Scope, draft: Draft, { name, args }: Directive): void {
  switch (name) {
    case "status":
      if (draft.statuses !== null) scope.fail('"status" is duplicate in "match"');
      draft.statuses = readStatuses(scope, args);
      return;
    case "header":
      draft.fields = [...draft.fields, readField(scope, args)];
      return;
    case "body": {
      const [operator = "", pattern = ""] = args;
      const regex = regexAfter(scope, operator, pattern);
      if (args.length !== 2 || regex === null) return scope.fail('invalid "body" in "match"');
      draft.body = [...draft.body, { regex, negated: operator.startsWith("!") }];
      return;
    }
    default:
      scope.fail(`unknown test "${name}" in "match"`);
  }
}

function readStatuses(scope: Scope, args: readonly string[]): Expectation["statuses"] {
  const negated = args[0] === "!";
  const words = negated ? args.slice(1) : args;
  const ranges = words.map((word): readonly [number, number] => {
    const [, first, last] = /^(\d{3})(?:-(\d{3}))?$/.exec(word) ?? [];
    if (first === undefined) return scope.fail(`invalid status "${word}"`);
    return [Number(first), Number(last ?? first)];
  });
  return ranges.length === 0 ? scope.fail('invalid "status" in "match"') : { ranges, negated };
}

/** `header X`, `header ! X`, `header X = value`, `header X ~ pattern`, and the last two negated. */
function readField(scope: Scope, args: readonly string[]): FieldTest {
  const invalid = (): never => scope.fail('invalid "header" in "match"');
  const absent = args[0] === "!";
  const [field = "", operator, value = ""] = absent ? args.slice(1) : args;
  if (field === "" || args.length > 3) invalid();
  const name = field.toLowerCase();
  if (operator === undefined) return { name, value: null, negated: absent };
  if (absent || args.length !== 3) invalid();
  if (operator === "=" || operator === "!=") return { name, value, negated: operator === "!=" };
  const regex = regexAfter(scope, operator, value) ?? invalid();
  return { name, value: regex, negated: operator.startsWith("!") };
}

/** The pattern after "~", "~*", "!~" or "!~*"; null after anything else. */
function regexAfter(scope: Scope, operator: string, pattern: string): CompiledRegex | null {
  const [, caseless] = /^!?~(\*?)$/.exec(operator) ?? [];
  if (caseless === undefined) return null;
  return buildOf(scope).variables.regex(pattern, caseless !== "", scope);
}
