import { isAnchored } from "./pcre-cost.ts";
import { behindAll, eitherFirst, firstBefore, firstOf, neverGivesBack } from "./pcre-first.ts";
import type { First } from "./pcre-first.ts";
import { fixedLength, minLength } from "./pcre-length.ts";
import { Op, STEP } from "./pcre-program.ts";
import type { PcreProgram } from "./pcre-program.ts";
import { requiredTexts } from "./pcre-required.ts";
import { singleByte } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { ENDLESS, childrenOf } from "./pcre-syntax.ts";
import type { ParsedPcre, PcreNode, PcrePlace } from "./pcre-syntax.ts";

/** Repetitions of groups are written out up to so many steps; beyond, rounds are counted. */
const WRITTEN_OUT_MAX = 2000;

/** Makes a parsed pattern into a program for the machine. */
export function compilePcre(parsed: ParsedPcre): PcreProgram {
  return new Compiler(parsed).compile();
}

const PLACES: Readonly<Record<Exclude<PcrePlace, "word" | "notWord">, number>> = {
  start: Op.start,
  end: Op.end,
  veryEnd: Op.veryEnd,
  lineStart: Op.lineStart,
  lineEnd: Op.lineEnd,
};

class Compiler {
  readonly #parsed: ParsedPcre;
  readonly #code: number[] = [];
  readonly #sets: ByteSet[] = [];
  readonly #setOffsets = new Map<string, number>();
  #registers: number;
  #memos = 0;
  #memoAllowed = true;
  /** Registers that rounds which may be empty began at, outermost first. */
  #rounds: readonly number[] = [];
  readonly #roundLists: number[] = [];
  /** Depth of atomic groups and looks: what they match is decided inside, and not remembered. */
  #sealed = 0;

  constructor(parsed: ParsedPcre) {
    this.#parsed = parsed;
    this.#registers = 2 * (parsed.groupCount + 1);
  }

  compile(): PcreProgram {
    const { root, groupCount } = this.#parsed;
    this.#emit(root, behindAll);
    this.#step(Op.match);
    const least = minLength(root);
    this.#findNextBytes();
    return {
      code: Int32Array.from(this.#code),
      sets: concatenate(this.#sets),
      registers: this.#registers,
      rounds: Int32Array.from(this.#roundLists),
      groupCount,
      memos: this.#memoAllowed ? this.#memos : 0,
      anchored: isAnchored(root),
      minLength: least,
      first: least > 0 ? firstOf(root).set : null,
      required: requiredTexts(root),
    };
  }

  /** Adds a step; answers where it stands. */
  #step(op: number, a = 0, b = 0, c = 0, d = 0): number {
    return this.#code.push(op, a, b, c, d) - STEP;
  }

  get #next(): number {
    return this.#code.length;
  }

  #emit(node: PcreNode, rest: First): void {
    switch (node.kind) {
      case "set":
        this.#emitSet(node.set);
        return;
      case "place":
        if (node.place === "word" || node.place === "notWord") {
          this.#step(node.place === "word" ? Op.word : Op.notWord, this.#setOffset(node.words!));
        } else this.#step(PLACES[node.place]);
        return;
      case "sequence":
        this.#emitSequence(node.items, rest);
        return;
      case "alternatives":
        this.#emitBranches(node.branches, (branch) => this.#emit(branch, rest));
        return;
      case "group":
        this.#emit(node.body, rest);
        return;
      case "capture":
        this.#emitCapture(node.number, node.body, rest);
        return;
      case "atomic":
        this.#emitAtomic(node.body);
        return;
      case "look":
        this.#emitLook(node);
        return;
      case "repeat":
        this.#emitRepeat(node, rest);
        return;
      case "reference":
        this.#memoAllowed = false;
        this.#step(Op.reference, this.#groupOf(node.target), node.caseless ? 1 : 0);
    }
  }

