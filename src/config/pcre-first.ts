import { addAll, allBytes, emptySet, overlap, setOf } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import type { PcreNode } from "./pcre-syntax.ts";

/** What a node, or the rest of a pattern, can begin with. */
export interface First {
  /** Never too few: bytes that the next byte taken is out of. */
  readonly set: ByteSet;
  /** It can match without taking a byte: what follows it may come first. */
  readonly empty: boolean;
  /** A place or a look may stand before that byte, which holds at some positions only. */
  readonly tested: boolean;
}

const noBytes: ByteSet = emptySet();
const newline: ByteSet = setOf((byte) => byte === 0x0a);

/** What stands behind the end of a pattern: nothing, and it is always found. */
export const behindAll: First = { set: noBytes, empty: true, tested: false };

const known = new WeakMap<PcreNode, First>();

/** An end of the subject or of a line stands for the newline that may be there. */
export function firstOf(node: PcreNode): First {
  const before = known.get(node);
  if (before !== undefined) return before;
  const first = compute(node);
  known.set(node, first);
  return first;
}

function compute(node: PcreNode): First {
  switch (node.kind) {
    case "set":
      return { set: node.set, empty: false, tested: false };
    case "place":
      if (node.place === "end" || node.place === "lineEnd") {
        return { set: newline, empty: false, tested: false };
      }
      if (node.place === "veryEnd") return { set: noBytes, empty: false, tested: false };
      return { set: noBytes, empty: true, tested: true };
    case "look":
      return { set: noBytes, empty: true, tested: true };
    case "reference":
      return { set: allBytes, empty: true, tested: true };
    case "sequence":
      return node.items.reduceRight((rest, item) => firstBefore(item, rest), behindAll);
    case "alternatives":
      return node.branches.map(firstOf).reduce(eitherFirst);
    case "group":
    case "capture":
    case "atomic":
      return firstOf(node.body);
    case "repeat": {
      if (node.max === 0) return behindAll;
      const first = firstOf(node.item);
      return node.min === 0 ? { ...first, empty: true } : first;
    }
  }
}

/** What comes first where `node` stands before something that begins with `rest`. */
export function firstBefore(node: PcreNode, rest: First): First {
  const first = firstOf(node);
  if (!first.empty) return first;
  return {
    set: union(first.set, rest.set),
    empty: rest.empty,
    tested: first.tested || rest.tested,
  };
}

/** What comes first where one of two alternatives may stand. */
export function eitherFirst(a: First, b: First): First {
  return { set: union(a.set, b.set), empty: a.empty || b.empty, tested: a.tested || b.tested };
}

/**
 * Whether a loop over a set never has to give a byte back: what follows it cannot begin with one of its
 * bytes, and asks for nothing else.
 */
export function neverGivesBack(set: ByteSet, rest: First): boolean {
  return !rest.tested && !overlap(set, rest.set);
}

function union(a: ByteSet, b: ByteSet): ByteSet {
  const both = a.slice();
  addAll(both, b);
  return both;
}
