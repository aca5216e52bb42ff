import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RegexError, compileRegex } from "./regex.ts";
import type { VariableHolder } from "./variables.ts";

/** Pattern, subject, and the match with its groups; null when it must not match. */
type Case = readonly [string, string, readonly (string | undefined)[] | null];

const MATCHES: readonly Case[] = [
  ["\\.php$", "/a.php", [".php"]],
  ["\\.php$", "/a.php\n", [".php"]],
  ["\\.php\\z", "/a.php\n", null],
  ["\\.php\\Z", "/a.php\n", [".php"]],
  ["^/(.*)$", "/a\nb", null],
  ["(?s)^/(.*)$", "/a\nb", ["/a\nb", "a\nb"]],
  ["(?m)^b$", "a\nb\nc", ["b"]],
  ["(?m)^$", "a\n", null],
  ["\\Ab", "ab", null],
  ["a.b", "a\rb", ["a\rb"]],
  ["a\\Nb", "a\nb", null],
  ["^\\s$", "\xa0", null],
  ["^\\s$", "\v", ["\v"]],
  ["^\\h+$", " \t\xa0", [" \t\xa0"]],
  ["^\\v$", "\x85", ["\x85"]],
  ["^\\w+$", "\xe9", null],
  ["\\Ra", "\r\na", ["\r\na"]],
  ["^\\R\\n$", "\r\n", null],
  ["(?i)abc", "xABCx", ["ABC"]],
  ["a(?i)b", "aB", ["aB"]],
  ["a(?i)b", "AB", null],
  ["(a(?i)b|c)d", "Cd", ["Cd", "C"]],
  ["(a(?i)b|c)d", "CD", null],
  ["(?i:a)b", "Ab", ["Ab"]],
  ["(?i)a(?-i)b", "AB", null],
  ["(?i)[a-c]+", "xABCx", ["ABC"]],
  ["(?i)[^a]", "A", null],
  ["(?i)\xe9", "\xc9", null],
  ["(?i)(ab)\\1", "abAB", ["abAB", "ab"]],
  ["(a)\\1", "aA", null],
  ["(?x) a b # comment\n c", "abc", ["abc"]],
  ["a(?#comment)b", "ab", ["ab"]],
  ["\\Qa.b\\E+", "a.bbb", ["a.bbb"]],
  ["\\Q(", "(", ["("]],
  ["[[:alpha:]_]+", "1a_b2", ["a_b"]],
  ["[[:^digit:]]+", "12ab", ["ab"]],
  ["[]a]+", "x]a]", ["]a]"]],
  ["[^]a]", "]ab", ["b"]],
  ["[a\\-z]+", "b-", ["-"]],
  ["[\\d.-]+", "a1.2-3", ["1.2-3"]],
  ["[a\\Q]\\E]+", "]a", ["]a"]],
  ["[\\x41-\\x43\\104]+", "ABCD", ["ABCD"]],
  ["[\\b]", "\b", ["\b"]],
  ["\\x{e9}\\351\\o{351}", "\xe9\xe9\xe9", ["\xe9\xe9\xe9"]],
  ["\\cA\\e\\a\\0", "\x01\x1b\x07\0", ["\x01\x1b\x07\0"]],
  ["a{,3}", "a{,3}", ["a{,3}"]],
  ["a{2}", "aaa", ["aa"]],
  ["a{1,2}?", "aa", ["a"]],
  ["(?U)a+", "aaa", ["a"]],
  ["(?U)a+?", "aaa", ["aaa"]],
  ["a++a", "aaa", null],
  ["(a++)b", "aab", ["aab", "aa"]],
  ["(x)(?>a|ab)(c)", "xabc", null],
  ["(x)(?>(a)b|ab)(c)", "xabc", ["xabc", "x", "a", "c"]],
  ["(?>(a+))(b)\\2\\1", "aabbaa", ["aabbaa", "aa", "b"]],
  [
    "(?<first>a)(?P<second>b)(?'third'c)\\k<first>(?P=second)\\k{third}\\g{-1}",
    "abcabcc",
    ["abcabcc", "a", "b", "c"],
  ],
  ["(a)\\g1\\g{1}", "aaa", ["aaa", "a"]],
  ["(?<!a)b", "abb", ["b"]],
  ["(?<=a|bc)d", "bcd", ["d"]],
  ["a(?=b)", "ab", ["a"]],
  ["(?=a)*b", "b", ["b"]],
  ["(?n)(a)(?<n>b)", "ab", ["ab", "b"]],
  ["(a)|(b)", "b", ["b", undefined, "b"]],
  ["(a)?\\1b", "b", null],
  ["(?:(a)|b)*", "ab", ["ab", "a"]],
  ["(a*)*", "b", ["", ""]],
  ["(a*)+", "aab", ["aa", ""]],
  ["(a|b?)+?c", "abc", ["abc", "b"]],
  ["(?<=(a|b))c", "bc", ["c", "b"]],
  ["(a{2}|b){2,40}c", "aabaac", ["aabaac", "aa"]],
  ["((a|b){50}){50}c", `${"ab".repeat(1250)}c`, [`${"ab".repeat(1250)}c`, "ab".repeat(25), "b"]],
  ["(?>a*)(?=(b+))b{1,2}?", "aabbb", ["aab", "bbb"]],
  ["(?!(a)b)a.", "ac", ["ac", undefined]],
  ["\\p{N}+", "a1\xb2", ["1\xb2"]],
  ["\\p{Lu}", "aA", ["A"]],
  ["\\p{L&}+", "1aA\xe9", ["aA\xe9"]],
  ["\\p{^N}", "1\xb2b", ["b"]],
  ["\\pN\\P{L}\\PN", "1-b", ["1-b"]],
  ["^\\p{Any}\\p{Xan}$", "\xffa", ["\xffa"]],
  ["\\p{Latin}+\\p{P}", "1\xe9a!", ["\xe9a!"]],
  ["\\p{Greek}", "\xb5\xe9a", null],
  ["[^\\p{L}\\d]", "a1_", ["_"]],
  ["(?i)[\\p{Lu}b]+", "aBbA", ["BbA"]],
  ["^\\X\\X$", "\r\na", ["\r\na"]],
  ["^\\X\\n", "\r\n", null],
  ["(*UCP)^\\w+$", "\xb2\xe9", ["\xb2\xe9"]],
  ["(*UCP)(?i)\xe9\\b", "\xc9", ["\xc9"]],
  ["(*UCP)[[:alpha:]]", "1\xe9", ["\xe9"]],
  ["(*UTF8)^.$", "\xc3\xa9", ["\xc3\xa9"]],
  ["(*UTF)^[\xc3\xa9-\xc3\xbc]+$", "\xc3\xa9\xc3\xbb", ["\xc3\xa9\xc3\xbb"]],
  ["(*UTF)(?i)\xc3\xa9(\\x{20ac})", "\xc3\x89\xe2\x82\xac", ["\xc3\x89\xe2\x82\xac", "\xe2\x82\xac"]],
  ["(*UTF)(?<=\xc3\xa9.)\\p{L}", "\xc3\xa9-\xc3\xbc", ["\xc3\xbc"]],
  ["(*UTF)[^a]", "a\xf0\x9f\x98\x80", ["\xf0\x9f\x98\x80"]],
  ["(*UTF)\\B", "\xc3\xa9", [""]],
  ["(*NO_START_OPT)(*F)|a", "a", ["a"]],
  ["]}", "]}", ["]}"]],
  ["/", "/", ["/"]],
];

