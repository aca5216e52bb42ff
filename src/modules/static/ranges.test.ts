import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRanges } from "./ranges.ts";

const many = Number.MAX_SAFE_INTEGER;
const read = (field: string, max = many): unknown => parseRanges(field, 10, max);

test("one range, in its three forms", () => {
  assert.deepEqual(read("bytes=2-4"), [{ start: 2, end: 5 }]);
  assert.deepEqual(read("bytes=5-"), [{ start: 5, end: 10 }]);
  assert.deepEqual(read("bytes=-3"), [{ start: 7, end: 10 }]);
  assert.deepEqual(read("BYTES= 0 - 3 "), [{ start: 0, end: 4 }]);
});

test("what reaches beyond the end is cut", () => {
  assert.deepEqual(read("bytes=8-100"), [{ start: 8, end: 10 }]);
  assert.deepEqual(read("bytes=-20"), [{ start: 0, end: 10 }]);
});

test("several ranges; those behind the end are left out", () => {
  assert.deepEqual(read("bytes=0-1,4-5"), [
    { start: 0, end: 2 },
    { start: 4, end: 6 },
  ]);
  assert.deepEqual(read("bytes=0-3,50-60"), [{ start: 0, end: 4 }]);
  assert.deepEqual(read("bytes=0-0,-0"), [{ start: 0, end: 1 }]);
});

test("what cannot be satisfied or read", () => {
  for (const field of ["20-30", "-0", "x", "3-1", "1-2,", "1-2,x", "- 3", "99999999999999999999-"]) {
    assert.equal(read(`bytes=${field}`), "unsatisfiable", field);
  }
});

test("other units, too many ranges, and more bytes than there are ask for the whole", () => {
  for (const field of ["items=0-3", "bytes=", "bytes=0-8,1-9"]) assert.equal(read(field), "ignored", field);
  assert.equal(read("bytes=0-1,2-3", 1), "ignored");
  assert.equal(parseRanges("bytes=0-", 0, many), "ignored");
});
