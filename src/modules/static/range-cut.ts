import type { PieceChange } from "../../gateway/request/piece-filter.ts";
import type { ByteRange } from "./ranges.ts";

/** Lets one range of a body through. What stands around it is read and forgotten. */
export function cutOut(range: ByteRange): PieceChange {
  let position = 0;
  return (bytes) => {
    const start = Math.max(0, range.start - position);
    const end = Math.min(bytes.length, range.end - position);
    position += bytes.length;
    return bytes.subarray(start, Math.max(start, end));
  };
}
