/**
 * Conditional requests, as ngx_http_not_modified_filter_module decides them: for answers that are made
 * here. Upstream servers judge the conditions of theirs.
 */
import { parseHttpDate } from "../../http/date.ts";
import { OK } from "./handler.ts";
import type { Verdict } from "./handler.ts";
import type { Request } from "./request.ts";

const PRECONDITION_FAILED = 412;

/**
 * Holds the request's conditions against the answer that is prepared (status, Last-Modified, ETag).
 * Turns the answer into a 304 where the client has it already.
 *
 * @returns 412 when the answer must not be given, else OK
 */
export function applyConditions(request: Request): Verdict {
  // The client's conditions are not meant for what subrequests ask for.
  if (request.parent !== null) return OK;
  const { errorStatus, fields, response } = request;
  if (response.status !== 200 || (errorStatus !== 0 && errorStatus !== 200)) return OK;
  const etag = response.fields.get("etag");

  const ifUnmodifiedSince = fields.get("if-unmodified-since");
  if (ifUnmodifiedSince !== null && !isUnmodified(ifUnmodifiedSince, response.lastModifiedSeconds)) {
    return PRECONDITION_FAILED;
  }
  const ifMatch = fields.get("if-match");
  if (ifMatch !== null && !etagMatches(ifMatch, etag, false)) return PRECONDITION_FAILED;

  const ifModifiedSince = fields.get("if-modified-since");
  const ifNoneMatch = fields.get("if-none-match");
  if (ifModifiedSince === null && ifNoneMatch === null) return OK;
  if (ifModifiedSince !== null && isModified(request, ifModifiedSince)) return OK;
  if (ifNoneMatch !== null && !etagMatches(ifNoneMatch, etag, true)) return OK;

  response.status = 304;
  response.contentType = null;
  response.contentLength = -1;
  response.fields.remove("content-encoding");
  return OK;
}

/** A date that cannot be read lies before everything. */
function isUnmodified(since: string, lastModifiedSeconds: number): boolean {
  return lastModifiedSeconds >= 0 && secondsOf(since) >= lastModifiedSeconds;
}

function isModified({ location, response }: Request, since: string): boolean {
  const { lastModifiedSeconds } = response;
  const { ifModifiedSince } = location.core;
  if (lastModifiedSeconds < 0 || ifModifiedSince === "off") return true;
  const seconds = secondsOf(since);
  if (seconds === lastModifiedSeconds) return false;
  return ifModifiedSince === "exact" || seconds < lastModifiedSeconds;
}

function secondsOf(date: string): number {
  const ms = parseHttpDate(date);
  return ms === null ? -1 : Math.floor(ms / 1000);
}

/**
 * Whether a list of entity tags contains `etag`. The weak comparison does not care for "W/".
 * Follows ngx_http_test_if_match.
 */
export function etagMatches(list: string, etag: string | null, weak: boolean): boolean {
  if (list === "*") return true;
  if (etag === null) return false;
  const wanted = weak ? etag.replace(/^W\//, "") : etag;
  for (const item of list.split(",")) {
    const tag = item.trim();
    if ((weak ? tag.replace(/^W\//, "") : tag) === wanted) return true;
  }
  return false;
}