describe("patterns match as in PCRE", () => {
  for (const [pattern, subject, expected] of MATCHES) {
    test(`${JSON.stringify(pattern)} on ${JSON.stringify(subject)}`, () => {
      const regex = compileRegex(pattern, false);
      for (const match of [regex.exec(subject), regex.execCounted(subject)]) {
        assert.deepEqual(match === null ? null : [...match], expected);
      }
    });
  }
});

test("~* ignores the case of ASCII letters only", () => {
  assert.deepEqual([...compileRegex("^/Img(\\D)$", true).exec("/IMGx")!], ["/IMGx", "x"]);
  assert.equal(compileRegex("\xe9", true).test("\xc9"), false);
});

test("groups keep their numbers when JavaScript's are others", () => {
  const match = compileRegex("(?>a+)(b)", false).exec("xaab")!;
  assert.deepEqual([...match], ["aab", "b"]);
});

test("named groups set variables, in the order of the pattern", () => {
  const asked: string[] = [];
  const regex = compileRegex("(a)(?<n>b)(?P<m>c)?", false, (name) => asked.push(name) - 1);
  const holder: VariableHolder = { variableValues: [], captures: null };
  regex.assignNamed(holder, regex.exec("ab")!);
  assert.deepEqual(
    [asked, holder.variableValues],
    [
      ["n", "m"],
      ["b", ""],
    ],
  );
});

function complaint(pattern: string): string {
  try {
    compileRegex(pattern, false);
    return "ok";
  } catch (error) {
    if (error instanceof RegexError) return error.message;
    throw error;
  }
}

