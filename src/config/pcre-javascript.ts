import { complement, wordBytes } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { ENDLESS } from "./pcre-syntax.ts";
import type { ParsedPcre, PcreNode } from "./pcre-syntax.ts";

/** A pattern in JavaScript's own syntax. */
export interface JavaScriptPattern {
  readonly source: string;
  /** JavaScript's number of each group of the pattern; null when they are the same. */
  readonly groupNumbers: readonly number[] | null;
}

/**
 * Writes a parsed pattern as JavaScript. Only patterns that mean the same there are to be given: see
 * `differsInJavaScript`.
 */
export function toJavaScript(parsed: ParsedPcre): JavaScriptPattern {
  return new Emitter(parsed).emit();
}

/** Atomic groups cost a capture, which shifts the numbers. */
class Emitter {
  readonly #parsed: ParsedPcre;
  /** By the pattern's group number. */
  readonly #groupNumbers: number[] = [0];
  #count = 0;

  constructor(parsed: ParsedPcre) {
    this.#parsed = parsed;
  }

  emit(): JavaScriptPattern {
    const source = this.#emitNode(this.#parsed.root);
    const shifted = this.#count > this.#parsed.groupCount;
    return { source, groupNumbers: shifted ? this.#groupNumbers : null };
  }

  #emitNode(node: PcreNode): string {
    switch (node.kind) {
      case "set":
        return setSource(node.set);
      case "place":
        return placeSource(node);
      case "sequence":
        return node.items.map((item) => this.#emitNode(item)).join("");
      case "alternatives":
        return node.branches.map((branch) => this.#emitNode(branch)).join("|");
      case "group":
        return `(?:${this.#emitNode(node.body)})`;
      case "look":
        return `(?${node.behind ? "<" : ""}${node.negated ? "!" : "="}${this.#emitNode(node.body)})`;
      case "capture":
        this.#groupNumbers[node.number] = ++this.#count;
        return `(${this.#emitNode(node.body)})`;
      case "atomic": {
        // A lookahead is not entered again once it matched: matching its capture gives it nothing back.
        const number = ++this.#count;
        return `(?:(?=(${this.#emitNode(node.body)}))\\${number}(?:))`;
      }
      case "repeat":
        return this.#emitRepeat(node.item) + quantifierSource(node);
      case "reference":
        throw new Error("references are not matched by JavaScript's expressions");
    }
  }

  /** JavaScript repeats no lookbehind, and repeats only the last byte of a sequence. */
  #emitRepeat(item: PcreNode): string {
    const text = this.#emitNode(item);
    const isUnit = item.kind === "set" || item.kind === "capture" || item.kind === "atomic";
    return isUnit ? text : `(?:${text})`;
  }
}

/** In the shortest spelling: V8 compiles `{1,}` into slower code than `+`. */
function quantifierSource({ min, max, lazy }: PcreNode & { kind: "repeat" }): string {
  return boundsSource(min, max) + (lazy ? "?" : "");
}

function boundsSource(min: number, max: number): string {
  if (max === ENDLESS) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === 0 && max === 1) return "?";
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

/** JavaScript's `$` without its m flag is the very end, which PCRE writes `\z`. */
function placeSource({ place, words }: PcreNode & { kind: "place" }): string {
  switch (place) {
    case "start":
      return "^";
    case "end":
      return "(?=\\n?$)";
    case "veryEnd":
      return "(?:$)";
    case "lineStart":
      // After a newline, but not after one that ends the subject.
      return "(?:^|(?<=\\n)(?!$))";
    case "lineEnd":
      return "(?=\\n|$)";
    case "word":
    case "notWord":
      return wordPlaceSource(place === "word", words ?? wordBytes);
  }
}

function wordPlaceSource(wanted: boolean, words: ByteSet): string {
  if (words === wordBytes) return wanted ? "\\b" : "\\B";
  const set = setSource(words);
  const [here, there] = wanted ? ["!", "="] : ["=", "!"];
  return `(?:(?<=${set})(?${here}${set})|(?<!${set})(?${there}${set}))`;
}

/** One byte as JavaScript regular expression text, outside or inside a class. */
function byteSource(byte: number): string {
  const char = String.fromCharCode(byte);
  if (wordBytes[byte] === 1) return char;
  if (byte > 0x20 && byte < 0x7f && !"\\^$.*+?()[]{}|/-".includes(char)) return char;
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** A set as JavaScript regular expression text that matches one of its bytes. */
function setSource(set: ByteSet): string {
  const count = set.reduce((sum, member) => sum + member, 0);
  if (count === 256) return "[^]";
  if (count === 1) return byteSource(set.indexOf(1));
  if (count > 128) return `[^${rangesSource(complement(set))}]`;
  return `[${rangesSource(set)}]`;
}

function rangesSource(set: ByteSet): string {
  let source = "";
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] === 0) continue;
    let last = byte;
    while (last < 255 && set[last + 1] === 1) last++;
    source += byteSource(byte);
    if (last > byte) source += (last > byte + 1 ? "-" : "") + byteSource(last);
    byte = last;
  }
  return source;
}
