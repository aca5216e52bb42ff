import { wordBytes } from "./byte-set.ts";
import { assertionHolds, characterBefore } from "./pcre-assertion.ts";
import { PlaceMemo } from "./pcre-memo.ts";
import { Op, STEP } from "./pcre-program.ts";
import type { PcreProgram } from "./pcre-program.ts";

/** What a match found: the groups, where each begins and ends; -1 for those that took no part. */
export type Spans = Int32Array;

/**
 * Steps that one match may take. PCRE's limit is 10,000,000, and its steps are larger: some 0.2 s. Ours
 * is reached after some 20 ms, in which nothing else of the thread goes on.
 */
export const STEPS_MAX = 1_000_000;

/** From here on the places that a match has been at are remembered: fewer steps are not worth it. */
const MEMO_STEPS = 4000;

/** Numbers on the stack (16 MiB), for some 200,000 rounds of a loop. What needs more counts as out of steps. */
const STACK_MAX = 1 << 22;
/** A stack that grew beyond this is let go of after the match. */
const STACK_KEPT = 65_536;

/** What a frame of the stack asks to do when a match goes back to it. */
const Frame = {
  /** step, position */
  choice: 0,
  /** register, what it held */
  undo: 1,
  /** step of the loop, least position, position now */
  greedy: 2,
  /** step of the loop, position now, rounds left */
  lazy: 3,
} as const;
const FRAME = 4;

/**
 * Runs programs: a backtracking matcher that keeps its choices on a stack of its own, counts its steps, and
 * stops when they are spent. After `MEMO_STEPS` it remembers at which step and position it has been, and does
 * not go there again; then the work is bound by the product of pattern and subject.
 */
class Machine {
  /** Steps of the last match. */
  steps = 0;
  #program!: PcreProgram;
  #subject = "";
  #registers: Int32Array = new Int32Array(64);
  #stack: Int32Array = new Int32Array(4096);
  #top = 0;
  /** Where to go on after a step or after going back. */
  #pc = 0;
  #position = 0;
  #limit = STEPS_MAX;
  /** Null until enough steps were taken, and where it would be too large. */
  #memo: PlaceMemo | null = null;
  readonly #keptMemo = new PlaceMemo();
  /** The steps behind which it is wanted. */
  #memoAt = 0;

