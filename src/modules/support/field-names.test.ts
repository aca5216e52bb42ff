import assert from "node:assert/strict";
import { test } from "node:test";
import { Fields } from "../../http/fields.ts";
import { fieldByVariable } from "./field-names.ts";

test("underscores stand for hyphens, and several fields are joined", () => {
  const fields = new Fields();
  fields.add("X-Forwarded-For", "1");
  fields.add("x-forwarded-for", "2");
  fields.add("Cookie", "a=1");
  fields.add("Cookie", "b=2");
  assert.equal(fieldByVariable(fields, "x_forwarded_for"), "1, 2");
  assert.equal(fieldByVariable(fields, "cookie"), "a=1; b=2");
  assert.equal(fieldByVariable(fields, "x"), null);
});

test("names that have underscores themselves are found, too", () => {
  const fields = new Fields();
  fields.add("X_Odd-Name", "1");
  assert.equal(fieldByVariable(fields, "x_odd_name"), "1");
});
