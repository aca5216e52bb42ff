import type { ByteSet } from "./byte-set.ts";

/** A regular expression that cannot be used. */
export class PcreError extends Error {
  /** The byte at which PCRE stops. */
  readonly offset: number;
  /** PCRE would take it; the message names the feature. */
  readonly unsupported: boolean;

  constructor(message: string, offset: number, unsupported = false) {
    super(message);
    this.name = "PcreError";
    this.offset = offset;
    this.unsupported = unsupported;
  }
}

/**
 * Where a pattern may stand without taking a byte: `start` and `veryEnd` of the subject, `end` (also before
 * a newline that ends it), the same of lines, and the two sides of a word.
 */
export type PcrePlace = "start" | "end" | "veryEnd" | "lineStart" | "lineEnd" | "word" | "notWord";

/** The largest number of rounds stands for "without end". */
export const ENDLESS = Infinity;

/** A parsed regular expression, over bytes. */
export type PcreNode =
  /** One byte out of a set. */
  | { readonly kind: "set"; readonly set: ByteSet }
  /** `words` are the bytes that words are made of, where a place asks for them. */
  | { readonly kind: "place"; readonly place: PcrePlace; readonly words: ByteSet | null }
  | { readonly kind: "sequence"; readonly items: readonly PcreNode[] }
  | { readonly kind: "alternatives"; readonly branches: readonly PcreNode[] }
  /** `character`: the bytes of one code point. */
  | { readonly kind: "group"; readonly body: PcreNode; readonly character?: true }
  | { readonly kind: "look"; readonly behind: boolean; readonly negated: boolean; readonly body: PcreNode }
  | { readonly kind: "capture"; readonly number: number; readonly body: PcreNode }
  | { readonly kind: "atomic"; readonly body: PcreNode }
  | {
      readonly kind: "repeat";
      readonly item: PcreNode;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  | {
      readonly kind: "reference";
      readonly target: number | string;
      readonly caseless: boolean;
      readonly offset: number;
    };

/** The options that `(?imsxnU)` sets, in force at one place of a pattern. */
export interface PcreOptions {
  readonly caseless: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
  readonly ungreedy: boolean;
  readonly noAutoCapture: boolean;
}

/** A pattern as it was understood: its tree, and what is known of the whole. */
export interface ParsedPcre {
  readonly root: PcreNode;
  readonly groupCount: number;
  /** Names of groups, with their numbers. */
  readonly names: ReadonlyMap<string, number>;
  /** Subjects are to be UTF-8. */
  readonly utf: boolean;
}

/** The nodes right below one. */
export function childrenOf(node: PcreNode): readonly PcreNode[] {
  switch (node.kind) {
    case "sequence":
      return node.items;
    case "alternatives":
      return node.branches;
    case "group":
    case "look":
    case "capture":
    case "atomic":
      return [node.body];
    case "repeat":
      return [node.item];
    case "set":
    case "place":
    case "reference":
      return [];
  }
}

/** Whether a node or anything below it passes a test. */
export function someNode(node: PcreNode, test: (node: PcreNode) => boolean): boolean {
  return test(node) || childrenOf(node).some((child) => someNode(child, test));
}
