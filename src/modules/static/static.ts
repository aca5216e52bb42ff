/**
 * ngx_http_static_module: files, whole or in parts.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#root
 */
import { closeSync, fstatSync } from "node:fs";
import type { Stats } from "node:fs";
import { describeErrno } from "../../config/errors.ts";
import { contentTypeOf } from "../../gateway/request/content-type.ts";
import { mapUriToPath } from "../../gateway/request/uri-path.ts";
import { sendFile } from "../../gateway/files/file-transfer.ts";
import { DECLINED, DONE, OK } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import { applyConditions } from "../../gateway/request/not-modified.ts";
import { nameOfOpen, openFile } from "../../gateway/files/open-file.ts";
import type { Request } from "../../gateway/request/request.ts";
import { escapeUri } from "../../http/uri.ts";
import { offerRanges, partsOf, rangesRefused, settleRanges } from "./range-answer.ts";

export const staticFiles: HttpModule = {
  name: "ngx_http_static_module",
  directives: [],
  attach(location) {
    location.contentChain.push(serveFile);
    location.headerFilters.push(settleRanges);
  },
};

function serveFile(request: Request): Verdict {
  const { method, uri } = request;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return 405;
  if (uri.endsWith("/")) return DECLINED;
  const mapped = mapUriToPath(request);
  if (mapped === null) return 500;
  const { path } = mapped;
  let descriptor: number;
  try {
    descriptor = openFile(request, path);
  } catch (error) {
    return openFailed(request, path, error);
  }
  return serveOpened(request, path, descriptor);
}

function openFailed(request: Request, path: string, error: unknown): Verdict {
  const status = statusOfOpenError(error);
  if (status !== 404 || request.location.core.logNotFound) {
    request.log(
      status === 500 ? "crit" : "error",
      `${nameOfOpen(request)}() "${path}" failed ${describeErrno(error)}`,
    );
  }
  return status;
}

const notThere = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);
const notAllowed = new Set(["EACCES", "EMLINK", "ELOOP"]);

function statusOfOpenError(error: unknown): 403 | 404 | 500 {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (notThere.has(code)) return 404;
  return notAllowed.has(code) ? 403 : 500;
}

/** Takes over the descriptor. */
function serveOpened(request: Request, path: string, descriptor: number): Verdict {
  const stats = fstatSync(descriptor);
  if (stats.isFile()) return serveRegular(request, descriptor, stats, null);
  closeSync(descriptor);
  return refuseKind(request, path, stats);
}

/**
 * Answers with an open file, and takes over the descriptor.
 *
 * @param encoding what the file is encoded with, told in Content-Encoding
 */
export function serveRegular(
  request: Request,
  descriptor: number,
  stats: Stats,
  encoding: string | null,
): Verdict {
  const { response } = request;
  let verdict: Verdict;
  try {
    verdict = beginAnswer(request, stats, encoding);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  if (verdict === OK && !response.headOnly && stats.size > 0) {
    sendFile(request, descriptor, partsOf(request) ?? [{ start: 0, end: stats.size }]);
    return DONE;
  }
  closeSync(descriptor);
  if (verdict !== OK) return verdict;
  response.end();
  return DONE;
}

/** Makes the head ready; OK when the file is to follow. */
function beginAnswer(request: Request, stats: Stats, encoding: string | null): Verdict {
  const verdict = prepare(request, stats, encoding);
  if (verdict !== OK) return verdict;
  if (request.body.discard() !== 0) return 400;
  offerRanges(request, request.location.core.maxRanges, "leave");
  request.response.filterHead();
  if (rangesRefused(request)) return 416;
  request.response.prepareHead();
  return OK;
}

/** A directory is redirected to with a slash; devices and the like are nobody's business. */
function refuseKind(request: Request, path: string, stats: Stats): Verdict {
  if (!stats.isDirectory()) {
    request.log("crit", `"${path}" is not a regular file`);
    return 404;
  }
  const args = request.args === "" ? "" : `?${request.args}`;
  request.response.redirect(301, `${escapeUri(request.uri, "uri")}/${args}`);
  return DONE;
}

/** Fills in the head; OK when the file is to be sent. */
function prepare(request: Request, stats: Stats, encoding: string | null): Verdict {
  if (request.method === "POST") return 405;
  const { response, location } = request;
  const { core } = location;
  const modifiedSeconds = Math.floor(stats.mtimeMs / 1000);
  response.status = request.errorStatus === 0 ? 200 : request.errorStatus;
  response.contentType = contentTypeOf(request);
  response.contentLength = stats.size;
  if (response.status === 200) response.lastModifiedSeconds = modifiedSeconds;
  if (core.etag) {
    response.fields.set("ETag", `"${modifiedSeconds.toString(16)}-${stats.size.toString(16)}"`);
  }
  if (encoding !== null) response.fields.set("Content-Encoding", encoding);
  const verdict = applyConditions(request);
  if (verdict !== OK) response.fields.remove("etag");
  return verdict;
}
