import { compileValue, parseValue } from "../../../config/complex-value.ts";
import type { CompiledRegex } from "../../../config/regex.ts";
import type { Scope } from "../../../config/scope.ts";
import type { Directive } from "../../../config/tree.ts";
import { escapeUri, unescapeUri } from "../../../http/uri.ts";
import { buildOf } from "../../../gateway/build/http-build.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { next, stop } from "./program.ts";
import type { Code } from "./program.ts";

type Flag = "none" | "last" | "break" | "redirect" | "permanent";

/** A piece of a replacement: what it gives, and whether it comes from the request (a capture). */
type Piece = (request: Request, inArgs: boolean) => string;

/**
 * `rewrite regex replacement [flag];` as a code of the location's program.
 * @throws ConfigError in nginx's words
 */
export function rewriteCode(scope: Scope, { args }: Directive): Code {
  const [pattern = "", written = "", word] = args;
  const regex = buildOf(scope).variables.regex(pattern, false, scope);
  if (written === "") scope.fail("empty replacement");
  const external = /^(https?:\/\/|\$scheme)/.test(written);
  const flag = readFlag(scope, word);
  const redirect = external || flag === "redirect" || flag === "permanent";
  const status = flag === "permanent" ? 301 : 302;
  const keepArgs = !written.endsWith("?");
  const build = compileReplacement(scope, keepArgs ? written : written.slice(0, -1), redirect);
  const ends = redirect || flag === "last" || flag === "break";
  const breaks = flag === "break";

  return (request) => {
    if (!testRegex(request, regex, pattern, request.uri)) return next;
    const result = build(request);
    if (redirect) {
      const kept =
        keepArgs && request.args !== "" ? `${result.args === null ? "?" : "&"}${request.args}` : "";
      const target = result.args === null ? result.path : `${result.path}?${result.args}`;
      const location = unescapeUri(target, "redirect") + kept;
      request.response.fields.set("Location", location);
      logStep(request, `rewritten redirect: "${location}"`);
      return status;
    }
    request.internal = true;
    request.uriUntouched = false;
    request.uriChanged = !breaks;
    if (breaks) request.locationReplaced = true;
    if (result.args !== null) {
      request.args = keepArgs && request.args !== "" ? `${result.args}&${request.args}` : result.args;
      request.argsEmptied = true;
    } else if (!keepArgs && request.args !== "") {
      request.args = "";
      request.argsEmptied = true;
    }
    logStep(request, `rewritten data: "${result.path}", args: "${request.args}"`);
    if (result.path === "") {
      request.log("error", "the rewritten URI has a zero length");
      return 500;
    }
    request.uri = result.path;
    return ends ? stop : next;
  };
}

/** Matches as `rewrite` and `if` do: with a line in the log, and when it fails no captures are left. */
export function testRegex(request: Request, regex: CompiledRegex, pattern: string, subject: string): boolean {
  const matches = request.matchRegex(regex, subject);
  if (!matches) request.captures = null;
  logStep(request, `"${pattern}" ${matches ? "matches" : "does not match"} "${subject}"`);
  return matches;
}

function readFlag(scope: Scope, word: string | undefined): Flag {
  if (word === undefined) return "none";
  if (word === "last" || word === "break" || word === "redirect" || word === "permanent") return word;
  return scope.fail(`invalid parameter "${word}"`);
}

function logStep(request: Request, message: string): void {
  if (request.moduleState?.get(rewriteLogKey) === true) request.log("notice", message);
}

/** Marks requests whose location has `rewrite_log on`. */
export const rewriteLogKey = {};

interface Replacement {
  readonly path: string;
  readonly args: string | null;
}

/** Splits a replacement at its first "?", and compiles both halves: captures are escaped where nginx does. */
function compileReplacement(
  scope: Scope,
  text: string,
  redirect: boolean,
): (request: Request) => Replacement {
  const question = text.indexOf("?");
  const path = compilePieces(scope, question < 0 ? text : text.slice(0, question));
  const args = question < 0 ? null : compilePieces(scope, text.slice(question + 1));
  return (request) => ({
    path: join(path, request, redirect),
    args: args === null ? null : join(args, request, true),
  });
}

function compilePieces(scope: Scope, text: string): readonly Piece[] {
  const { variables } = buildOf(scope);
  return parseValue(text, scope).map((part): Piece => {
    if (part.kind === "text") return () => part.text;
    if (part.kind === "variable") {
      const value = compileValue(variables, `\${${part.name}}`, scope);
      return (request) => value.evaluate(request);
    }
    const { group } = part;
    return (request, escaping) => {
      const captured = request.captures?.[group] ?? "";
      return escaping && needsEscape(request) ? escapeUri(captured, "args") : captured;
    };
  });
}

/** The URI came with escapes, or a plus sign in it: what was captured may need them again. */
function needsEscape(request: Request): boolean {
  return request.head.requestUri.includes("%") || request.head.path.includes("+");
}

function join(pieces: readonly Piece[], request: Request, escaping: boolean): string {
  let text = "";
  for (const piece of pieces) text += piece(request, escaping);
  return text;
}
