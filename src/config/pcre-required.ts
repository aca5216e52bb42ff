import { singleByte } from "./byte-set.ts";
import type { PcreNode } from "./pcre-syntax.ts";

/** More are not worth the search. */
const TEXTS_MAX = 4;

/** Texts that are part of every match, as far as they are easily seen. */
export function requiredTexts(root: PcreNode): readonly string[] {
  const runs = [""];
  addRuns(root, runs);
  return [...new Set(runs)].filter((run) => run !== "").slice(-TEXTS_MAX);
}

/** The last of `runs` is still being read. */
function addRuns(node: PcreNode, runs: string[]): void {
  switch (node.kind) {
    case "set": {
      const byte = singleByte(node.set);
      if (byte < 0) runs.push("");
      else runs.push((runs.pop() ?? "") + String.fromCharCode(byte));
      return;
    }
    case "place":
      return;
    case "sequence":
      for (const item of node.items) addRuns(item, runs);
      return;
    case "group":
    case "capture":
    case "atomic":
      addRuns(node.body, runs);
      return;
    case "repeat":
      runs.push("");
      if (node.min > 0) addRuns(node.item, runs);
      runs.push("");
      return;
    case "alternatives":
    case "look":
    case "reference":
      runs.push("");
  }
}
