import { parseNumber } from "../../config/values.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { ErrorPage } from "../../gateway/serve/settings.ts";

/** `error_page code … [=[response]] uri;` @throws ConfigError for codes outside of 300 to 599, and the like */
export function readErrorPage(scope: Scope, { args }: Directive): ErrorPage {
  const words = args.slice(0, -1);
  const last = words.at(-1) ?? "";
  let overwrite: number | null = null;
  if (last.startsWith("=")) {
    words.pop();
    overwrite = last === "=" ? 0 : readCode(scope, last.slice(1), `invalid value "${last}"`);
  }
  if (words.length === 0) scope.fail(`invalid value "${last}"`);
  const codes = words.map((word) => readStatus(scope, word));
  const uri = args.at(-1)!;
  const value = valueOf(scope, uri);
  const query = value.constant === null || !uri.startsWith("/") ? -1 : uri.indexOf("?");
  return {
    codes,
    overwrite,
    target: query < 0 ? value : valueOf(scope, uri.slice(0, query)),
    args: query < 0 ? null : uri.slice(query + 1),
  };
}

function readStatus(scope: Scope, word: string): number {
  const code = readCode(scope, word, `invalid value "${word}"`);
  if (code === 499) scope.fail(`invalid value "${word}"`);
  if (code < 300 || code > 599) scope.fail(`value "${word}" must be between 300 and 599`);
  return code;
}

function readCode(scope: Scope, word: string, complaint: string): number {
  const code = parseNumber(word);
  return code === null ? scope.fail(complaint) : code;
}
