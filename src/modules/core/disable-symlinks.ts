import { constants } from "node:fs";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { SymlinkRule } from "../../gateway/serve/settings.ts";
import type { Value } from "../../gateway/serve/settings.ts";

/** Reads `disable_symlinks`; null for `off`. @throws ConfigError in nginx's words */
export function readSymlinkRule({ name, args }: Directive, scope: Scope): SymlinkRule | null {
  let mode: SymlinkRule["mode"] | "off" | null = null;
  let from: Value | null = null;
  for (const arg of args) {
    if (arg === "off" || arg === "on" || arg === "if_not_owner") mode = arg;
    else if (arg.startsWith("from=")) from = valueOf(scope, arg.slice("from=".length));
    else scope.fail(`invalid parameter "${arg}"`);
  }
  if (mode === null) return scope.fail(`"${name}" must have "off", "on" or "if_not_owner" parameter`);
  if (args.length > 1 && from === null) scope.fail(`duplicate parameters "${args[0]} ${args[1]}"`);
  if (mode === "off") return from === null ? null : scope.fail('"from=" cannot be used with "off" parameter');
  // Directories are opened one by one, by way of Linux's /proc/self/fd.
  if (process.platform !== "linux" || constants.O_NOFOLLOW === undefined) {
    scope.fail(`"${name}" is not supported on this platform`);
  }
  return { mode, from };
}
