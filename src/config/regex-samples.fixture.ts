import type { SeededRandom } from "../net/memory/random.ts";

const letters = ["a", "b", "c", "/", "-"];
const atoms = "a b c / - a b ab abc bc . . \\w \\W \\d [ab] [^a] [a-c] [^/] [^-] \\. [abc/] \\S".split(" ");
const quantifiers = (
  "* + ? * + ? * + ? *? +? ?? {2} {1,3} {0,2} {2,} {1,2}? {0,3}? " + // these may give back
  "*+ ++ ?+ {1,2}+"
).split(" ");
const places = ["^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z"];
const groups = ["(", "(", "(", "(?:", "(?:", "(?>", "(?=", "(?!", "(?i:"];

/** A pattern over few letters, so that its pieces meet in every way. */
export function randomPattern(random: SeededRandom): string {
  const state = { groups: 0, budget: 3 + random.integer(0, 8) };
  const start = random.chance(0.35) ? "^" : "";
  const end = random.chance(0.35) ? "$" : "";
  return start + randomAlternatives(random, state, 0) + end;
}

interface PatternState {
  groups: number;
  budget: number;
}

function randomAlternatives(random: SeededRandom, state: PatternState, depth: number): string {
  let text = randomSequence(random, state, depth);
  while (random.chance(depth === 0 ? 0.12 : 0.35) && state.budget > 0) {
    text += `|${random.chance(0.1) ? "" : randomSequence(random, state, depth)}`;
  }
  return text;
}

function randomSequence(random: SeededRandom, state: PatternState, depth: number): string {
  let text = "";
  for (let left = 1 + random.integer(0, 2); left > 0 && state.budget > 0; left--) {
    state.budget--;
    text += randomItem(random, state, depth);
  }
  return text === "" ? random.pick(letters)! : text;
}

function randomItem(random: SeededRandom, state: PatternState, depth: number): string {
  if (random.chance(0.06)) return random.pick(places)!;
  if (random.chance(0.03))
    return `(?<${random.chance(0.5) ? "=" : "!"}${random.pick(["a", "b", "ab", "[ab]", "a|bc"])!})`;
  if (random.chance(0.04) && state.groups > 0) return `\\${random.integer(1, Math.min(9, state.groups))}`;
  let item = random.pick(atoms)!;
  if (depth < 4 && random.chance(0.4)) {
    const open = random.pick(groups)!;
    if (open === "(") state.groups++;
    item = `${open}${randomAlternatives(random, state, depth + 1)})`;
  }
  return random.chance(0.45) ? item + random.pick(quantifiers)! : item;
}

export function randomSubject(random: SeededRandom): string {
  let subject = "";
  const length = random.integer(0, random.chance(0.2) ? 60 : 12);
  const few = random.chance(0.5) ? 2 : letters.length;
  while (subject.length < length) {
    if (random.chance(0.04)) subject += random.pick([".", "A", "B", "1", "abc", "aaaa", "_"])!;
    subject += letters[random.integer(0, few - 1)]!;
  }
  return subject;
}
