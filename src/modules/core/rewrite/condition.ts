import type { Stats } from "node:fs";
import { describeErrno, isMissing } from "../../../config/errors.ts";
import type { Scope } from "../../../config/scope.ts";
import type { Directive } from "../../../config/tree.ts";
import { variableName } from "../../../config/variable-registry.ts";
import { buildOf, valueOf } from "../../../gateway/build/http-build.ts";
import { nameOfOpen, statFile } from "../../../gateway/files/open-file.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { testRegex } from "./rewrite-code.ts";

/** The condition of an `if`, compiled. */
export type Condition = (request: Request) => boolean;

/** The arguments of an `if` without the parentheses: `words[first]` to `words[last]`. */
interface Words {
  readonly words: readonly string[];
  readonly first: number;
  /** Less than `first` when there is nothing between the parentheses. */
  readonly last: number;
}

/** Reads `($name)`, `($name = text)`, `($name ~ regex)`, `(-f path)` and their negations. */
export function readCondition(scope: Scope, { args }: Directive): Condition {
  const unwrapped = unwrap(scope, args);
  const word = unwrapped.words[unwrapped.first] ?? "";
  if (word.length > 1 && word.startsWith("$")) return variableCondition(scope, unwrapped);
  if (/^!?-[fdex]$/.test(word)) return fileCondition(scope, unwrapped);
  return scope.fail(`invalid condition "${word}"`);
}

/** Takes the parentheses off; either may stand alone or touch its word. */
function unwrap(scope: Scope, args: readonly string[]): Words {
  const words = [...args];
  const opening = words[0] ?? "";
  if (!opening.startsWith("(")) scope.fail(`invalid condition "${opening}"`);
  if (opening !== "(") words[0] = opening.slice(1);
  const last = words.length - 1;
  const closing = words[last] ?? "";
  if (!closing.endsWith(")")) scope.fail(`invalid condition "${closing}"`);
  if (closing !== ")") words[last] = closing.slice(0, -1);
  return { words, first: opening === "(" ? 1 : 0, last: closing === ")" ? last - 1 : last };
}

function variableCondition(scope: Scope, { words, first, last }: Words): Condition {
  const variable = words[first]!;
  if (first !== last && first + 2 !== last) scope.fail(`invalid condition "${variable}"`);
  const read = buildOf(scope).variables.reader(variableName(variable, scope), scope);
  if (first === last) {
    return (request) => {
      const value = read(request) ?? "";
      return value !== "" && value !== "0";
    };
  }
  const [operator = "", operand = ""] = words.slice(first + 1);
  switch (operator) {
    case "=":
    case "!=": {
      const value = valueOf(scope, operand);
      const equal = operator === "=";
      return (request) => ((read(request) ?? "") === value.evaluate(request)) === equal;
    }
    case "~":
    case "~*":
    case "!~":
    case "!~*": {
      const regex = buildOf(scope).variables.regex(operand, operator.endsWith("*"), scope);
      const wanted = !operator.startsWith("!");
      return (request) => testRegex(request, regex, operand, read(request) ?? "") === wanted;
    }
    default:
      return scope.fail(`unexpected "${operator}" in condition`);
  }
}

function fileCondition(scope: Scope, { words, first, last }: Words): Condition {
  const [operator = "", path = ""] = words.slice(first);
  if (first + 1 !== last) scope.fail(`invalid condition "${operator}"`);
  const value = valueOf(scope, path);
  const wanted = !operator.startsWith("!");
  const kind = operator.at(-1);
  return (request) => {
    const stats = statsOf(request, value.evaluate(request));
    if (stats === null) return !wanted;
    if (kind === "f") return stats.isFile() === wanted;
    if (kind === "d") return stats.isDirectory() === wanted;
    if (kind === "x") return ((stats.mode & 0o100) !== 0) === wanted;
    return wanted;
  };
}

function statsOf(request: Request, path: string): Stats | null {
  try {
    return statFile(request, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (!isMissing(error))
      request.log("crit", `${nameOfOpen(request)}() "${path}" failed ${describeErrno(error)}`);
    return null;
  }
}