  /**
   * The first match in a latin1 string; null when there is none, and undefined when the steps were spent
   * before that was known. The spans are good until the next match.
   */
  match(program: PcreProgram, subject: string, limit: number): Spans | null | undefined {
    this.steps = 0;
    for (const text of program.required) if (!subject.includes(text)) return null;
    this.#program = program;
    this.#subject = subject;
    this.#limit = limit;
    this.#memo = null;
    this.#memoAt = program.memos === 0 ? Infinity : MEMO_STEPS;
    if (this.#registers.length < program.registers) this.#registers = new Int32Array(program.registers);
    this.#registers.fill(-1, 0, program.registers);
    const start = this.#search();
    if (this.#stack.length > STACK_KEPT) this.#stack = new Int32Array(4096);
    if (start === outOfSteps) return undefined;
    if (start < 0) return null;
    this.#registers[0] = start;
    this.#registers[1] = this.#position;
    return this.#registers;
  }

  /** Where the first match begins. */
  #search(): number {
    const { anchored, first, minLength } = this.#program;
    const subject = this.#subject;
    const last = anchored ? 0 : subject.length - minLength;
    for (let start = 0; start <= last; start++) {
      if (first !== null && first[subject.charCodeAt(start)] !== 1) continue;
      this.#top = 0;
      const outcome = this.#run(start);
      if (outcome !== noMatch) return outcome === matched ? start : outOfSteps;
    }
    return noMatch;
  }

  #run(start: number): number {
    const { code, sets } = this.#program;
    const subject = this.#subject;
    const { length } = subject;
    let pc = 0;
    let position = start;
    for (;;) {
      const op = code[pc]!;
      if (op === Op.byte) {
        if (subject.charCodeAt(position) === code[pc + 1]) {
          position++;
          pc += STEP;
          continue;
        }
      } else if (op === Op.set) {
        if (position < length && sets[code[pc + 1]! + subject.charCodeAt(position)] === 1) {
          position++;
          pc += STEP;
          continue;
        }
      } else if (op === Op.jump) {
        pc = code[pc + 1]!;
        continue;
      } else if (op === Op.split) {
        this.#push(Frame.choice, code[pc + 2]!, position, 0);
        pc = code[pc + 1]!;
        continue;
      } else if (op === Op.match) {
        this.#position = position;
        return matched;
      } else if (this.#step(op, pc, position)) {
        if (this.steps > this.#limit) return outOfSteps;
        pc = this.#pc;
        position = this.#position;
        continue;
      }
      if (this.steps > this.#limit) return outOfSteps;
      if (!this.#goBack()) return noMatch;
      pc = this.#pc;
      position = this.#position;
    }
  }

  #push(kind: number, a: number, b: number, c: number): void {
    const top = this.#top;
    if (top + FRAME > this.#stack.length) {
      if (top >= STACK_MAX) this.#limit = -1;
      const larger = new Int32Array(2 * this.#stack.length);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    const stack = this.#stack;
    stack[top] = kind;
    stack[top + 1] = a;
    stack[top + 2] = b;
    stack[top + 3] = c;
    this.#top = top + FRAME;
  }

  /** Sets a register until the match goes back behind here. */
  #setRegister(register: number, value: number): void {
    this.#push(Frame.undo, register, this.#registers[register]!, 0);
    this.#registers[register] = value;
  }

  /** Does one of the rarer steps; false: it fails. */
  #step(op: number, pc: number, position: number): boolean {
    this.steps++;
    const { code } = this.#program;
    const a = code[pc + 1]!;
    this.#pc = pc + STEP;
    this.#position = position;
    switch (op) {
      case Op.join:
        return this.#memo === null || this.#memo.enter(a + this.#emptyRounds(pc, position), position);
      case Op.open:
        this.#setRegister(a, position);
        return true;
      case Op.close:
        this.#setRegister(2 * a, this.#registers[code[pc + 2]!]!);
        this.#setRegister(2 * a + 1, position);
        return true;
      case Op.star:
        return this.#star(pc, position);
      case Op.keepStar:
        return this.#keepStar(pc, position);
      case Op.times:
        return this.#skip(a, code[pc + 2]!) === code[pc + 2];
      case Op.upTo: {
        const rounds = this.#skip(a, code[pc + 2]!);
        if (rounds > 0) this.#push(Frame.greedy, pc, position, this.#position);
        return true;
      }
      case Op.lazyStar:
        return this.#lazyRounds(pc, position, -1);
      case Op.lazyUpTo:
        return this.#lazyRounds(pc, position, code[pc + 2]!);
      default:
        return op >= Op.back ? this.#test(op, pc, position) : this.#control(op, pc, position);
    }
  }

  /** Takes bytes of a set, `rounds` at most (-1: all there are); answers how many. */
  #skip(set: number, rounds: number): number {
    const { sets } = this.#program;
    const subject = this.#subject;
    const from = this.#position;
    const most = rounds < 0 ? subject.length : Math.min(subject.length, from + rounds);
    let position = from;
    while (position < most && sets[set + subject.charCodeAt(position)] === 1) position++;
    this.steps += (position - from) >> 3;
    this.#position = position;
    return position - from;
  }

  /** Whether it takes bytes on from here or from before, a loop that keeps all ends at the same place. */
  #keepStar(pc: number, position: number): boolean {
    const { code, sets } = this.#program;
    const set = code[pc + 1]!;
    const memo = code[pc + 3]!;
    if (this.#memo === null || memo < 0) return this.#skip(set, code[pc + 2]!) >= 0;
    const subject = this.#subject;
    const { length } = subject;
    let end = position;
    for (;;) {
      if (!this.#startsAnew(pc, end, position) && !this.#memo!.enter(memo, end)) return false;
      this.steps++;
      if (end >= length || sets[set + subject.charCodeAt(end)] !== 1) break;
      end++;
    }
    this.#position = end;
    return true;
  }

  #star(pc: number, position: number): boolean {
    const { code } = this.#program;
    const memo = code[pc + 2]!;
    if (this.#memo === null || memo < 0) {
      if (this.#skip(code[pc + 1]!, -1) > 0) this.#push(Frame.greedy, pc, position, this.#position);
      return true;
    }
    return this.#rememberedStar(pc, position);
  }

  /** A loop goes no farther than to where it has been before: what follows from there has failed. */
  #rememberedStar(pc: number, position: number): boolean {
    const { code, sets } = this.#program;
    const set = code[pc + 1]!;
    const memo = code[pc + 2]!;
    const subject = this.#subject;
    const { length } = subject;
    let end = position;
    while (this.#startsAnew(pc, end, position) || this.#memo!.enter(memo, end)) {
      end++;
      this.steps++;
      if (end > length || sets[set + subject.charCodeAt(end - 1)] !== 1) break;
    }
    // The last position that was new.
    const last = end - 1;
    if (last < position) return false;
    if (last > position) this.#push(Frame.greedy, pc, position, last);
    this.#position = last;
    return true;
  }

  /** In a round that took nothing yet, the join before the loop has asked the memo. */
  #startsAnew(pc: number, position: number, start: number): boolean {
    return (
      position === start && this.#program.code[pc + 4] === 1 && this.#emptyRounds(pc - STEP, position) > 0
    );
  }

