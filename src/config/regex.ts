import { PcreParser } from "./pcre-parser.ts";
import { PcreError } from "./pcre-syntax.ts";
import type { ParsedPcre, PcreNode } from "./pcre-syntax.ts";
import type { VariableHolder } from "./variables.ts";

/** A regular expression that cannot be compiled; the message is nginx's. */
export class RegexError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RegexError";
  }
}

/** A named group, with the index of the variable that it sets. */
interface NamedGroup {
  readonly group: number;
  readonly variableIndex: number;
}

/**
 * A regular expression in PCRE's syntax, run by JavaScript's engine on latin1 strings: one character
 * is one byte, letters beyond ASCII have no case, as in nginx.
 *
 * Two things differ from PCRE. A reference to a group that took no part matches the empty string
 * instead of failing, and a group inside a repetition forgets its match when a later round leaves it
 * out. And there is no match limit: a pattern such as `(a+)+$` can take exponential time on a long
 * subject, where PCRE gives up; patterns are the operator's own, so they are trusted with that.
 */
export class CompiledRegex {
  /** As written. */
  readonly pattern: string;
  readonly #regexp: RegExp;
  /** JavaScript's number of each group of the pattern; null when they are the same. */
  readonly #groupNumbers: readonly number[] | null;
  readonly #named: readonly NamedGroup[];

  constructor(pattern: string, emitted: Emitted, named: readonly NamedGroup[]) {
    this.pattern = pattern;
    this.#regexp = new RegExp(emitted.source);
    this.#groupNumbers = emitted.groupNumbers;
    this.#named = named;
  }

  /** The first match in a latin1 string, with the groups numbered as in the pattern. */
  exec(subject: string): RegExpExecArray | null {
    const match = this.#regexp.exec(subject);
    if (match === null || this.#groupNumbers === null) return match;
    const groups = this.#groupNumbers.map((number) => match[number]);
    return Object.assign(groups, { index: match.index, input: match.input }) as RegExpExecArray;
  }

  test(subject: string): boolean {
    return this.#regexp.test(subject);
  }

  /** Sets the variables of named groups; a group that took no part gives an empty value. */
  assignNamed(holder: VariableHolder, match: RegExpExecArray): void {
    for (const { group, variableIndex } of this.#named) {
      holder.variableValues[variableIndex] = match[group] ?? "";
    }
  }
}

/**
 * Compiles a PCRE pattern (latin1).
 *
 * @param variableIndex gives the variable's index for each named group
 * @throws RegexError with nginx's `pcre2_compile() failed: …`
 */
export function compileRegex(
  pattern: string,
  caseless: boolean,
  variableIndex?: (name: string) => number,
): CompiledRegex {
  const { parsed, emitted } = translate(pattern, caseless);
  const named =
    variableIndex === undefined
      ? []
      : [...parsed.names].map(([name, group]) => ({ group, variableIndex: variableIndex(name) }));
  return new CompiledRegex(pattern, emitted, named);
}

function translate(pattern: string, caseless: boolean): { parsed: ParsedPcre; emitted: Emitted } {
  try {
    const parsed = new PcreParser(pattern, caseless).parse();
    return { parsed, emitted: new Emitter(parsed).emit() };
  } catch (error) {
    if (!(error instanceof PcreError)) throw error;
    if (error.unsupported) {
      throw new RegexError(`${error.message} in "${pattern}" is not supported by longhaul`);
    }
    const rest = pattern.slice(error.offset);
    const at = rest === "" ? "" : ` at "${rest}"`;
    throw new RegexError(`pcre2_compile() failed: ${error.message} in "${pattern}"${at}`);
  }
}

interface Emitted {
  readonly source: string;
  readonly groupNumbers: readonly number[] | null;
}

/** Writes a parsed pattern as JavaScript. Atomic groups cost a capture, which shifts the numbers. */
class Emitter {
  readonly #parsed: ParsedPcre;
  /** By the pattern's group number. */
  readonly #groupNumbers: number[] = [0];
  #count = 0;

  constructor(parsed: ParsedPcre) {
    this.#parsed = parsed;
  }

  emit(): Emitted {
    this.#number(this.#parsed.root);
    const total = this.#count;
    this.#count = 0;
    const source = this.#emitNode(this.#parsed.root);
    // Atomic groups anywhere add groups to a match that the pattern does not have.
    const shifted = total > this.#parsed.groupCount;
    return { source, groupNumbers: shifted ? this.#groupNumbers : null };
  }

  /** References may point forward, so numbers are given before anything is written. */
  #number(node: PcreNode): void {
    if (node.kind === "capture") this.#groupNumbers[node.number] = ++this.#count;
    if (node.kind === "atomic") this.#count++;
    if (node.kind === "sequence") for (const item of node.items) this.#number(item);
    if (node.kind === "alternatives") for (const branch of node.branches) this.#number(branch);
    if (node.kind === "repeat") this.#number(node.item);
    if ("body" in node) this.#number(node.body);
  }

  #emitNode(node: PcreNode): string {
    switch (node.kind) {
      case "source":
        return node.source;
      case "sequence":
        return node.items.map((item) => this.#emitNode(item)).join("");
      case "alternatives":
        return node.branches.map((branch) => this.#emitNode(branch)).join("|");
      case "group":
        return `${node.open}${this.#emitNode(node.body)})`;
      case "capture":
        this.#count++;
        return `(${this.#emitNode(node.body)})`;
      case "atomic": {
        // A lookahead is not entered again once it matched: matching its capture gives it nothing back.
        const number = ++this.#count;
        return `(?:(?=(${this.#emitNode(node.body)}))\\${number}(?:))`;
      }
      case "repeat":
        return this.#emitRepeat(node.item) + node.quantifier;
      case "reference":
        return this.#emitReference(node.target, node.caseless);
    }
  }

  /** JavaScript repeats no lookbehind, and repeats only the last byte of a sequence. */
  #emitRepeat(item: PcreNode): string {
    const text = this.#emitNode(item);
    const isUnit = item.kind === "source" || item.kind === "capture" || item.kind === "atomic";
    return isUnit ? text : `(?:${text})`;
  }

  #emitReference(target: number | string, caseless: boolean): string {
    const group = typeof target === "number" ? target : (this.#parsed.names.get(target) ?? 0);
    const text = `\\${this.#groupNumbers[group] ?? 0}`;
    return caseless ? `(?i:${text})` : `(?:${text})`;
  }
}
