import type { PcreNode } from "./pcre-syntax.ts";

/** What an item of a sequence is, and whether a quantifier may follow it. */
export interface Item {
  readonly node: PcreNode;
  readonly repeatable: boolean;
}

/** A piece that matches one byte. */
export function source(text: string): Item {
  return { node: { kind: "source", source: text }, repeatable: true };
}

/** A piece that matches at a place and cannot be repeated. */
export function assertion(text: string): Item {
  return { node: { kind: "source", source: text }, repeatable: false };
}

/** What a group has matched. `offset` is where PCRE points when there is no such group. */
export function reference(caseless: boolean, target: number | string, offset: number): Item {
  return { node: { kind: "reference", target, caseless, offset }, repeatable: true };
}
