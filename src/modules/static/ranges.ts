/** Bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** "ignored": the answer is given whole. */
export type RangeVerdict = readonly ByteRange[] | "ignored" | "unsatisfiable";

/** `start-end`, `start-` or `-last`, with spaces where nginx takes them. No two loops take the same spaces. */
const rangePattern = /^ *(?:(\d+) *- *(?:(\d+) *)?|-(\d+) *)$/;

/**
 * Reads a Range field as ngx_http_range_parse does: more ranges than `rangesMax`, or ranges that together
 * exceed the whole, are ignored; ranges behind the end are left out.
 *
 * @param size of the whole, in bytes
 */
export function parseRanges(field: string, size: number, rangesMax: number): RangeVerdict {
  if (field.length < 7 || field.slice(0, 6).toLowerCase() !== "bytes=") return "ignored";
  const ranges: ByteRange[] = [];
  let total = 0;
  for (const text of field.slice(6).split(",")) {
    const match = rangePattern.exec(text);
    if (match === null) return "unsatisfiable";
    const range = rangeOf(match, size);
    if (range.start >= range.end) {
      if (range.start === 0) return "ignored";
      continue;
    }
    if (ranges.length === rangesMax) return "ignored";
    ranges.push(range);
    total += range.end - range.start;
  }
  if (ranges.length === 0) return "unsatisfiable";
  return total > size ? "ignored" : ranges;
}

function rangeOf([, first, last, suffix]: RegExpExecArray, size: number): ByteRange {
  if (suffix !== undefined) return { start: Math.max(0, size - Number(suffix)), end: size };
  const end = last === undefined ? size : Math.min(size, Number(last) + 1);
  return { start: Number(first), end };
}
