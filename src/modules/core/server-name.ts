import { hostname } from "node:os";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { serverDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { ServerName } from "../../gateway/serve/virtual-server.ts";

/**
 * `server_name name …;` adds names to the server.
 * @throws ConfigError for a name or expression that cannot be used
 */
export function serverNameDirective(scope: Scope, directive: Directive): void {
  const draft = serverDraftOf(scope);
  for (const arg of directive.args) {
    checkName(scope, arg);
    if (arg.includes("/")) scope.warn(`server name "${arg}" has suspicious symbols`);
    const text = arg === "$hostname" ? hostname() : arg;
    draft.firstName ??= text.startsWith(".") ? text.slice(1) : text;
    draft.names.push(text.startsWith("~") ? regexName(scope, text) : plainName(text.toLowerCase()));
  }
}

function plainName(text: string): ServerName {
  if (text.startsWith("*.")) return { kind: "head", text: text.slice(1), bare: false };
  if (text.startsWith(".")) return { kind: "head", text, bare: true };
  if (text.endsWith(".*")) return { kind: "tail", text: text.slice(0, -1) };
  return { kind: "exact", text };
}

function regexName(scope: Scope, text: string): ServerName {
  if (text.length === 1) scope.fail('empty regex in server name "~"');
  // nginx matches host names, which are lower case, without regard to case where the pattern has capitals.
  const caseless = /[A-Z]/.test(text);
  return { kind: "regex", text, regex: buildOf(scope).variables.regex(text.slice(1), caseless, scope) };
}

function checkName(scope: Scope, name: string): void {
  if (name.startsWith("~") || name === "") return;
  const wrong =
    (name.startsWith(".") && name.length < 2) ||
    (name.startsWith("*") && (name.length < 3 || name[1] !== ".")) ||
    (name.endsWith("*") && (name.length < 3 || name.at(-2) !== ".")) ||
    name.slice(1, -1).includes("*") ||
    (name.startsWith("*") && name.endsWith("*")) ||
    (name.startsWith(".") && name.endsWith("*"));
  if (wrong) scope.fail(`server name "${name}" is invalid`);
}
