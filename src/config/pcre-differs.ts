import { minLength } from "./pcre-length.ts";
import { childrenOf, someNode } from "./pcre-syntax.ts";
import type { PcreNode } from "./pcre-syntax.ts";

/**
 * Whether a pattern would match otherwise in JavaScript than in PCRE:
 * - a reference to a group that took no part matches nothing there, where PCRE fails;
 * - a round of a repetition that takes no byte is given back there, where PCRE ends the repetition with it;
 * - groups are forgotten there with every round of a repetition around them, where PCRE keeps the last match;
 * - what looks behind is matched backwards there.
 */
export function differsInJavaScript(root: PcreNode): boolean {
  return someNode(root, (node) => {
    switch (node.kind) {
      case "reference":
        return true;
      case "repeat":
        return minLength(node.item) === 0 || (node.max > 1 && capturesSometimes(node.item));
      case "look":
        return node.behind && someNode(node.body, isCapture);
      default:
        return false;
    }
  });
}

/** Whether there is a group that a match of `node` may leave out. */
function capturesSometimes(node: PcreNode): boolean {
  const optional = node.kind === "alternatives" || (node.kind === "repeat" && node.min === 0);
  if (optional) return someNode(node, isCapture);
  return childrenOf(node).some(capturesSometimes);
}

function isCapture(node: PcreNode): boolean {
  return node.kind === "capture";
}
