/**
 * ngx_http_index_module: which file of a directory is served for the directory itself.
 * https://nginx.org/en/docs/http/ngx_http_index_module.html
 */
import { constantValue } from "../../config/complex-value.ts";
import { describeErrno } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { mapUriToPath } from "../../gateway/request/uri-path.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import { DECLINED, DONE } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import { statFile } from "../../gateway/files/open-file.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";

interface IndexSettings {
  files: readonly Value[];
}

export const indexFiles: HttpModule<object, object, IndexSettings> = {
  name: "ngx_http_index_module",
  directives: [
    {
      name: "index",
      contexts: ["http", "server", "location"],
      args: "1+",
      default: "index.html",
      doc: "Files that are tried, in order, when a request names a directory.",
      set: indexDirective,
    },
  ],
  location: { defaults: () => ({ files: [constantValue("index.html")] }) },
  attach(location, { files }) {
    location.contentChain.push((request) => serveIndex(request, files));
  },
};

function serveIndex(request: Request, files: readonly Value[]): Verdict {
  const { method, uri } = request;
  if (!uri.endsWith("/")) return DECLINED;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return DECLINED;
  let directoryTested = false;
  for (const file of files) {
    const name = file.evaluate(request);
    if (name.startsWith("/")) return goTo(request, name);
    const mapped = mapUriToPath(request);
    if (mapped === null) return 500;
    const path = mapped.path + name;
    const failure = failureOf(request, path);
    if (failure === null) return goTo(request, uri + name);
    const { code, text } = failure;
    if (code === "ELOOP") return 403;
    if (code === "ENOTDIR" || code === "ENAMETOOLONG" || code === "EACCES")
      return missing(request, path, failure);
    if (!directoryTested) {
      const verdict = testDirectory(request, mapped.path, path);
      if (verdict !== DECLINED) return verdict;
      directoryTested = true;
    }
    if (code === "ENOENT") continue;
    request.log("crit", `stat() "${path}" failed ${text}`);
    return 500;
  }
  return DECLINED;
}

function goTo(request: Request, uri: string): Verdict {
  request.internalRedirect(uri, request.givenArgs);
  return DONE;
}

interface DirectoryFailure {
  readonly code: string;
  /** "(2: No such file or directory)". */
  readonly text: string;
}

/** Why a path cannot be used; null when something is there. */
function failureOf(request: Request, path: string): DirectoryFailure | null {
  try {
    statFile(request, path);
    return null;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return { code, text: describeErrno(error) };
  }
}

function missing(request: Request, path: string, { code, text }: DirectoryFailure): Verdict {
  if (code === "EACCES") {
    request.log("error", `"${path}" is forbidden ${text}`);
    return 403;
  }
  if (request.location.core.logNotFound) request.log("error", `"${path}" is not found ${text}`);
  return 404;
}

/** Tells a directory without `file` from no directory; DECLINED when it is there. */
function testDirectory(request: Request, directory: string, file: string): Verdict {
  const failure = failureOf(request, directory);
  // Searching it was allowed, as the first file's failure has shown.
  if (failure === null || failure.code === "EACCES") return DECLINED;
  if (failure.code === "ENOENT") return missing(request, file, failure);
  request.log("crit", `stat() "${directory}" failed ${failure.text}`);
  return 500;
}

function indexDirective(scope: Scope, directive: Directive): void {
  const settings = scope.location(indexFiles);
  const { args } = directive;
  for (const [position, name] of args.entries()) {
    if (name.startsWith("/") && position < args.length - 1) {
      scope.warn('only the last index in "index" directive should be absolute');
    }
    if (name === "") scope.fail(`index "${args[0]}" in "index" directive is invalid`);
  }
  settings.files = [...(settings.files ?? []), ...args.map((name) => valueOf(scope, name))];
}
