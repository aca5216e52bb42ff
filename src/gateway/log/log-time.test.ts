import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIsoTime, formatLogTime, formatSeconds } from "./log-time.ts";

const wallMs = Date.UTC(2026, 10, 22, 13, 24, 5, 678);

/** The local zone differs from machine to machine: read back, the text must tell the same second. */
function secondOf(text: string): number {
  return Math.floor(Date.parse(text) / 1000);
}

test("ISO 8601 tells the local time with its zone", () => {
  const text = formatIsoTime(wallMs);
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
  assert.equal(secondOf(text), Math.floor(wallMs / 1000));
});

test("the log's own form tells the same, and moves on with the second", () => {
  const form = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/;
  for (const ms of [wallMs, wallMs + 100, wallMs + 1000]) {
    const [, day, month, year, time, zone] = form.exec(formatLogTime(ms)) ?? [];
    assert.equal(secondOf(`${day} ${month} ${year} ${time} ${zone}`), Math.floor(ms / 1000));
  }
});

test("seconds are cut to three decimals", () => {
  assert.equal(formatSeconds(0), "0.000");
  assert.equal(formatSeconds(1.999), "0.001");
  assert.equal(formatSeconds(61_005), "61.005");
  assert.equal(formatSeconds(-5), "0.000");
});
