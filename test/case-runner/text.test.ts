import assert from "node:assert/strict";
import { test } from "node:test";
import { diffLines, Placeholders, unquote } from "./text.ts";

test("a quoted string stands for its bytes", () => {
  assert.equal(unquote('"a\\r\\n\\x00\\\\\\""'), 'a\r\n\0\\"');
});

test("strings are repeated and joined", () => {
  assert.equal(unquote('"ab"*3 "c"  "d"'), "abababcd");
});

test("what is not quoted is refused", () => {
  assert.throws(() => unquote('abc "d"'), /not a quoted string/);
  assert.throws(() => unquote('"\\q"'), /unknown escape/);
});

test("known placeholders are filled, others stay", () => {
  const marks = new Placeholders();
  marks.set("B1", "127.0.0.1:1");
  assert.equal(marks.fill("%B1% %20 %B2% %7E%41"), "127.0.0.1:1 %20 %B2% %7E%41");
});

test("equal lines have no difference, patterns match", () => {
  assert.equal(diffLines(["a", "~ ^b+$"], ["a", "bbb"]), null);
});

test("a difference shows both sides", () => {
  assert.equal(diffLines(["a", "b"], ["a", "c", "d"]), "    a\n  - b\n  + c\n  + d");
});
