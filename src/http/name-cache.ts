import { lowerName } from "./fields.ts";
import { latin1 } from "./latin1.ts";

/** A field's name as written and in lower case. */
export interface FieldName {
  readonly text: string;
  readonly lower: string;
}

const SLOTS = 1024;
const CACHED_LENGTH_MAX = 64;
/** Names seen before, by a hash of their bytes. The last one has the slot: made-up names do not stay in the way. */
const slots: (FieldName | undefined)[] = Array.from({ length: SLOTS });

/** The name that stands in `bytes[start, end)`. For one that was seen before, no string is made. */
export function fieldName(bytes: Uint8Array, start: number, end: number): FieldName {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const slot = hash & (SLOTS - 1);
  const known = slots[slot];
  if (known !== undefined && isAt(known.text, bytes, start, end)) return known;
  const text = latin1(bytes as Buffer, start, end);
  const name = { text, lower: lowerName(text) };
  if (text.length <= CACHED_LENGTH_MAX) slots[slot] = name;
  return name;
}

function isAt(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
