import { Op } from "./pcre-program.ts";

const LF = 0x0a;

/**
 * Whether one of the assertions that take no byte holds at a position: of the subject's ends, of lines, of words.
 * `words`: where the bytes of words are in `sets`.
 */
export function assertionHolds(
  op: number,
  sets: Uint8Array,
  words: number,
  subject: string,
  position: number,
): boolean {
  const { length } = subject;
  switch (op) {
    case Op.start:
      return position === 0;
    case Op.end:
      return position === length || (position === length - 1 && subject.charCodeAt(position) === LF);
    case Op.veryEnd:
      return position === length;
    case Op.lineStart:
      return position === 0 || (position < length && subject.charCodeAt(position - 1) === LF);
    case Op.lineEnd:
      return position === length || subject.charCodeAt(position) === LF;
    default: {
      const before = position > 0 && sets[words + subject.charCodeAt(position - 1)] === 1;
      const after = position < length && sets[words + subject.charCodeAt(position)] === 1;
      return (before !== after) === (op === Op.word);
    }
  }
}

/** Where the `count`-th character of UTF-8 before a position begins; -1 when there are fewer. */
export function characterBefore(subject: string, position: number, count: number): number {
  let at = position;
  for (let left = count; left > 0; left--) {
    if (at === 0) return -1;
    do at--;
    while (at > 0 && (subject.charCodeAt(at) & 0xc0) === 0x80);
  }
  return at;
}
