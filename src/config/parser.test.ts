import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { COMMAND_LINE } from "./errors.ts";
import { parseConfig } from "./parser.ts";
import type { Block } from "./tree.ts";

/** A tree as nested arrays: [name, ...args], and the block's directives as a last array. */
function outline(block: Block): unknown[] {
  return block.directives.map(({ name, args, block: inner }) =>
    inner === null ? [name, ...args] : [name, ...args, outline(inner)],
  );
}

function errorOf(text: string, file = "f"): string | null {
  const { error } = parseConfig(text, file);
  return error === null ? null : `${error.message}:${error.line}`;
}

const WORDS: readonly [string, unknown[]][] = [
  ["", []],
  [" \t\r\n# only a comment", []],
  ["a;", [["a"]]],
  ["a b c ;", [["a", "b", "c"]]],
  ["a\n\tb\r\nc;d;", [["a", "b", "c"], ["d"]]],
  ["a 'b c' \"d;{}#e\";", [["a", "b c", "d;{}#e"]]],
  [`a "" '';`, [["a", "", ""]]],
  [`a "it's" 'a "b"';`, [["a", "it's", 'a "b"']]],
  [`a "b\\"c" 'd\\'e' f\\ g;`, [["a", 'b"c', "d'e", "f\\ g"]]],
  [`a "\\t\\r\\n\\\\";`, [["a", "\t\r\n\\"]]],
  ["a \\.php$ \\$x \\;b;", [["a", "\\.php$", "\\$x", "\\;b"]]],
  ["a ${b}c x${d}{ e; }", [["a", "${b}c", "x${d}", [["e"]]]]],
  ["a ${b;", [["a", "${b"]]],
  ["a $b{ c; }", [["a", "$b", [["c"]]]]],
  ["a b#c; # d\ne;", [["a", "b#c"], ["e"]]],
  ['a "b")c;', [["a", "b", ")c"]]],
  ['if ($a = "b") { c; }', [["if", "($a", "=", "b", ")", [["c"]]]]],
  ["a}b c};", [["a}b", "c}"]]],
  ['a b"c"d;', [["a", 'b"c"d']]],
  ["http { server { listen 80; } } x;", [["http", [["server", [["listen", "80"]]]]], ["x"]]],
  ["a\xff\x80 \xe4;", [["a\xff\x80", "\xe4"]]],
];

describe("the parser reads words, quotes, escapes and blocks", () => {
  for (const [text, expected] of WORDS) {
    test(JSON.stringify(text), () => {
      const block = parseConfig(text, "f");
      assert.equal(block.error, null);
      assert.deepEqual(outline(block), expected);
    });
  }
});

const long = (length: number): string => "x".repeat(length);

const ERRORS: readonly [string, string][] = [
  ["a", 'unexpected end of file, expecting ";" or "}":1'],
  ["a\nb\n", 'unexpected end of file, expecting ";" or "}":3'],
  ["a 'b;\n", 'unexpected end of file, expecting ";" or "}":2'],
  ["a { b; ", 'unexpected end of file, expecting "}":1'],
  ["a { b", 'unexpected end of file, expecting ";" or "}":1'],
  ["}", 'unexpected "}":1'],
  ["a; }", 'unexpected "}":1'],
  ["a { b }", 'unexpected "}":1'],
  ["a { } }", 'unexpected "}":1'],
  [";", 'unexpected ";":1'],
  ["a;\n;", 'unexpected ";":2'],
  ["{ a; }", 'unexpected "{":1'],
  ['a "b"c;', 'unexpected "c":1'],
  ["a 'b'\"c\";", 'unexpected """:1'],
  [`a ${long(4095)};`, "null"],
  [`a ${long(4096)};`, 'too long parameter "xxxxxxxxxx..." started:1'],
  [`a\n\n'${long(4094)}';`, "null"],
  [`a\n\n'${long(4095)}';`, 'too long parameter "xxxxxxxxxx..." started:3'],
  [`a\n\n'${long(4096)}';`, 'too long parameter, probably missing terminating "\'" character:3'],
  [`a "${long(3000)}\n${long(3000)};`, 'too long parameter, probably missing terminating """ character:1'],
  [`# ${long(5000)}\na;`, 'too long parameter "# xxxxxxxx..." started:1'],
];

describe("the parser stores syntax errors with nginx's text and line", () => {
  for (const [text, expected] of ERRORS) {
    test(JSON.stringify(text.slice(0, 20)) + (text.length > 20 ? ` (${text.length} bytes)` : ""), () => {
      assert.equal(String(errorOf(text)), expected);
    });
  }

  test("in the text of -g there is no limit, no block and another end", () => {
    assert.equal(errorOf("daemon off", COMMAND_LINE), 'unexpected end of parameter, expecting ";":1');
    assert.equal(errorOf("a { }", COMMAND_LINE), "block directives are not supported in -g option:1");
    assert.equal(errorOf(`a ${long(9000)};`, COMMAND_LINE), null);
  });

  test("an error inside of blocks is stored in each of them, and what came before is kept", () => {
    const block = parseConfig("a; b { c; d { e; ; } } f;", "f");
    const outer = block.directives[1]!.block!;
    assert.deepEqual(outline(block), [["a"], ["b", [["c"], ["d", [["e"]]]]]]);
    for (const { error } of [block, outer, outer.directives[1]!.block!]) {
      assert.equal(error?.message, 'unexpected ";"');
    }
  });
});

test("a directive's line is that of its terminator, its start line that of its name", () => {
  const [first, second] = parseConfig("\n# c\na\nb\n;\nc { d;\n\n} ", "f").directives;
  assert.deepEqual([first!.startLine, first!.line], [3, 5]);
  assert.deepEqual([second!.startLine, second!.line, second!.block!.endLine], [6, 6, 8]);
});

const bytes = fc.array(fc.nat(255), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes));
const syntaxBytes = fc.string({ unit: fc.constantFrom(..."ab $\\\"'{}();#\n\t".split("")), maxLength: 60 });

function quote(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&").replaceAll("\t", "\\t")}"`;
}

test("no text makes the parser throw", () => {
  fc.assert(fc.property(fc.oneof(bytes, syntaxBytes), (text) => void parseConfig(text, "f")));
});

test("a quoted word comes back as it was", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), (args) => {
      const { directives, error } = parseConfig(`name ${args.map(quote).join(" ")};`, "f");
      assert.equal(error, null);
      assert.deepEqual(directives[0]!.args, args);
    }),
  );
});
