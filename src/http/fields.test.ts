import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fields, lowerAscii, lowerName } from "./fields.ts";

function sample(): Fields {
  const fields = new Fields();
  fields.add("Host", "a");
  fields.add("X-Y", "1");
  fields.add("x-y", "2");
  fields.add("Cookie", "c=1");
  fields.add("X-Y", "3");
  fields.add("cookie", "d=2");
  return fields;
}

function list(fields: Fields): string[] {
  return fields.names.map((name, index) => `${name}: ${fields.valueAt(index)}`);
}

describe("Fields", () => {
  it("keeps order, case and duplicates", () => {
    const fields = sample();
    assert.equal(fields.size, 6);
    assert.deepEqual(list(fields), ["Host: a", "X-Y: 1", "x-y: 2", "Cookie: c=1", "X-Y: 3", "cookie: d=2"]);
    assert.equal(fields.nameAt(2), "x-y");
    assert.equal(fields.lowerNameAt(1), "x-y");
  });

  it("finds values by lower-case name", () => {
    const fields = sample();
    assert.equal(fields.get("x-y"), "1");
    assert.deepEqual(fields.getAll("x-y"), ["1", "2", "3"]);
    assert.equal(fields.getJoined("x-y"), "1, 2, 3");
    assert.equal(fields.getJoined("cookie"), "c=1; d=2");
    assert.equal(fields.getJoined("host"), "a");
    assert.equal(fields.get("none"), null);
    assert.equal(fields.getJoined("none"), null);
    assert.deepEqual(fields.getAll("none"), []);
    assert.equal(fields.has("host"), true);
    assert.equal(fields.has("Host"), false);
  });

  it("sets in the first one's place and drops the others", () => {
    const fields = sample();
    fields.set("X-y", "new");
    assert.deepEqual(list(fields), ["Host: a", "X-y: new", "Cookie: c=1", "cookie: d=2"]);
    fields.set("Added", "z");
    assert.equal(list(fields).at(-1), "Added: z");
  });

  it("removes all of a name", () => {
    const fields = sample();
    assert.equal(fields.remove("x-y"), 3);
    assert.equal(fields.remove("x-y"), 0);
    assert.deepEqual(list(fields), ["Host: a", "Cookie: c=1", "cookie: d=2"]);
  });

  it("accounts for the bytes of names and values", () => {
    const fields = sample();
    const sum = (): number => list(fields).join("").length - 2 * fields.size;
    assert.equal(fields.bytes, sum());
    fields.set("x-y", "longer");
    assert.equal(fields.bytes, sum());
    fields.remove("cookie");
    assert.equal(fields.bytes, sum());
  });

  it("clones without sharing", () => {
    const fields = sample();
    const copy = fields.clone();
    copy.remove("host");
    assert.equal(fields.has("host"), true);
    assert.equal(copy.bytes, fields.bytes - 5);
  });

  it("lowers A to Z alone", () => {
    assert.equal(lowerName("X-\u00c4-Z"), "x-\u00c4-z");
    assert.equal(lowerAscii("\u0130ABC"), "\u0130abc");
  });
});
