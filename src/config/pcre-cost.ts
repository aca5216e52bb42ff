/**
 * How long a backtracking engine without a limit may take over a pattern: a bound by the form of the
 * pattern alone, never too low. Every way to match a prefix of the subject is counted as if it were tried.
 */
import { overlap } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { behindAll, eitherFirst, firstBefore, firstOf } from "./pcre-first.ts";
import type { First } from "./pcre-first.ts";
import { minLength } from "./pcre-length.ts";
import type { PcreNode } from "./pcre-syntax.ts";

interface Cost {
  /** Loops that may end at several places for the same subject. Infinity: a loop with a choice inside. */
  readonly choices: number;
  /** There is a loop whose end the next byte decides. */
  readonly loops: boolean;
  /** Ways through the rest: options and alternatives that the next bytes do not decide. */
  readonly ways: number;
}

const none: Cost = { choices: 0, loops: false, ways: 1 };
const endless: Cost = { choices: Infinity, loops: true, ways: 1 };

/** What follows the pattern: where this comes next, the match is found, and nothing is tried again. */
const endOfMatch: First = { ...behindAll };

/** Repetitions of up to so many rounds are counted as written out. */
const FEW_ROUNDS = 16;

/** Work that JavaScript's engine may do for one match, in ways tried: about a millisecond. */
const WORK_MAX = 1_000_000;

/**
 * The longest subject that a pattern may be given to JavaScript's engine with; -1 when there is none. The
 * work grows with a power of the length: one for the start of the match unless it is anchored, and one for
 * each loop whose end is a choice.
 */
export function trustedLength(root: PcreNode): number {
  const { choices, loops, ways } = costOf(root, endOfMatch);
  if (choices === Infinity) return -1;
  const power = Math.max(1, (isAnchored(root) ? 0 : 1) + choices + (loops ? 1 : 0));
  let orders = 1;
  for (let factor = 2; factor <= power; factor++) orders *= factor;
  const weight = Math.max(1, ways * (writtenOut(root) / 64));
  return Math.floor(((WORK_MAX * orders) / weight) ** (1 / power));
}

/** Whether a match can begin at the start of the subject only. */
export function isAnchored(node: PcreNode): boolean {
  switch (node.kind) {
    case "place":
      return node.place === "start";
    case "sequence":
      return node.items.length > 0 && isAnchored(node.items[0]!);
    case "alternatives":
      return node.branches.every(isAnchored);
    case "group":
    case "capture":
    case "atomic":
      return isAnchored(node.body);
    default:
      return false;
  }
}

function costOf(node: PcreNode, rest: First): Cost {
  switch (node.kind) {
    case "set":
    case "place":
      return none;
    case "reference":
      return endless;
    case "sequence":
      return costOfSequence(node.items, rest);
    case "alternatives":
      return costOfAlternatives(node.branches, rest);
    case "group":
    case "capture":
      return costOf(node.body, rest);
    case "atomic":
      // What ends it is not chosen again.
      return costOf(node.body, behindAll);
    case "look": {
      const { choices, loops, ways } = costOf(node.body, behindAll);
      return { choices: choices + (loops ? 1 : 0), loops: false, ways };
    }
    case "repeat":
      return costOfRepeat(node, rest);
  }
}

function costOfSequence(items: readonly PcreNode[], rest: First): Cost {
  let total = none;
  let following = rest;
  for (const item of items.toReversed()) {
    const cost = costOf(item, following);
    total = {
      choices: total.choices + cost.choices,
      loops: total.loops || cost.loops,
      ways: total.ways * cost.ways,
    };
    following = firstBefore(item, following);
  }
  return total;
}

function costOfAlternatives(branches: readonly PcreNode[], rest: First): Cost {
  const costs = branches.map((branch) => costOf(branch, rest));
  const decided = areDistinct(branches.map((branch) => leadOf(branch, rest.set)));
  const ways = costs.map((cost) => cost.ways);
  return {
    choices: Math.max(...costs.map((cost) => cost.choices)),
    loops: costs.some((cost) => cost.loops),
    ways: decided ? Math.max(...ways) : ways.reduce((sum, one) => sum + one, 0),
  };
}

function costOfRepeat(node: PcreNode & { kind: "repeat" }, rest: First): Cost {
  const { item, min, max } = node;
  if (max === 0) return none;
  const first = firstOf(item);
  const open = overlap(first.set, rest.set);
  if (max === 1) {
    const cost = costOf(item, rest);
    return min === 1 || !open ? cost : { ...cost, ways: cost.ways + 1 };
  }
  if (minLength(item) === 0) return endless;
  const cost = costOf(item, eitherFirst(first, rest));
  if (max > FEW_ROUNDS) {
    if (cost.choices > 0 || cost.ways > 1) return endless;
    if (rest === endOfMatch) return none;
    return { choices: open ? 1 : 0, loops: !open, ways: 1 };
  }
  return {
    choices: cost.choices * max,
    loops: cost.loops,
    ways: cost.ways ** max * (open ? max - min + 1 : 1),
  };
}

/** The bytes that a node must begin with, place by place, as far as each is one out of a set. */
function leadOf(node: PcreNode, rest: ByteSet): readonly ByteSet[] {
  const lead: ByteSet[] = [];
  if (addLead(node, lead)) lead.push(rest);
  return lead;
}

/** True when the node ends with what was added. */
function addLead(node: PcreNode, lead: ByteSet[]): boolean {
  switch (node.kind) {
    case "set":
      lead.push(node.set);
      return true;
    case "group":
    case "capture":
    case "atomic":
      return addLead(node.body, lead);
    case "sequence":
      return node.items.every((item) => addLead(item, lead));
    case "place":
      // Nothing but a newline can follow an end.
      if (node.place === "end" || node.place === "lineEnd") lead.push(firstOf(node).set);
      return node.place === "start";
    case "repeat":
      if (node.min > 0) addLead(node.item, lead);
      return false;
    default: {
      const first = firstOf(node);
      if (!first.empty) lead.push(first.set);
      return false;
    }
  }
}

/** More branches than this are not compared in pairs: that would take too long while reading. */
const PAIRED_MAX = 200;

/** Whether no two branches can match at one place: somewhere their bytes differ. */
function areDistinct(leads: readonly (readonly ByteSet[])[]): boolean {
  if (leads.length > PAIRED_MAX) return false;
  return leads.every((lead, index) =>
    leads
      .slice(index + 1)
      .every((other) => lead.some((set, at) => at < other.length && !overlap(set, other[at]!))),
  );
}

/** Pieces of a pattern with its repetitions written out; those without end count as a few. */
function writtenOut(node: PcreNode): number {
  switch (node.kind) {
    case "set":
    case "place":
    case "reference":
      return 1;
    case "sequence":
      return node.items.reduce((sum, item) => sum + writtenOut(item), 0);
    case "alternatives":
      return node.branches.reduce((sum, branch) => sum + writtenOut(branch), 0);
    case "repeat":
      return writtenOut(node.item) * Math.max(1, Math.min(node.max, FEW_ROUNDS));
    default:
      return writtenOut(node.body);
  }
}
