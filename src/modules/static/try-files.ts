/**
 * ngx_http_try_files_module: serves the first of several files that exists, or something else.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#try_files
 */
import { describeErrno, isMissing } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseNumber } from "../../config/values.ts";
import { appendsUriToAlias, mapUriToPath } from "../../gateway/request/uri-path.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import { DECLINED, DONE } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import { statFile } from "../../gateway/files/open-file.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";

interface TryFiles {
  readonly candidates: readonly TriedFile[];
  /** What happens when none exists: a status, or a place to go to. */
  readonly fallback: number | Value;
}

interface TriedFile {
  readonly name: Value;
  /** Written with a slash at its end: a directory is looked for. */
  readonly directory: boolean;
}

interface TryFilesSettings {
  /** Of this level alone. */
  tryFiles?: TryFiles;
}

export const tryFiles: HttpModule<object, object, TryFilesSettings> = {
  name: "ngx_http_try_files_module",
  directives: [
    {
      name: "try_files",
      contexts: ["server", "location"],
      args: "2+",
      default: null,
      inherited: "own",
      doc: "Serves the first of several files that exists; the last argument is where to go without any.",
      set: tryFilesDirective,
    },
  ],
  location: { defaults: () => ({}) },
  attach(location, { tryFiles: plan }) {
    if (plan !== undefined) location.precontent.push((request) => handle(request, plan));
  },
};

function handle(request: Request, { candidates, fallback }: TryFiles): Verdict {
  const root = rootOf(request);
  if (root === null) return 500;
  for (const { name, directory } of candidates) {
    const rest = belowAlias(request, name);
    const path = root + rest;
    const kind = kindOf(request, path);
    if (kind === null || (kind === "directory") !== directory) continue;
    follow(request, rest, directory);
    return DECLINED;
  }
  if (typeof fallback === "number") return fallback;
  const target = belowAlias(request, fallback);
  if (target.startsWith("@")) {
    request.namedRedirect(target);
    return DONE;
  }
  const query = target.indexOf("?");
  if (query < 0) request.internalRedirect(target, "");
  else request.internalRedirect(target.slice(0, query), target.slice(query + 1));
  return DONE;
}

/** What `root` or `alias` put in front of the candidates. */
function rootOf(request: Request): string | null {
  const mapped = mapUriToPath(request);
  return mapped === null ? null : mapped.path.slice(0, mapped.rootLength);
}

/** A value with variables that begins like the location loses what the alias stands for. */
function belowAlias(request: Request, value: Value): string {
  const text = value.evaluate(request);
  const { aliasLength } = request.location.core.root;
  if (aliasLength === null || aliasLength < 0 || value.constant !== null) return text;
  return text.startsWith(request.uri.slice(0, aliasLength)) ? text.slice(aliasLength) : text;
}

function kindOf(request: Request, path: string): "directory" | "file" | null {
  try {
    return statFile(request, path).isDirectory() ? "directory" : "file";
  } catch (error) {
    if (!isMissing(error)) request.log("crit", `stat() "${path}" failed ${describeErrno(error)}`);
    return null;
  }
}

/** Makes the request one for the file that was found. */
function follow(request: Request, rest: string, directory: boolean): void {
  const { aliasLength } = request.location.core.root;
  if (aliasLength === null) request.uri = rest;
  else if (aliasLength >= 0) request.uri = request.uri.slice(0, aliasLength) + rest;
  else if (!directory) {
    request.uri = rest;
    (request.moduleState ??= new Map()).set(appendsUriToAlias, true);
  }
}

function tryFilesDirective(scope: Scope, directive: Directive): void {
  const settings = scope.location(tryFiles);
  if (settings.tryFiles !== undefined) refuse(scope, directive, "is duplicate");
  const names = directive.args.slice(0, -1);
  const last = directive.args.at(-1)!;
  const candidates = names.map((name) => {
    const isDirectory = name.endsWith("/");
    return { name: valueOf(scope, isDirectory ? name.slice(0, -1) : name), directory: isDirectory };
  });
  settings.tryFiles = { candidates, fallback: fallbackOf(scope, last) };
}

function fallbackOf(scope: Scope, last: string): number | Value {
  if (!last.startsWith("=")) return valueOf(scope, last);
  const code = parseNumber(last.slice(1));
  return code === null || code > 999 ? scope.fail(`invalid code "${last}"`) : code;
}