/** Pattern, PCRE's message, and the rest of the pattern at the place where it stops. */
const MISTAKES: readonly [string, string, string?][] = [
  ["a(", "missing closing parenthesis"],
  ["((a)", "missing closing parenthesis"],
  ["(?", "missing closing parenthesis"],
  ["(?i", "missing closing parenthesis"],
  ["a)", "unmatched closing parenthesis", ")"],
  ["a[b", "missing terminating ] for character class"],
  ["[]", "missing terminating ] for character class"],
  ["a**", "quantifier does not follow a repeatable item", "*"],
  ["*a", "quantifier does not follow a repeatable item", "*a"],
  ["^*", "quantifier does not follow a repeatable item", "*"],
  ["a{1}{2}", "quantifier does not follow a repeatable item", "}"],
  ["a\\", "\\ at end of pattern"],
  ["a\\y", "unrecognized character follows \\", "y"],
  ["[a\\y]", "unrecognized character follows \\", "y]"],
  ["(?<n", "syntax error in subpattern name (missing terminator?)"],
  ["(?<1a>x)", "subpattern name must start with a non-digit", "1a>x)"],
  ["(?<>a)", "subpattern name expected", ">a)"],
  ["(?<a>x)(?<a>y)", "two named subpatterns have the same name (PCRE2_DUPNAMES not set)", "y)"],
  ["a{2,1}", "numbers out of order in {} quantifier", "}"],
  ["a{65536}", "number too big in {} quantifier", "}"],
  ["[z-a]", "range out of order in character class", "a]"],
  ["[\\d-z]", "invalid range in character class", "-z]"],
  ["[a-\\d]", "invalid range in character class", "]"],
  ["[[:foo:]]", "unknown POSIX class name", "foo:]]"],
  ["[:alpha:]", "POSIX named classes are supported only within a class", "[:alpha:]"],
  ["(?z)", "unrecognized character after (? or (?-", "z)"],
  ["(?Px", "unrecognized character after (?P", "x"],
  ["(?<=a+)b", "lookbehind assertion is not fixed length", "(?<=a+)b"],
  ["\\2", "reference to non-existent subpattern", "2"],
  ["(?P<n>x)\\k<m>", "reference to non-existent subpattern", "m>"],
  ["a(?#b", "missing ) after (?# comment"],
  ["\\x{100}", "character code point value in \\x{} or \\o{} is too large", "}"],
  ["\\c", "\\c at end of pattern"],
  ["\\p{Foo}x", "unknown property after \\P or \\p", "x"],
  ["\\p1", "malformed \\P or \\p sequence"],
  ["\\p{Lu", "malformed \\P or \\p sequence"],
  ["[\\X]", "escape sequence is invalid in character class", "X]"],
  ["(*FOO)a", "(*VERB) not recognized or malformed", ")a"],
  ["(*UTF)\\x{110000}", "character code point value in \\x{} or \\o{} is too large", "}"],
  ["(*UTF)\xc3\xa9(", "missing closing parenthesis"],
  ["(*UTF)a\xff", "UTF-8 error: illegal byte (0xfe or 0xff)", "\xff"],
  [`${"(".repeat(251)}a${")".repeat(251)}`, "parentheses are too deeply nested", `a${")".repeat(251)}`],
  ["(?=".repeat(2000), "parentheses are too deeply nested", "(?=".repeat(1749)],
  ["((a{100}){100}){100}", "regular expression is too large"],
  ["(abc){5000}", "regular expression is too large"],
];

describe("mistakes are told in PCRE's words, in nginx's form", () => {
  for (const [pattern, message, rest] of MISTAKES) {
    test(pattern, () => {
      const at = rest === undefined ? "" : ` at "${rest}"`;
      assert.equal(complaint(pattern), `pcre2_compile() failed: ${message} in "${pattern}"${at}`);
    });
  }
});

describe("what JavaScript cannot do is refused by name", () => {
  for (const pattern of [
    "(?R)",
    "(?1)",
    "(?(1)a|b)",
    "(*CRLF)a",
    "a\\Kb",
    "\\p{bc:al}",
    "(?|a|b)",
    "(*UTF)\\X",
    "(*SKIP)",
  ]) {
    test(pattern, () => assert.match(complaint(pattern), / in ".+" is not supported by longhaul$/));
  }
});

test("a subject that is no UTF-8 cannot be matched by a pattern of it", () => {
  const faults: readonly (readonly [string, number])[] = [
    ["a\xff", -23],
    ["\x80", -22],
    ["\xc3", -3],
    ["\xe2\x28\xa1", -8],
    ["\xc0\x80", -17],
    ["\xed\xa0\x80", -16],
    ["\xf4\x90\x80\x80", -15],
  ];
  const regex = compileRegex("(*UTF8)a", false);
  for (const [subject, code] of faults) {
    const message = `pcre2_match() failed: ${code} on "${subject}" using "(*UTF8)a"`;
    assert.throws(() => regex.exec(subject), { name: "RegexFailure", message });
    assert.throws(() => regex.test(subject), { name: "RegexFailure", message });
  }
  assert.deepEqual([...regex.exec("\xc3\xa9a")!], ["a"]);
});

const pieces = fc.string({
  unit: fc.constantFrom(..."ab()[]{}?*+|\\^$.-:<>=!iP#1,xdk'".split("")),
  maxLength: 20,
});

test("as deep and as large as PCRE takes it", () => {
  assert.equal(complaint("(".repeat(250) + ")".repeat(250)), "ok");
  assert.equal(complaint("(a{1000}){5000}"), "ok");
  assert.equal(complaint("(abc){4600}"), "ok");
});

test("every pattern either compiles or gives a RegexError", () => {
  fc.assert(
    fc.property(pieces, (pattern) => void complaint(pattern)),
    { numRuns: 1000 },
  );
});
