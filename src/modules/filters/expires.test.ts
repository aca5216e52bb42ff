import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExpires } from "./expires.ts";

test("words, times with their signs, and times of the day", () => {
  for (const kind of ["epoch", "max", "off"]) assert.deepEqual(parseExpires(kind, false), { kind });
  assert.deepEqual(parseExpires("1h30m", false), { kind: "access", seconds: 5400 });
  assert.deepEqual(parseExpires("+10d", true), { kind: "modified", seconds: 864_000 });
  assert.deepEqual(parseExpires("-1", false), { kind: "access", seconds: -1 });
  assert.deepEqual(parseExpires("@15h30m", false), { kind: "daily", seconds: 55_800 });
});

test("what is refused, in nginx's words", () => {
  for (const text of ["", "+", "OFF", "@-1", "1x"])
    assert.equal(parseExpires(text, false), "invalid value", text);
  assert.equal(parseExpires("epoch", true), "invalid value");
  assert.equal(parseExpires("@1h", true), 'daily time cannot be used with "modified" parameter');
  assert.equal(parseExpires("@25h", false), "daily time value must be less than 24 hours");
});
