import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMilliseconds, parseNumber, parseOffset, parseSeconds, parseSize } from "./values.ts";

const MAX = "9223372036854775807";
const OVER = "9223372036854775808";

function check(parse: (text: string) => number | null, expected: Record<string, number | null>): void {
  for (const [text, value] of Object.entries(expected)) assert.equal(parse(text), value, `"${text}"`);
}

test("numbers are digits only, up to 63 bits", () => {
  check(parseNumber, { 0: 0, 42: 42, "007": 7, "": null, "-1": null, "1.5": null, "1k": null, " 1": null });
  check(parseNumber, { [MAX]: Number(MAX), [OVER]: null });
});

test("sizes take k and m, offsets g as well", () => {
  check(parseSize, { 512: 512, "1k": 1024, "1K": 1024, "2m": 2097152, "1g": null, k: null, "1kb": null });
  check(parseOffset, { 512: 512, "1k": 1024, "2M": 2097152, "1g": 1073741824, "1G": 1073741824, g: null });
  check(parseSize, { "9007199254740991k": 9007199254740991 * 1024, "9007199254740992k": null });
});

test("times in milliseconds: units once each and in order, a bare number is seconds", () => {
  check(parseMilliseconds, {
    0: 0,
    60: 60_000,
    "60s": 60_000,
    "500ms": 500,
    "1m": 60_000,
    "1h30m": 5_400_000,
    "1h 30m": 5_400_000,
    "1h30": 3_630_000,
    "1s500ms": 1500,
    "1d": 86_400_000,
    "1w": 604_800_000,
    "1d1w": null,
    "1m1m": null,
    "1M": null,
    "1y": null,
    "1ms1s": null,
    "": null,
    s: null,
    "1 ": 1000,
    "1 2": 3000,
    "1 h": null,
    "1x": null,
    "-1": null,
    "1.5s": null,
    "9223372036854775s": Number(9223372036854775000n),
    "9223372036854776s": null,
  });
});

test("times in seconds take months and years, but no milliseconds", () => {
  check(parseSeconds, {
    60: 60,
    "1h": 3600,
    "1M": 2_592_000,
    "1y": 31_536_000,
    "1y6M": 47_088_000,
    "1M1y": null,
    "5ms": null,
    "10m5s": 605,
  });
});
