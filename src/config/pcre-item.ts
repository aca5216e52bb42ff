import type { ByteSet } from "./byte-set.ts";
import type { PcreNode, PcrePlace } from "./pcre-syntax.ts";

/** What an item of a sequence is, and whether a quantifier may follow it. */
export interface Item {
  readonly node: PcreNode;
  readonly repeatable: boolean;
}

/** A piece that matches one byte out of a set. */
export function oneOf(set: ByteSet): Item {
  return { node: { kind: "set", set }, repeatable: true };
}

/** A piece that matches at a place and cannot be repeated. */
export function placeOf(place: PcrePlace, words: ByteSet | null = null): Item {
  return { node: { kind: "place", place, words }, repeatable: false };
}

/** What a group has matched. `offset` is where PCRE points when there is no such group. */
export function reference(caseless: boolean, target: number | string, offset: number): Item {
  return { node: { kind: "reference", target, caseless, offset }, repeatable: true };
}
