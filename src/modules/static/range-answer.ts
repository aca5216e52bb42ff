/**
 * Answers in parts, as ngx_http_range_filter_module gives them: which bytes of a body the client asked
 * for, and how the head tells of it. Settled behind all other header filters, which may have changed what
 * `If-Range` is compared with, or the body itself.
 */
import type { BodyPart } from "../../gateway/files/file-transfer.ts";
import { lastModifiedOf } from "../../gateway/request/last-modified.ts";
import type { Request } from "../../gateway/request/request.ts";
import { PieceFilter } from "../../gateway/request/piece-filter.ts";
import { parseHttpDate } from "../../http/date.ts";
import { safeFieldValue } from "../../http/field-value.ts";
import { cutOut } from "./range-cut.ts";
import { parseRanges } from "./ranges.ts";
import type { ByteRange } from "./ranges.ts";

/** What an answer offers, and what the filter has made of it. */
interface RangeOffer {
  /** More ranges than these are answered with the whole; 0 allows none. */
  readonly rangesMax: number;
  /** "cut": the body comes whole, and the one range is cut out of it; "leave": who sends it asks `partsOf`. */
  readonly how: "cut" | "leave";
  /** Null: the whole. */
  parts: readonly BodyPart[] | null;
  refused: boolean;
}

/** Key of the offer in `moduleState`. */
const offerKey = {};

/** Lets the client choose ranges of a body whose length the prepared head tells. Comes before `filterHead`. */
export function offerRanges(request: Request, rangesMax: number, how: RangeOffer["how"]): void {
  const offer: RangeOffer = { rangesMax, how, parts: null, refused: false };
  (request.moduleState ??= new Map()).set(offerKey, offer);
}

/** After `filterHead`: nothing of what was asked for is there, which is to be answered with 416. */
export function rangesRefused(request: Request): boolean {
  return offerOf(request)?.refused === true;
}

/** After `filterHead`: what is to be sent of the body; null for all of it. */
export function partsOf(request: Request): readonly BodyPart[] | null {
  return offerOf(request)?.parts ?? null;
}

function offerOf({ moduleState }: Request): RangeOffer | null {
  return (moduleState?.get(offerKey) as RangeOffer | undefined) ?? null;
}

/** The last header filter. An offer that was not taken into account by now concerns another answer. */
export function settleRanges(request: Request): void {
  const offer = offerOf(request);
  if (offer === null) return;
  const { response, fields } = request;
  const size = response.contentLength;
  const whole = response.status !== 200 || offer.rangesMax === 0 || size < 0;
  if (whole || request.parent !== null || offer.refused) return;
  const asked = fields.get("range");
  const ranges =
    asked === null || !isRangeOfThis(request) ? "ignored" : parseRanges(asked, size, offer.rangesMax);
  if (ranges === "ignored") {
    response.fields.set("Accept-Ranges", "bytes");
    return;
  }
  if (ranges === "unsatisfiable") {
    offer.refused = true;
    response.fields.remove("etag");
    response.fields.remove("last-modified");
    response.fields.set("Content-Range", `bytes */${size}`);
    return;
  }
  response.status = 206;
  response.statusText = null;
  const [first] = ranges as [ByteRange, ...ByteRange[]];
  offer.parts = ranges.length > 1 ? describeParts(request, ranges, size) : [first];
  if (ranges.length > 1) return;
  response.contentLength = first.end - first.start;
  response.fields.set("Content-Range", `bytes ${first.start}-${first.end - 1}/${size}`);
  if (offer.how === "cut") response.addFirstBodyFilter((next) => new PieceFilter(cutOut(first), next));
}

/** `If-Range`: the ranges are meant for one version only, that which the head tells of in the end. */
function isRangeOfThis({ fields, response }: Request): boolean {
  const condition = fields.get("if-range");
  if (condition === null) return true;
  if (condition.length >= 2 && condition.endsWith('"')) return condition === response.fields.get("etag");
  const asked = parseHttpDate(condition);
  if (asked === null) return false;
  return asked / 1000 === lastModifiedOf(response);
}

let boundaries = 0;

/** Each part tells the type that other filters have left, with its character set. */
function describeParts({ response }: Request, ranges: readonly ByteRange[], size: number): BodyPart[] {
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
  return parts;
}