  #emitSet(set: ByteSet): void {
    const byte = singleByte(set);
    if (byte >= 0) this.#step(Op.byte, byte);
    else this.#step(Op.set, this.#setOffset(set));
  }

  #emitSequence(items: readonly PcreNode[], rest: First): void {
    const following: First[] = [rest];
    for (const item of items.toReversed()) following.push(firstBefore(item, following.at(-1)!));
    items.forEach((item, index) => this.#emit(item, following[items.length - index - 1]!));
  }

  #emitBranches(branches: readonly PcreNode[], emit: (branch: PcreNode) => void): void {
    const jumps: number[] = [];
    branches.forEach((branch, index) => {
      const isLast = index === branches.length - 1;
      const split = isLast ? -1 : this.#step(Op.split, this.#next + STEP);
      emit(branch);
      if (isLast) return;
      jumps.push(this.#step(Op.jump));
      this.#code[split + 2] = this.#next;
    });
    for (const jump of jumps) this.#code[jump + 1] = this.#next;
    this.#join();
  }

  /** Where several ways meet, the memo tells those that were gone already. */
  #join(): void {
    if (this.#sealed === 0) this.#step(Op.join, this.#memoPlace(), this.#rounds.length, this.#roundList());
  }

  /** It matters how many of the rounds around have taken nothing yet: each number has a memo of its own. */
  #memoPlace(): number {
    const place = this.#memos;
    this.#memos += 1 + this.#rounds.length;
    return place;
  }

  /** Where the registers of the rounds around are listed. */
  #roundList(): number {
    return this.#roundLists.push(...this.#rounds) - this.#rounds.length;
  }

  #emitCapture(number: number, body: PcreNode, rest: First): void {
    const start = this.#registers++;
    this.#step(Op.open, start);
    this.#emit(body, rest);
    this.#step(Op.close, number, start);
  }

  #emitAtomic(body: PcreNode): void {
    const inner = unwrap(body);
    if (inner.kind === "repeat" && inner.item.kind === "set" && !inner.lazy) {
      const { set } = inner.item;
      const offset = this.#setOffset(set);
      if (inner.min > 0) this.#step(Op.times, offset, inner.min);
      this.#emitKeepStar(offset, inner.max === ENDLESS ? -1 : inner.max - inner.min);
      return;
    }
    const register = this.#registers++;
    this.#step(Op.atomic, register);
    this.#sealed++;
    this.#emit(body, behindAll);
    this.#sealed--;
    this.#step(Op.endAtomic, register);
  }

  #emitLook({ behind, negated, body }: PcreNode & { kind: "look" }): void {
    const register = this.#registers;
    this.#registers += 2;
    const begin = this.#step(negated ? Op.notLook : Op.look, register);
    this.#sealed++;
    if (behind) this.#emitBehind(body);
    else this.#emit(body, behindAll);
    this.#sealed--;
    this.#step(negated ? Op.endNotLook : Op.endLook, register);
    if (negated) this.#code[begin + 2] = this.#next;
  }

  /** Each branch has a length of its own, and goes back by that much. */
  #emitBehind(body: PcreNode): void {
    this.#emitBranches(body.kind === "alternatives" ? body.branches : [body], (branch) => {
      this.#step(Op.back, fixedLength(branch) ?? 0, this.#parsed.utf ? 1 : 0);
      this.#emit(branch, behindAll);
    });
  }

  #emitRepeat(node: PcreNode & { kind: "repeat" }, rest: First): void {
    const { item, min, max } = node;
    if (max === 0) return;
    if (item.kind === "set") return this.#emitSetRepeat(node, item.set, rest);
    if (max === 1 && min === 1) return this.#emit(item, rest);
    const inner = max === 1 ? rest : eitherFirst(firstOf(item), rest);
    if (max === ENDLESS) return this.#emitEndless(node, inner);
    if (stepsOf(item) * max > WRITTEN_OUT_MAX) return this.#emitCounted(node, inner);
    for (let times = 0; times < min; times++) this.#emit(item, inner);
    this.#emitOptional(item, max - min, node.lazy, inner);
  }

  /** Up to so many rounds, each only behind the one before: X(X(X)?)? */
  #emitOptional(item: PcreNode, rounds: number, lazy: boolean, rest: First): void {
    const splits: number[] = [];
    for (let times = 0; times < rounds; times++) {
      splits.push(this.#step(Op.split));
      this.#emit(item, rest);
    }
    const end = this.#next;
    splits.forEach((split) => {
      this.#code[split + 1] = lazy ? end : split + STEP;
      this.#code[split + 2] = lazy ? split + STEP : end;
    });
    if (splits.length > 0) this.#join();
  }

  #emitEndless({ item, min, lazy }: PcreNode & { kind: "repeat" }, inner: First): void {
    let rounds = min - 1;
    if (rounds * stepsOf(item) > WRITTEN_OUT_MAX) {
      this.#emitCounted({ kind: "repeat", item, min: rounds, max: rounds, lazy }, inner);
      rounds = 0;
    }
    for (; rounds > 0; rounds--) this.#emit(item, inner);
    const skip = min === 0 ? this.#step(Op.split) : -1;
    const body = this.#next;
    const register = this.#registers++;
    this.#join();
    this.#step(Op.open, register);
    const around = this.#rounds;
    if (minLength(item) === 0) this.#rounds = [...around, register];
    this.#emit(item, inner);
    this.#rounds = around;
    this.#step(Op.again, register, body, lazy ? 1 : 0);
    if (skip < 0) return;
    this.#code[skip + 1] = lazy ? this.#next : body;
    this.#code[skip + 2] = lazy ? body : this.#next;
    this.#join();
  }

  #emitCounted({ item, min, max, lazy }: PcreNode & { kind: "repeat" }, inner: First): void {
    this.#memoAllowed = false;
    const register = this.#registers++;
    this.#step(Op.zero, register);
    const round = this.#step(lazy ? Op.lazyRound : Op.round, register, min, max);
    this.#emit(item, inner);
    this.#step(Op.jump, round);
    this.#code[round + 4] = this.#next;
  }

  #emitSetRepeat({ min, max, lazy }: PcreNode & { kind: "repeat" }, set: ByteSet, rest: First): void {
    const offset = this.#setOffset(set);
    if (min === 1) this.#emitSet(set);
    else if (min > 1) this.#step(Op.times, offset, min);
    if (max === min) return;
    const rounds = max === ENDLESS ? -1 : max - min;
    if (!lazy && neverGivesBack(set, rest)) {
      this.#emitKeepStar(offset, rounds);
    } else if (rounds < 0) {
      this.#emitStar(lazy, offset);
    } else {
      this.#step(lazy ? Op.lazyUpTo : Op.upTo, offset, rounds, -1);
      this.#join();
    }
  }

  #emitKeepStar(offset: number, rounds: number): void {
    const joined = rounds < 0 && this.#rounds.length > 0;
    if (joined) this.#join();
    const memo = this.#sealed === 0 && rounds < 0 ? this.#memos++ : -1;
    this.#step(Op.keepStar, offset, rounds, memo, joined && memo >= 0 ? 1 : 0);
  }

  #emitStar(lazy: boolean, offset: number): void {
    const joined = this.#rounds.length > 0;
    if (joined) this.#join();
    const memo = this.#sealed === 0 ? this.#memos++ : -1;
    this.#step(lazy ? Op.lazyStar : Op.star, offset, memo, -1, joined && memo >= 0 ? 1 : 0);
  }

  #groupOf(target: number | string): number {
    return typeof target === "number" ? target : (this.#parsed.names.get(target) ?? 0);
  }

  #setOffset(set: ByteSet): number {
    const key = set.join("");
    const known = this.#setOffsets.get(key);
    if (known !== undefined) return known;
    const offset = 256 * (this.#sets.push(set) - 1);
    this.#setOffsets.set(key, offset);
    return offset;
  }

  /** A greedy loop stops giving back only where the byte that must follow is. */
  #findNextBytes(): void {
    const code = this.#code;
    for (let at = 0; at < code.length; at += STEP) {
      if (code[at] !== Op.star && code[at] !== Op.upTo) continue;
      let next = at + STEP;
      while (code[next] === Op.open || code[next] === Op.close || code[next] === Op.join) next += STEP;
      if (code[next] === Op.byte) code[at + 3] = code[next + 1]!;
    }
  }
}

/** Steps that a node takes, about. */
function stepsOf(node: PcreNode): number {
  if (node.kind !== "repeat") {
    return childrenOf(node).reduce((sum, child) => sum + 2 + stepsOf(child), 1);
  }
  const one = stepsOf(node.item);
  if (node.item.kind === "set") return 3;
  const rounds = node.max === ENDLESS ? Math.max(node.min, 1) : node.max;
  return one * rounds > WRITTEN_OUT_MAX ? one + 8 : (one + 2) * rounds + 4;
}

function unwrap(node: PcreNode): PcreNode {
  let inner = node;
  for (;;) {
    if (inner.kind === "sequence" && inner.items.length === 1) inner = inner.items[0]!;
    else if (inner.kind === "group") inner = inner.body;
    else return inner;
  }
}

function concatenate(sets: readonly ByteSet[]): Uint8Array {
  const all = new Uint8Array(256 * sets.length);
  sets.forEach((set, index) => all.set(set, 256 * index));
  return all;
}
