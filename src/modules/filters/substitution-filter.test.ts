import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SubstitutionFilter } from "./substitution-filter.ts";

function substitute(pieces: readonly string[], pairs: readonly [string, string][], once: boolean): string {
  let output = "";
  const next = {
    write(bytes: Buffer) {
      output += bytes.toString("latin1");
      return true;
    },
    flush: () => undefined,
    end: () => undefined,
    fail: (error: Error) => assert.fail(error),
  };
  const patterns = pairs.map(([text, by]) => ({ text, replacement: () => Buffer.from(by, "latin1") }));
  const filter = new SubstitutionFilter(patterns, once, next);
  for (const piece of pieces) filter.write(Buffer.from(piece, "latin1"));
  filter.end();
  return output;
}

/** One character after the other, as simply as possible. */
function model(text: string, pairs: readonly [string, string][], once: boolean): string {
  const left = [...pairs];
  let output = "";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at).toLowerCase();
    const index = left.findIndex(([from]) => rest.startsWith(from.toLowerCase()));
    if (index < 0) {
      output += text[at++];
      continue;
    }
    const [from, by] = left[index]!;
    output += by;
    at += from.length;
    if (once) left.splice(index, 1);
  }
  return output;
}

test("a text cut anywhere gives the same as the whole", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "A"), maxLength: 40 });
  const pair = fc.tuple(
    fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 }),
    fc.constantFrom("", "x", "ab"),
  );
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 6 }),
      fc.array(pair, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (pieces, pairs, once) => {
        assert.equal(substitute(pieces, pairs, once), model(pieces.join(""), pairs, once));
      },
    ),
  );
});

test("only what may be the beginning of a string is held back", () => {
  const passed: string[] = [];
  const next = {
    write: (bytes: Buffer) => passed.push(bytes.toString("latin1")) > 0,
    flush: () => undefined,
    end: () => undefined,
    fail: (error: Error) => assert.fail(error),
  };
  const patterns = ["abcd", "BX"].map((text) => ({ text, replacement: () => Buffer.from("!") }));
  const filter = new SubstitutionFilter(patterns, false, next);
  for (const piece of ["xxab", "c", "e", "abc", "dz", "b", "x", "yyy"]) filter.write(Buffer.from(piece));
  filter.end();
  assert.deepEqual(passed, ["xx", "abce", "!z", "!", "yyy"]);
});
