import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUnsafeUri } from "./accel-redirect.ts";

test("path and arguments are parted, escapes in the path decoded", () => {
  assert.deepEqual(parseUnsafeUri("/a/b"), { uri: "/a/b", args: null });
  assert.deepEqual(parseUnsafeUri("/a%20b?c=%20&d"), { uri: "/a b", args: "c=%20&d" });
  assert.deepEqual(parseUnsafeUri("/a?b?c"), { uri: "/a", args: "b?c" });
});

test("dots that are part of a name are harmless", () => {
  assert.deepEqual(parseUnsafeUri("/..a/b../c...d"), { uri: "/..a/b../c...d", args: null });
  assert.deepEqual(parseUnsafeUri("/a?../b"), { uri: "/a", args: "../b" });
});

test("a way up is refused, escaped or not", () => {
  for (const text of ["..", "../a", "/..", "/../a", "/a/../b", "/a/..?b", "/%2e%2e/a", "/a%2f..%2fb"]) {
    assert.equal(parseUnsafeUri(text), null, text);
  }
});

test("nothing, arguments alone and NUL are refused", () => {
  for (const text of ["", "?a", "/a\0b", "/a%00b"]) assert.equal(parseUnsafeUri(text), null, text);
});
