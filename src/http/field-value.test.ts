import assert from "node:assert/strict";
import { test } from "node:test";
import { safeFieldValue, safeTarget } from "./field-value.ts";

test("a field's value cannot end its line", () => {
  assert.equal(safeFieldValue("plain value"), "plain value");
  assert.equal(safeFieldValue("a\r\nX-Evil: 1\r\n\r\nbody"), "a X-Evil: 1 body");
  assert.equal(safeFieldValue("default-src 'self';\n  img-src *"), "default-src 'self';   img-src *");
  assert.equal(safeFieldValue("\0"), " ");
});

test("a target cannot end its line", () => {
  assert.equal(safeTarget("/a%20b?c=%"), "/a%20b?c=%");
  assert.equal(safeTarget("/a HTTP/1.1\r\nX: 1\0"), "/a%20HTTP/1.1%0D%0AX:%201%00");
});
