import type { ByteSet } from "./byte-set.ts";
import type { PcreParser } from "./pcre-parser.ts";
import type { PcreNode, PcrePlace } from "./pcre-syntax.ts";

/** What an item of a sequence is, and whether a quantifier may follow it. */
export interface Item {
  readonly node: PcreNode;
  readonly repeatable: boolean;
}

/** A piece that a quantifier may follow. */
export function piece(node: PcreNode): Item {
  return { node, repeatable: true };
}

/** A piece that matches at a place and cannot be repeated. */
export function placeOf(place: PcrePlace, words: ByteSet | null = null): Item {
  return { node: { kind: "place", place, words }, repeatable: false };
}

/** What a group has matched. `offset` is where PCRE points when there is no such group. */
export function referenceTo(parser: PcreParser, target: number | string, offset: number): Item {
  const { characters, options, reader } = parser;
  const { caseless } = options;
  if (caseless && (characters.utf || characters.ucp))
    reader.unsupported("a caseless reference with (*UTF) or (*UCP)");
  return piece({ kind: "reference", target, caseless, offset });
}
