import assert from "node:assert/strict";
import { test } from "node:test";
import { findArgument } from "./arguments.ts";

test("the first argument of a name counts, whatever its case", () => {
  assert.equal(findArgument("a=1&A=2", "a"), "1");
  assert.equal(findArgument("FOO=x", "foo"), "x");
});

test("a name counts only as a whole, and with its equals sign", () => {
  assert.equal(findArgument("aa=1&xa=2&a&b=a=&a=3", "a"), "3");
  assert.equal(findArgument("a", "a"), null);
  assert.equal(findArgument("", "a"), null);
});

test("values are not decoded, and may be empty", () => {
  assert.equal(findArgument("a=x%20y+z=1", "a"), "x%20y+z=1");
  assert.equal(findArgument("b=1&a=", "a"), "");
});
