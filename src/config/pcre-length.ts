import type { PcreNode } from "./pcre-syntax.ts";

/** How many characters a node matches, or null when they vary. References always do. */
export function fixedLength(node: PcreNode): number | null {
  switch (node.kind) {
    case "set":
      return 1;
    case "place":
    case "look":
      return 0;
    case "reference":
      return null;
    case "sequence":
      return node.items.reduce<number | null>((sum, item) => add(sum, fixedLength(item)), 0);
    case "alternatives":
      return node.branches.map(fixedLength).reduce((a, b) => (a === b ? a : null));
    case "group":
      return node.character === true ? 1 : fixedLength(node.body);
    case "capture":
    case "atomic":
      return fixedLength(node.body);
    case "repeat": {
      const length = fixedLength(node.item);
      return node.min === node.max && length !== null ? node.min * length : null;
    }
  }
}

function add(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** The least number of bytes that a node matches. */
export function minLength(node: PcreNode): number {
  switch (node.kind) {
    case "set":
      return 1;
    case "place":
    case "look":
    case "reference":
      return 0;
    case "sequence":
      return node.items.reduce((sum, item) => sum + minLength(item), 0);
    case "alternatives":
      return Math.min(...node.branches.map(minLength));
    case "group":
    case "capture":
    case "atomic":
      return minLength(node.body);
    case "repeat":
      return node.min === 0 ? 0 : node.min * minLength(node.item);
  }
}
