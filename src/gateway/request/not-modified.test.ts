import assert from "node:assert/strict";
import { test } from "node:test";
import { etagMatches } from "./not-modified.ts";

test("a star matches whatever there is", () => {
  assert.equal(etagMatches("*", null, false), true);
});

test("nothing else matches an answer without an entity tag", () => {
  assert.equal(etagMatches('"a"', null, true), false);
});

test("a tag is found anywhere in the list", () => {
  for (const list of ['"a"', 'x, "a"', '"a" , "b"', '"b","a"']) {
    assert.equal(etagMatches(list, '"a"', false), true, list);
  }
  assert.equal(etagMatches('"ab", a', '"a"', false), false);
});

test("the weak comparison does not tell weak tags from strong ones", () => {
  assert.equal(etagMatches('W/"a"', '"a"', true), true);
  assert.equal(etagMatches('"a"', 'W/"a"', true), true);
  assert.equal(etagMatches('W/"a"', '"a"', false), false);
  assert.equal(etagMatches('W/"a"', 'W/"a"', false), true);
});
