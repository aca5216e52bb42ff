import { compilePcre } from "./pcre-compiler.ts";
import { trustedLength } from "./pcre-cost.ts";
import { differsInJavaScript } from "./pcre-differs.ts";
import { toJavaScript } from "./pcre-javascript.ts";
import { STEPS_MAX, machine } from "./pcre-machine.ts";
import { PcreParser } from "./pcre-parser.ts";
import type { PcreProgram } from "./pcre-program.ts";
import { PcreError } from "./pcre-syntax.ts";
import type { ParsedPcre } from "./pcre-syntax.ts";
import { utf8Fault } from "./pcre-utf8.ts";
import type { VariableHolder } from "./variables.ts";

/** A regular expression that cannot be compiled; the message is nginx's. */
export class RegexError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RegexError";
  }
}

/**
 * Whether a regular expression matches could not be found out: the steps that one match may take were
 * spent. The message is nginx's, without where and for whom.
 */
export class RegexFailure extends Error {
  /** It stands in a log already. */
  logged = false;

  constructor(code: number, subject: string, pattern: string) {
    super(`pcre2_match() failed: ${code} on "${subject}" using "${pattern}"`);
    this.name = "RegexFailure";
  }
}

/** The whole match and its groups; undefined for a group that took no part. */
export type RegexMatch = readonly (string | undefined)[];

/** A named group, with the index of the variable that it sets. */
interface NamedGroup {
  readonly group: number;
  readonly variableIndex: number;
}

/** PCRE2_ERROR_MATCHLIMIT */
const MATCH_LIMIT = -47;

/**
 * A regular expression in PCRE's syntax, run on latin1 strings: one character is one byte, letters beyond
 * ASCII have no case, as in nginx.
 *
 * JavaScript's engines match faster than anything written in JavaScript, but nothing stops them. So they
 * are given only what they match as PCRE does (`differsInJavaScript`), and subjects that are short enough for
 * the pattern (`trustedLength`). Everything else runs on our own machine, which counts its steps.
 */
export class CompiledRegex {
  /** As written. */
  readonly pattern: string;
  /** The longest subject that JavaScript's engine is trusted with. */
  readonly trustedLength: number;
  readonly #parsed: ParsedPcre;
  readonly #regexp: RegExp | null;
  /** JavaScript's number of each group of the pattern; null when they are the same. */
  readonly #groupNumbers: readonly number[] | null;
  readonly #named: readonly NamedGroup[];
  /** Made when it is first needed. */
  #program: PcreProgram | null = null;

  constructor(pattern: string, parsed: ParsedPcre, named: readonly NamedGroup[]) {
    this.pattern = pattern;
    this.#parsed = parsed;
    this.#named = named;
    this.trustedLength = differsInJavaScript(parsed.root) ? -1 : trustedLength(parsed.root);
    const translated = this.trustedLength >= 0 ? toJavaScript(parsed) : null;
    this.#regexp = translated === null ? null : new RegExp(translated.source);
    this.#groupNumbers = translated?.groupNumbers ?? null;
  }

  /** How many groups it captures. */
  get groupCount(): number {
    return this.#parsed.groupCount;
  }

  /**
   * The first match in a latin1 string, with the groups numbered as in the pattern; null for none.
   *
   * @throws RegexFailure when that could not be found out
   */
  exec(subject: string): RegexMatch | null {
    if (this.#parsed.utf) this.#checkUtf8(subject);
    if (subject.length > this.trustedLength) return this.execCounted(subject);
    const match = this.#regexp!.exec(subject);
    if (match === null || this.#groupNumbers === null) return match;
    return this.#groupNumbers.map((number) => match[number]);
  }

  /** @throws RegexFailure */
  test(subject: string): boolean {
    if (this.#parsed.utf) this.#checkUtf8(subject);
    if (subject.length > this.trustedLength) return this.execCounted(subject) !== null;
    return this.#regexp!.test(subject);
  }

  /**
   * The same as `exec`, on our own machine in any case.
   *
   * @throws RegexFailure
   */
  execCounted(subject: string, stepsMax = STEPS_MAX): RegexMatch | null {
    this.#program ??= compilePcre(this.#parsed);
    const spans = machine.match(this.#program, subject, stepsMax);
    if (spans === undefined) throw new RegexFailure(MATCH_LIMIT, subject, this.pattern);
    if (spans === null) return null;
    const groups: (string | undefined)[] = [];
    for (let group = 0; group <= this.#parsed.groupCount; group++) {
      const start = spans[2 * group]!;
      groups.push(start < 0 ? undefined : subject.slice(start, spans[2 * group + 1]));
    }
    return groups;
  }

  #checkUtf8(subject: string): void {
    const fault = utf8Fault(subject);
    if (fault !== null) throw new RegexFailure(fault.code, subject, this.pattern);
  }

  /** Steps of the last match that our own machine did, of whatever expression: for tests. */
  static get steps(): number {
    return machine.steps;
  }

  /** Sets the variables of named groups; a group that took no part gives an empty value. */
  assignNamed(holder: VariableHolder, match: RegexMatch): void {
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
  const parsed = parse(pattern, caseless);
  const named =
    variableIndex === undefined
      ? []
      : [...parsed.names].map(([name, group]) => ({ group, variableIndex: variableIndex(name) }));
  return new CompiledRegex(pattern, parsed, named);
}

function parse(pattern: string, caseless: boolean): ParsedPcre {
  const parser = new PcreParser(pattern, caseless);
  try {
    return parser.parse();
  } catch (error) {
    if (!(error instanceof PcreError)) throw error;
    if (error.unsupported) {
      throw new RegexError(`${error.message} in "${pattern}" is not supported by longhaul`);
    }
    const { characters, reader } = parser;
    const left = reader.text.slice(error.offset);
    const rest = characters.utf && reader.codeMax > 0xff ? Buffer.from(left).toString("latin1") : left;
    const at = rest === "" ? "" : ` at "${rest}"`;
    throw new RegexError(`pcre2_compile() failed: ${error.message} in "${pattern}"${at}`);
  }
}
