import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fieldName } from "./name-cache.ts";

function read(text: string): { text: string; lower: string } {
  const bytes = Buffer.from(`>${text}<`, "latin1");
  return fieldName(bytes, 1, bytes.length - 1);
}

describe("field names found by their bytes", () => {
  it("a name that comes again is the same object", () => {
    assert.deepEqual(read("X-Again"), { text: "X-Again", lower: "x-again" });
    assert.equal(read("X-Again"), read("X-Again"));
  });

  it("case matters for the name as written, not for the lower one", () => {
    assert.deepEqual(read("x-AGAIN"), { text: "x-AGAIN", lower: "x-again" });
  });

  it("names that share a slot, or are too long to be kept, are read right every time", () => {
    const names = Array.from({ length: 5000 }, (_, i) => `X-Number-${i}`);
    names.push("X-".padEnd(200, "long"), "\xc4-Odd", "");
    for (const name of [...names, ...names]) {
      assert.equal(read(name).text, name);
      assert.equal(read(name).lower, name.replace("X", "x").replaceAll("N", "n").replace("O", "o"));
    }
  });
});
