/**
 * ngx_http_static_module and ngx_http_range_filter_module: files, whole or in parts.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#root
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import type { Stats } from "node:fs";
import { describeErrno } from "../config/errors.ts";
import { contentTypeOf } from "../gateway/content-type.ts";
import { mapUriToPath, systemPath } from "../gateway/file-path.ts";
import { sendFile } from "../gateway/file-transfer.ts";
import type { BodyPart } from "../gateway/file-transfer.ts";
import { DECLINED, DONE, OK } from "../gateway/http-module.ts";
import type { HttpModule, Verdict } from "../gateway/http-module.ts";
import { applyConditions } from "../gateway/not-modified.ts";
import type { Request } from "../gateway/request.ts";
import { parseHttpDate } from "../http/date.ts";
import { escapeUri } from "../http/uri.ts";
import { parseRanges } from "./ranges.ts";
import type { ByteRange } from "./ranges.ts";

export const staticFiles: HttpModule = {
  name: "ngx_http_static_module",
  directives: [],
  attach(location) {
    location.contentChain.push(serveFile);
    location.headerFilters.push(addRangeField);
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
    // Without O_NONBLOCK a FIFO would hold up everything.
    descriptor = openSync(systemPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return openFailed(request, path, error);
  }
  return serveOpened(request, path, descriptor);
}

function openFailed(request: Request, path: string, error: unknown): Verdict {
  const status = statusOfOpenError(error);
  if (status !== 404 || request.location.core.logNotFound) {
    request.log(status === 500 ? "crit" : "error", `open() "${path}" failed ${describeErrno(error)}`);
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
  const verdict = prepare(request, stats, encoding);
  if (verdict !== OK) {
    closeSync(descriptor);
    return verdict;
  }
  const { response } = request;
  const parts = partsOf(request, stats.size);
  if (parts === "unsatisfiable") {
    closeSync(descriptor);
    return 416;
  }
  request.body.discard();
  response.prepareHead();
  if (response.headOnly || stats.size === 0) {
    closeSync(descriptor);
    response.end();
  } else {
    sendFile(request, descriptor, parts);
  }
  return DONE;
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

/** Key in `moduleState`: the field that tells of ranges, added behind those of other modules. */
const rangeField = {};

function addRangeField(request: Request): void {
  const field = request.moduleState?.get(rangeField);
  if (field === undefined) return;
  const [name, value] = field as readonly [string, string];
  request.response.fields.set(name, value);
}

function setRangeField(request: Request, name: string, value: string): void {
  (request.moduleState ??= new Map()).set(rangeField, [name, value]);
}

/** What of the file is to be sent; settles how the head tells it. */
function partsOf(request: Request, size: number): readonly BodyPart[] | "unsatisfiable" {
  const whole = [{ start: 0, end: size }];
  const { response, fields } = request;
  const { maxRanges } = request.location.core;
  if (response.status !== 200 || maxRanges === 0) return whole;
  if (request.location.transforms.some((transforms) => transforms(request))) return whole;
  const asked = fields.get("range");
  const ranges = asked === null || !isRangeOfThis(request) ? "ignored" : parseRanges(asked, size, maxRanges);
  if (ranges === "ignored") {
    setRangeField(request, "Accept-Ranges", "bytes");
    return whole;
  }
  if (ranges === "unsatisfiable") {
    // nginx finds this out behind its other header filters, and what they added stays.
    for (const filter of request.location.headerFilters) filter(request);
    response.fields.remove("etag");
    response.fields.set("Content-Range", `bytes */${size}`);
    return ranges;
  }
  response.status = 206;
  if (ranges.length > 1) return multipart(request, ranges, size);
  const [{ start, end }] = ranges as [ByteRange];
  response.contentLength = end - start;
  setRangeField(request, "Content-Range", `bytes ${start}-${end - 1}/${size}`);
  return ranges;
}

/** `If-Range`: the ranges are meant for one version of the file only. */
function isRangeOfThis({ fields, response }: Request): boolean {
  const condition = fields.get("if-range");
  if (condition === null) return true;
  if (condition.length >= 2 && condition.endsWith('"')) return condition === response.fields.get("etag");
  const ms = parseHttpDate(condition);
  return response.lastModifiedSeconds >= 0 && ms !== null && ms / 1000 === response.lastModifiedSeconds;
}

let boundaries = 0;

function multipart(request: Request, ranges: readonly ByteRange[], size: number): readonly BodyPart[] {
  const { response } = request;
  boundaries += 1;
  const boundary = String(boundaries).padStart(20, "0");
  const type = response.contentType === "" ? "" : `Content-Type: ${response.contentType}\r\n`;
  const parts: BodyPart[] = [];
  let length = 0;
  for (const range of ranges) {
    const head = `\r\n--${boundary}\r\n${type}Content-Range: bytes ${range.start}-${range.end - 1}/${size}\r\n\r\n`;
    parts.push({ bytes: Buffer.from(head, "latin1") }, range);
    length += head.length + range.end - range.start;
  }
  const last = Buffer.from(`\r\n--${boundary}--\r\n`, "latin1");
  parts.push({ bytes: last });
  response.contentType = `multipart/byteranges; boundary=${boundary}`;
  response.contentLength = length + last.length;
  return parts;
}
