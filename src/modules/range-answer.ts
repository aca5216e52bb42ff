/**
 * Answers in parts, as ngx_http_range_filter_module gives them: which bytes of a body the client asked
 * for, and how the head tells of it.
 */
import type { BodyPart } from "../gateway/file-transfer.ts";
import type { Request } from "../gateway/request.ts";
import { parseHttpDate } from "../http/date.ts";
import { safeFieldValue } from "../http/field-value.ts";
import { parseRanges } from "./ranges.ts";
import type { ByteRange } from "./ranges.ts";

/** What the head tells of ranges, behind what other modules add to it. */
interface RangeNote {
  readonly status: 200 | 206;
  readonly field: readonly [name: string, value: string] | null;
  readonly multipart: Multipart | null;
}

/** Several ranges of a body. */
interface Multipart {
  readonly ranges: readonly ByteRange[];
  /** Of the whole body. */
  readonly size: number;
  /** With their heads, once these are made. */
  parts: readonly BodyPart[] | null;
}

/** Key of the note in `moduleState`. */
const noteKey = {};

/** The header filter that does what the note says. */
export function tellOfRanges(request: Request): void {
  const note = noteOf(request);
  if (note === null) return;
  const { response } = request;
  if (note.multipart !== null) describeParts(request, note.multipart);
  if (note.field !== null) response.fields.set(...note.field);
  if (note.status === 200) return;
  response.status = note.status;
  response.statusText = null;
}

/** Several parts, each with a head of its own, once the head of the answer is prepared; else null. */
export function describedParts(request: Request): readonly BodyPart[] | null {
  return noteOf(request)?.multipart?.parts ?? null;
}

function noteOf({ moduleState }: Request): RangeNote | null {
  return (moduleState?.get(noteKey) as RangeNote | undefined) ?? null;
}

function takeNote(
  request: Request,
  status: RangeNote["status"],
  field: RangeNote["field"],
  multipart: Multipart | null = null,
): void {
  const note: RangeNote = { status, field, multipart };
  (request.moduleState ??= new Map()).set(noteKey, note);
}

/**
 * What of a body of `size` bytes is to be sent; settles how the head tells it. Comes after everything
 * else about the head is known, and before it is prepared. "unsatisfiable" is to be answered with 416.
 *
 * @param rangesMax more ranges than these are answered with the whole; 0 allows none
 */
export function chooseParts(
  request: Request,
  size: number,
  rangesMax: number,
): readonly BodyPart[] | "unsatisfiable" {
  const whole = [{ start: 0, end: size }];
  const { response, fields } = request;
  if (response.status !== 200 || rangesMax === 0 || request.parent !== null) return whole;
  if (request.location.transforms.some((transforms) => transforms(request))) return whole;
  const asked = fields.get("range");
  const ranges = asked === null || !isRangeOfThis(request) ? "ignored" : parseRanges(asked, size, rangesMax);
  if (ranges === "ignored") {
    takeNote(request, 200, ["Accept-Ranges", "bytes"]);
    return whole;
  }
  if (ranges === "unsatisfiable") {
    // nginx finds this out behind its other header filters, and what they added stays.
    for (const filter of request.location.headerFilters) filter(request);
    response.fields.remove("etag");
    response.fields.remove("last-modified");
    response.fields.set("Content-Range", `bytes */${size}`);
    return ranges;
  }
  if (ranges.length > 1) {
    takeNote(request, 206, null, { ranges, size, parts: null });
    return ranges;
  }
  const [{ start, end }] = ranges as [ByteRange];
  response.contentLength = end - start;
  takeNote(request, 206, ["Content-Range", `bytes ${start}-${end - 1}/${size}`]);
  return ranges;
}

/** `If-Range`: the ranges are meant for one version only. */
function isRangeOfThis({ fields, response }: Request): boolean {
  const condition = fields.get("if-range");
  if (condition === null) return true;
  if (condition.length >= 2 && condition.endsWith('"')) return condition === response.fields.get("etag");
  const asked = parseHttpDate(condition);
  if (asked === null) return false;
  if (response.lastModifiedSeconds >= 0) return asked / 1000 === response.lastModifiedSeconds;
  // An upstream server's stands among its fields.
  const theirs = response.fields.get("last-modified");
  return theirs !== null && asked === parseHttpDate(theirs);
}

let boundaries = 0;

/** Each part tells the type that other filters have left, with its character set. */
function describeParts({ response }: Request, multipart: Multipart): void {
  const { ranges, size } = multipart;
  boundaries += 1;
  const boundary = String(boundaries).padStart(20, "0");
  const { contentType } = response;
  const type =
    contentType === null || contentType === "" ? "" : `Content-Type: ${safeFieldValue(contentType)}\r\n`;
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
  multipart.parts = parts;
}
