import type { ByteSet } from "./byte-set.ts";

/**
 * What a step of a program does. Each takes five numbers: this one and up to four arguments, in the order
 * that is given here. A step that fails goes back to the last choice; all others go on with the next step.
 */
export const Op = {
  /** byte */
  byte: 0,
  /** offset of its set in `sets` */
  set: 1,
  /** step */
  jump: 2,
  /** step to try first, step to try then */
  split: 3,
  /** memo, number of rounds around, where they are listed: fails where it has been before, once the memo is kept */
  join: 4,
  match: 5,
  /** set, memo, next byte or -1, 1 when a join stands before it: a greedy loop without end */
  star: 6,
  /** set, memo, -1, 1 when a join stands before it */
  lazyStar: 7,
  /** set, rounds or -1, memo, 1 when a join stands before it: takes all it can get, and keeps it */
  keepStar: 8,
  /** set, rounds, next byte or -1 */
  upTo: 9,
  /** set, rounds */
  lazyUpTo: 10,
  /** set, rounds */
  times: 11,
  /** register: keeps the position */
  open: 12,
  /** group, register that `open` kept its start in */
  close: 13,
  /** register, step of the body, 1 when lazy: ends a round that `open` began; an empty one is the last */
  again: 14,
  /** register */
  zero: 15,
  /** register, least and most rounds, step behind the loop: counts a round or ends the loop */
  round: 16,
  lazyRound: 17,
  /** register, also the one behind it */
  atomic: 18,
  endAtomic: 19,
  look: 20,
  endLook: 21,
  /** register, step behind it */
  notLook: 22,
  endNotLook: 23,
  /** characters, 1 when they are those of UTF-8 */
  back: 24,
  /** group, 1 when caseless */
  reference: 25,
  start: 26,
  end: 27,
  veryEnd: 28,
  lineStart: 29,
  lineEnd: 30,
  /** set */
  word: 31,
  notWord: 32,
} as const;

/** Numbers that a step takes. */
export const STEP = 5;

/** A pattern, ready to run on the machine. */
export interface PcreProgram {
  readonly code: Int32Array;
  /** 256 entries for each set. */
  readonly sets: Uint8Array;
  readonly registers: number;
  /** Registers in which rounds keep where they began. */
  readonly rounds: Int32Array;
  readonly groupCount: number;
  /** Places where the memo is kept; 0 when a match depends on more than step and position. */
  readonly memos: number;
  readonly anchored: boolean;
  readonly minLength: number;
  /** The bytes that a match begins with; null when that is not known. */
  readonly first: ByteSet | null;
  /** Texts that are part of every match. */
  readonly required: readonly string[];
}
