import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegex } from "../../config/regex.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import { MapTable } from "./map-table.ts";

const matches = (regex: CompiledRegex, text: string): boolean => regex.test(text);

function masked(...keys: string[]): MapTable<string> {
  const table = new MapTable<string>();
  for (const key of keys) assert.equal(table.add(key, key, true), null);
  return table;
}

test("keys are found without regard to case", () => {
  const table = new MapTable<string>();
  table.add("AbC", "value", false);
  assert.equal(table.find("aBc", matches), "value");
  assert.equal(table.find("abcd", matches), undefined);
});

test("regular expressions come after keys, in their order, and never see an empty text", () => {
  const table = new MapTable<string>();
  table.addRegex(compileRegex("^a", false), "first");
  table.addRegex(compileRegex("", false), "second");
  table.add("abc", "key", false);
  assert.equal(table.find("abc", matches), "key");
  assert.equal(table.find("abd", matches), "first");
  assert.equal(table.find("x", matches), "second");
  assert.equal(table.find("", matches), undefined);
});

test("a leading mask matches names below, the longest one first", () => {
  const table = masked("*.example.com", "*.a.example.com");
  assert.equal(table.find("x.example.com", matches), "*.example.com");
  assert.equal(table.find("y.x.example.com", matches), "*.example.com");
  assert.equal(table.find("x.a.example.com", matches), "*.a.example.com");
  assert.equal(table.find("a.example.com", matches), "*.example.com");
  assert.equal(table.find("example.com", matches), undefined);
});

test("a leading dot matches the name itself, too", () => {
  const table = masked(".example.com");
  assert.equal(table.find("example.com", matches), ".example.com");
  assert.equal(table.find("a.example.com", matches), ".example.com");
  assert.equal(table.find("aexample.com", matches), undefined);
});

test("a trailing mask matches after leading ones, the longest first", () => {
  const table = masked("www.*", "www.example.*", "*.org");
  assert.equal(table.find("www.example.de", matches), "www.example.*");
  assert.equal(table.find("www.other.de", matches), "www.*");
  assert.equal(table.find("www.example.org", matches), "*.org");
  assert.equal(table.find("www", matches), undefined);
});

test("without masks a star is a star", () => {
  const table = new MapTable<string>();
  table.add("*.a.b", "star", false);
  assert.equal(table.find("x.a.b", matches), undefined);
  assert.equal(table.find("*.A.b", matches), "star");
});

test("what is no mask and what was there before is refused", () => {
  const table = masked("*.example.com", "www.*", "plain");
  for (const key of ["**.a", "a.*.b", "a..b", "a*", "*"]) {
    assert.equal(table.add(key, "", true), "invalid hostname or wildcard", key);
  }
  for (const key of [".example.com", "*.EXAMPLE.com", "WWW.*", "Plain"]) {
    assert.equal(table.add(key, "", true), "conflicting parameter", key);
  }
});
