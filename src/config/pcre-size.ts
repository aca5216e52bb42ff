import { ESCAPE_CLASSES, allBytes, complement, notNewline, singleByte } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { ENDLESS } from "./pcre-syntax.ts";
import type { PcreNode } from "./pcre-syntax.ts";

/** PCRE compiles no pattern into more bytes than this. */
export const SIZE_MAX = 65_536;

/** An opening and a closing bracket, of which a capture's are larger. */
const BRACKETS = 6;
const CAPTURE_BRACKETS = 8;
const ALTERNATIVE = 3;
/** The outermost brackets and the end. */
const FRAME = 7;
const CLASS = 33;
const COUNT = 4;
const CLASS_COUNT = 5;
/** What stands around each optional copy of a group. */
const OPTIONAL = 7;

/** Bytes that PCRE2 would compile a whole pattern into. */
export function compiledSize(root: PcreNode): number {
  return FRAME + sizeOf(root);
}

/** As far as its form is still known. */
function sizeOf(node: PcreNode): number {
  switch (node.kind) {
    case "set":
      return setSize(node.set);
    case "place":
      return 1;
    case "reference":
      return 3;
    case "sequence":
      return node.items.reduce((sum, item) => sum + sizeOf(item), 0);
    case "alternatives":
      return node.branches.reduce((sum, branch) => sum + ALTERNATIVE + sizeOf(branch), -ALTERNATIVE);
    case "capture":
      return CAPTURE_BRACKETS + sizeOf(node.body);
    case "look":
    case "group":
    case "atomic":
      return BRACKETS + sizeOf(node.body);
    case "repeat":
      return node.item.kind === "set" ? setRepeatSize(node, node.item.set) : groupRepeatSize(node);
  }
}

const shortSets = [allBytes, notNewline, ...ESCAPE_CLASSES.values()];

function setSize(set: ByteSet): number {
  if (shortSets.some((short) => same(short, set))) return 1;
  if (isCharacter(set) || isCharacter(complement(set))) return 2;
  return CLASS;
}

/** One byte, or both cases of a letter. */
function isCharacter(set: ByteSet): boolean {
  if (singleByte(set) >= 0) return true;
  const upper = set.indexOf(1);
  return upper >= 0x41 && upper <= 0x5a && set.lastIndexOf(1) === upper + 32 && count(set) === 2;
}

function count(set: ByteSet): number {
  return set.reduce((sum, member) => sum + member, 0);
}

function same(a: ByteSet, b: ByteSet): boolean {
  return a.every((member, byte) => member === b[byte]);
}

function setRepeatSize({ min, max }: PcreNode & { kind: "repeat" }, set: ByteSet): number {
  const size = setSize(set);
  const plain = max === ENDLESS ? min <= 1 : max === 1;
  if (size === CLASS) return CLASS + (plain ? 1 : CLASS_COUNT);
  const one = Math.max(size, 2);
  if (plain) return one;
  const exact = min > 1 ? COUNT : min * one;
  return exact + (max === min ? 0 : max === ENDLESS ? one : COUNT);
}

function groupRepeatSize({ item, min, max }: PcreNode & { kind: "repeat" }): number {
  const body = sizeOf(item);
  if (max === ENDLESS) return 1 + body * Math.max(min, 1);
  return body * max + OPTIONAL * (max - min);
}
