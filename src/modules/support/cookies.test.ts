import assert from "node:assert/strict";
import { test } from "node:test";
import { Fields } from "../../http/fields.ts";
import { findCookie, findSetCookie } from "./cookies.ts";

function fieldsOf(name: string, ...values: string[]): Fields {
  const fields = new Fields();
  for (const value of values) fields.add(name, value);
  return fields;
}

test("a cookie is found in any of the fields; the first one counts", () => {
  const fields = fieldsOf("Cookie", "foo=1; b=2", "foo=3; c=4");
  assert.equal(findCookie(fields, "foo"), "1");
  assert.equal(findCookie(fields, "b"), "2");
  assert.equal(findCookie(fields, "c"), "4");
  assert.equal(findCookie(fields, "d"), null);
});

test("names count as a whole and without case, with spaces around the equals sign", () => {
  const fields = fieldsOf("Cookie", "xfoo=1; FOO = bar baz ; b");
  assert.equal(findCookie(fields, "foo"), "bar baz ");
  assert.equal(findCookie(fields, "b"), null);
});

test("a comma is part of a value, and parts no cookies", () => {
  const fields = fieldsOf("Cookie", "a=0, b=1,c=2; d=3");
  assert.equal(findCookie(fields, "a"), "0, b=1,c=2");
  assert.equal(findCookie(fields, "b"), null);
  assert.equal(findCookie(fields, "d"), "3");
});

test("a response's cookie is the first thing of its field", () => {
  const fields = fieldsOf("Set-Cookie", "a=1; path=/", "b=2");
  assert.equal(findSetCookie(fields, "a"), "1");
  assert.equal(findSetCookie(fields, "b"), "2");
  assert.equal(findSetCookie(fields, "path"), null);
});
