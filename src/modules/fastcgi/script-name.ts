import { RegexError, compileRegex } from "../../config/regex.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { FastCgiSettings } from "./settings.ts";

/** `fastcgi_split_path_info regex;` @throws ConfigError */
export function readSplit({ args }: Directive, scope: Scope): CompiledRegex {
  const [pattern = ""] = args;
  try {
    const regex = compileRegex(pattern, false);
    if (regex.groupCount !== 2) return scope.fail(`pattern "${pattern}" must have 2 captures`);
    return regex;
  } catch (error) {
    if (error instanceof RegexError) return scope.fail(error.message);
    throw error;
  }
}

/** The script that the URI names, and what follows it. */
interface SplitUri {
  readonly script: string;
  readonly pathInfo: string;
}

/** `$fastcgi_script_name`: with the index where the URI is one of a directory. */
export function scriptName(request: Request, settings: FastCgiSettings): string {
  const { script } = splitUri(request, settings);
  return script.endsWith("/") ? script + settings.index : script;
}

/** `$fastcgi_path_info` */
export function pathInfo(request: Request, settings: FastCgiSettings): string {
  return splitUri(request, settings).pathInfo;
}

function splitUri({ uri }: Request, { splitPathInfo }: FastCgiSettings): SplitUri {
  const match = splitPathInfo?.exec(uri) ?? null;
  return match === null
    ? { script: uri, pathInfo: "" }
    : { script: match[1] ?? "", pathInfo: match[2] ?? "" };
}
