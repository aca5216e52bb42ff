import { parseHttpDate } from "../../http/date.ts";
import type { Response } from "./response.ts";

/**
 * The time of the last modification that an answer tells, in seconds since the epoch: a file's own, or that of
 * the field that an upstream server sent or the configuration added. Null for none, or one that is no date.
 */
export function lastModifiedOf({ lastModifiedSeconds, fields }: Response): number | null {
  if (lastModifiedSeconds >= 0) return lastModifiedSeconds;
  const told = fields.get("last-modified");
  const ms = told === null ? null : parseHttpDate(told);
  return ms === null ? null : ms / 1000;
}