  /** Tries what follows the loop first; `goBack` takes the next byte. */
  #lazyRounds(pc: number, position: number, rounds: number): boolean {
    const memo = rounds < 0 ? this.#program.code[pc + 2]! : -1;
    if (this.#memo !== null && memo >= 0) {
      if (!this.#startsAnew(pc, position, position) && !this.#memo!.enter(memo, position)) return false;
    }
    this.#push(Frame.lazy, pc, position, rounds);
    return true;
  }

  /** How many of the rounds around a step have taken no byte yet. */
  #emptyRounds(pc: number, position: number): number {
    const { code, rounds } = this.#program;
    const list = code[pc + 3]!;
    let count = 0;
    for (let at = list + code[pc + 2]! - 1; at >= list && this.#registers[rounds[at]!] === position; at--)
      count++;
    return count;
  }

  #startMemo(): void {
    this.#memoAt = Infinity;
    if (this.#keptMemo.begin(this.#program.memos, this.#subject.length)) this.#memo = this.#keptMemo;
  }

  /** Rounds of groups, atomic groups, looks. */
  #control(op: number, pc: number, position: number): boolean {
    const { code } = this.#program;
    const registers = this.#registers;
    const a = code[pc + 1]!;
    switch (op) {
      case Op.again:
        if (registers[a] === position) return true;
        if (code[pc + 3] === 1) this.#push(Frame.choice, code[pc + 2]!, position, 0);
        else {
          this.#push(Frame.choice, pc + STEP, position, 0);
          this.#pc = code[pc + 2]!;
        }
        return true;
      case Op.zero:
        this.#setRegister(a, 0);
        return true;
      case Op.round:
      case Op.lazyRound:
        return this.#round(pc, position, op === Op.lazyRound);
      case Op.atomic:
        registers[a] = this.#top;
        return true;
      case Op.endAtomic:
        this.#forgetChoices(registers[a]!);
        return true;
      case Op.look:
        registers[a] = this.#top;
        registers[a + 1] = position;
        return true;
      case Op.endLook:
        this.#forgetChoices(registers[a]!);
        this.#position = registers[a + 1]!;
        return true;
      case Op.notLook:
        registers[a] = this.#top;
        this.#push(Frame.choice, code[pc + 2]!, position, 0);
        return true;
      default:
        // endNotLook: it was found, and with it the way on is gone.
        this.#unwind(registers[a]!);
        return false;
    }
  }

  #round(pc: number, position: number, lazy: boolean): boolean {
    const { code } = this.#program;
    const register = code[pc + 1]!;
    const count = this.#registers[register]!;
    const exit = code[pc + 4]!;
    if (count >= code[pc + 3]!) {
      this.#pc = exit;
      return true;
    }
    const optional = count >= code[pc + 2]!;
    if (optional && lazy) {
      // Going back sets the register to what it is now, and takes the round.
      this.#push(Frame.choice, -pc - 1, position, 0);
      this.#pc = exit;
      return true;
    }
    if (optional) this.#push(Frame.choice, exit, position, 0);
    this.#setRegister(register, count + 1);
    return true;
  }

  /** Keeps what registers held, drops all other frames above `base`. */
  #forgetChoices(base: number): void {
    const stack = this.#stack;
    let kept = base;
    for (let at = base; at < this.#top; at += FRAME) {
      if (stack[at] !== Frame.undo) continue;
      for (let number = 0; number < FRAME; number++) stack[kept + number] = stack[at + number]!;
      kept += FRAME;
    }
    this.steps += (this.#top - base) >> 4;
    this.#top = kept;
  }

  /** Drops all frames above `base`, with what registers were set to since. */
  #unwind(base: number): void {
    const stack = this.#stack;
    this.steps += (this.#top - base) >> 4;
    while (this.#top > base) {
      this.#top -= FRAME;
      const at = this.#top;
      if (stack[at] === Frame.undo) this.#registers[stack[at + 1]!] = stack[at + 2]!;
    }
  }

  /** Goes back to the last choice; false when there is none left. */
  #goBack(): boolean {
    this.steps++;
    if (this.steps > this.#memoAt) this.#startMemo();
    const stack = this.#stack;
    while (this.#top > 0) {
      const at = this.#top - FRAME;
      switch (stack[at]) {
        case Frame.choice:
          this.#top = at;
          this.#pc = stack[at + 1]!;
          this.#position = stack[at + 2]!;
          return this.#pc >= 0 || this.#lateRound();
        case Frame.greedy:
          if (this.#giveBack(at)) return true;
          break;
        case Frame.lazy:
          if (this.#takeMore(at)) return true;
          break;
        default:
          this.#top = at;
          this.#registers[stack[at + 1]!] = stack[at + 2]!;
      }
    }
    return false;
  }

  /** The round of a lazy counted loop that was put off. */
  #lateRound(): boolean {
    const pc = -this.#pc - 1;
    const register = this.#program.code[pc + 1]!;
    this.#setRegister(register, this.#registers[register]! + 1);
    this.#pc = pc + STEP;
    return true;
  }

  /** A greedy loop gives bytes back up to where what follows may match. */
  #giveBack(at: number): boolean {
    const stack = this.#stack;
    const pc = stack[at + 1]!;
    const least = stack[at + 2]!;
    const next = this.#program.code[pc + 3]!;
    const subject = this.#subject;
    let position = stack[at + 3]! - 1;
    if (next >= 0) {
      const from = position;
      while (position >= least && subject.charCodeAt(position) !== next) position--;
      this.steps += (from - position) >> 3;
    }
    if (position <= least) this.#top = at;
    else stack[at + 3] = position;
    this.#pc = pc + STEP;
    this.#position = position;
    return position >= least;
  }

  /** A lazy loop takes one more byte. */
  #takeMore(at: number): boolean {
    const stack = this.#stack;
    const { code, sets } = this.#program;
    const pc = stack[at + 1]!;
    const position = stack[at + 2]!;
    const rounds = stack[at + 3]!;
    this.#top = at;
    if (rounds === 0 || position >= this.#subject.length) return false;
    if (sets[code[pc + 1]! + this.#subject.charCodeAt(position)] !== 1) return false;
    this.#pc = pc + STEP;
    this.#position = position + 1;
    return this.#lazyRounds(pc, position + 1, rounds - 1 < -1 ? -1 : rounds - 1);
  }

  /** References, and everything that takes no byte. */
  #test(op: number, pc: number, position: number): boolean {
    const subject = this.#subject;
    const a = this.#program.code[pc + 1]!;
    switch (op) {
      case Op.back:
        this.#position =
          this.#program.code[pc + 2] === 1 ? characterBefore(subject, position, a) : position - a;
        return this.#position >= 0;
      case Op.reference:
        return this.#reference(a, this.#program.code[pc + 2] === 1, position);
      default:
        return assertionHolds(op, this.#program.sets, a, subject, position);
    }
  }

  /** What a group has matched, once more; a group that took no part is not found anywhere. */
  #reference(group: number, caseless: boolean, position: number): boolean {
    const start = this.#registers[2 * group]!;
    const end = this.#registers[2 * group + 1]!;
    if (start < 0) return false;
    const count = end - start;
    this.steps += count >> 3;
    const subject = this.#subject;
    if (position + count > subject.length) return false;
    for (let at = 0; at < count; at++) {
      const wanted = subject.charCodeAt(start + at);
      const found = subject.charCodeAt(position + at);
      if (wanted !== found && !(caseless && isOtherCase(wanted, found))) return false;
    }
    this.#position = position + count;
    return true;
  }
}

const noMatch = -1;
const outOfSteps = -2;
const matched = -3;

function isOtherCase(a: number, b: number): boolean {
  return (a ^ b) === 0x20 && wordBytes[a] === 1 && (a | 0x20) >= 0x61 && (a | 0x20) <= 0x7a;
}

/** One at a time: a match runs to its end before anything else goes on in the thread. */
export const machine = new Machine();
