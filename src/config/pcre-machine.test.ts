import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SeededRandom } from "../net/memory/random.ts";
import { STEPS_MAX } from "./pcre-machine.ts";
import { randomPattern, randomSubject } from "./regex-samples.fixture.ts";
import { CompiledRegex, RegexFailure, compileRegex } from "./regex.ts";

interface Hostile {
  readonly pattern: string;
  readonly subject: string;
  /** The last group, or null for no match. */
  readonly match: string | null;
  readonly steps: number;
}

function hostile(pattern: string, subject: string, match: string | null, steps: number): Hostile {
  return { pattern, subject, match, steps };
}

const a = (count: number): string => "a".repeat(count);

/** Patterns that backtracking engines take very long for, with the most steps that ours may take. */
const ANSWERED: readonly Hostile[] = [
  hostile("^/api/([a-z0-9]+/?)+/edit$", `/api/${a(60)}!`, null, 6000),
  hostile("^/api/([a-z0-9]+/?)+/edit$", `/api/${a(7900)}!/edit/`, null, 120_000),
  hostile("^/api/([a-z0-9]+/?)+/edit$", `/api/${a(7900)}/edit`, a(7900), 120_000),
  hostile("^/(.*)-(.*)-(.*)\\.html$", `/${"-".repeat(7900)}.html/x`, null, 120_000),
  hostile("^/(.*)-(.*)-(.*)\\.html$", `/${"-".repeat(7900)}.html`, "", 2000),
  hostile("union.*select.*\\(", "unionselect".repeat(650), null, 0),
  hostile("union.*select.*\\(", `(${"unionselect".repeat(650)}`, null, 40_000),
  hostile("union.*select.*\\d", "unionselect".repeat(650), null, 60_000),
  hostile("^(?<sub>([a-z0-9]+-?)+)\\.example\\.com$", a(28), null, 0),
  hostile("^(?<sub>([a-z0-9]+-?)+)\\.example\\.com$", `${a(200)}.example.com.`, null, 8000),
  hostile("(a+)+!|secret", `/f/${a(60)}/secret`, "/f/secret", 6000),
  hostile("(a+)+!|secret", `/f/${a(7900)}/secret`, "/f/secret", 200_000),
  hostile("^(a*)*[!?]", a(8000), null, 200_000),
  hostile("^(a|a)*[!?]", a(8000), null, 200_000),
  hostile("^(a|aa)+[!?]", a(8000), null, 200_000),
  hostile("(?:a|a)*(?:a|a)*(?:a|a)*b", `${a(8000)}cb`, "b", 500_000),
  hostile("^(.*)*x", `${a(8000)}\nx`, null, 200_000),
  hostile("^(.+)+\\.(php|html)$", `${"a/".repeat(4000)}.phpx`, null, 200_000),
  hostile("([a-z]+)*\\d", `${"abc".repeat(2700)}_1`, "1", 300_000),
  hostile("(?:(?:(?:a?)*)*)*!", `${a(8000)}?!`, "!", 800_000),
  hostile("^(([a-z])+.)+[A-Z]([a-z])+$", `${a(8000)}A`, null, 300_000),
  hostile("^([\\w.-]+)+@([\\w-]+\\.)+com$", `${a(4000)}@${"b.".repeat(2000)}org`, null, 300_000),
  hostile("(\\w+\\s*)+;", "word ".repeat(1600), null, 0),
  hostile("(\\w+\\s*)+[;:]", "word ".repeat(1600), null, 300_000),
  hostile("^(?:\\/?[a-z]*)*\\.css$", "/a".repeat(4000), null, 0),
  hostile("(x+x+)+y", "x".repeat(8000), null, 0),
  hostile("(x+x+)+[yz]", "x".repeat(8000), null, 300_000),
  hostile("\\s+$", `${" ".repeat(8000)}x`, null, 80_000),
  hostile("^(?!.*\\.\\.)(.*/)*(\\w+)+$", `${"/a".repeat(4000)}!`, null, 300_000),
  hostile(".*.*.*.*=", `${a(8000)}`, null, 0),
  hostile("a*a*a*a*a*[bc]", a(8000), null, 300_000),
  hostile("(?:.*?,){9}P", "1,".repeat(4000), null, 0),
  hostile("(?:.*?,){9}[PQ]", "1,".repeat(4000), null, 500_000),
];

describe("hostile subjects are answered within steps that grow with their length", () => {
  for (const { pattern, subject, match, steps } of ANSWERED) {
    test(`${pattern} on ${subject.length} bytes`, () => {
      const found = compileRegex(pattern, false).exec(subject);
      const last = found?.findLast((group) => group !== undefined) ?? null;
      if (match === null) assert.equal(found, null);
      else assert.ok(match.endsWith(last!), last!);
      assert.ok(CompiledRegex.steps <= steps, `${CompiledRegex.steps} steps`);
    });
  }
});

/** What remembering does not help: references, and what is decided inside looks and atomic groups. */
const GIVEN_UP: readonly (readonly [string, string])[] = [
  ["(a+)+\\1[!?]", a(60)],
  ["^(a|aa)+(?<x>b?)\\k<x>[!?]", a(60)],
  ["(?=((a+)+[!?]))", a(60)],
  ["(?>(a+)+[!?])", a(60)],
  ["^(?!(a|a)*[!?])a+c?$", a(60)],
];

describe("when the steps are spent nobody is told that there is no match", () => {
  for (const [pattern, subject] of GIVEN_UP) {
    test(pattern, () => {
      assert.throws(
        () => compileRegex(pattern, false).exec(subject),
        (error) => {
          assert.ok(error instanceof RegexFailure);
          assert.equal(error.message, `pcre2_match() failed: -47 on "${subject}" using "${pattern}"`);
          return true;
        },
      );
      assert.ok(CompiledRegex.steps <= STEPS_MAX + 1000, `${CompiledRegex.steps} steps`);
    });
  }
});

test("plain patterns run on the runtime's engine, and hostile ones never", () => {
  const trusted = (pattern: string): number => compileRegex(pattern, false).trustedLength;
  const plain = [
    "\\.php$",
    "\\.(?:jpg|jpeg|png|gif)$",
    "^/(\\d+)/(\\w+)/?$",
    "^/api/.*\\.json$",
    "(bot|crawler|spider)",
  ];
  for (const pattern of plain) assert.ok(trusted(pattern) > 65_536, `${pattern} ${trusted(pattern)}`);
  for (const pattern of ["^/(.*)-(.*)$", "^(.+\\.php)(/.+)$"]) {
    assert.ok(trusted(pattern) > 1000 && trusted(pattern) < 8192, `${pattern} ${trusted(pattern)}`);
  }
  for (const pattern of ["(a+)+b", "(a|a)*b", "(a*)*", "^([a-z0-9]+/?)+$", "(a)\\1", "(.*)*"]) {
    assert.equal(trusted(pattern), -1, pattern);
  }
});

test("the runtime's engine and ours find the same groups", () => {
  const random = new SeededRandom(20_260);
  let compared = 0;
  for (let round = 0; round < 3000; round++) {
    const regex = compileRegex(randomPattern(random), false);
    for (let tries = 0; tries < 4; tries++) {
      const subject = randomSubject(random);
      if (subject.length > regex.trustedLength) continue;
      compared++;
      const [theirs, ours] = [regex.exec(subject), regex.execCounted(subject)];
      const pair = `${regex.pattern} on ${subject}`;
      assert.deepEqual(ours === null ? null : [...ours], theirs === null ? null : [...theirs], pair);
    }
  }
  assert.ok(compared > 6000, `${compared}`);
});
