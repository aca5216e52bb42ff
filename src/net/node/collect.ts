import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** V8's function of this name. With "async" it returns at once and collects in a task of its own. */
type Collect = (options: {
  readonly type: "major";
  readonly execution: "async";
  /** "last-resort" collects until nothing more comes of it, and moves what is left together. */
  readonly flavor: "regular" | "last-resort";
}) => Promise<void>;

/** Null in a thread that has not asked yet. */
let collect: Collect | null = null;

/**
 * Has V8 collect garbage soon. Thoroughly, an idle tunnel takes 9.3 KiB after a rush, otherwise 13. It shows its function only to contexts that are made while its flag is
 * set, and to no program otherwise. Bun has one of its own.
 */
export function collectGarbage(thoroughly: boolean): void {
  if ("bun" in process.versions) return;
  if (collect === null) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as Collect;
  }
  void collect({ type: "major", execution: "async", flavor: thoroughly ? "last-resort" : "regular" });
}
