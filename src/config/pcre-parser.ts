import { overlap, setOf } from "./byte-set.ts";
import { PcreCharacters } from "./pcre-characters.ts";
import { readClass } from "./pcre-class.ts";
import { readEscape } from "./pcre-escape.ts";
import { readGroup } from "./pcre-group.ts";
import { isAnchored } from "./pcre-cost.ts";
import { firstOf } from "./pcre-first.ts";
import { piece, placeOf } from "./pcre-item.ts";
import type { Item } from "./pcre-item.ts";
import { minLength } from "./pcre-length.ts";
import { PcreReader } from "./pcre-reader.ts";
import { SIZE_MAX, compiledSize } from "./pcre-size.ts";
import { readStartOptions } from "./pcre-start.ts";
import { ENDLESS, childrenOf } from "./pcre-syntax.ts";
import type { ParsedPcre, PcreNode, PcreOptions } from "./pcre-syntax.ts";
import { utf8Fault, utf8Message } from "./pcre-utf8.ts";

/** A quantifier's bounds end here in PCRE. */
const REPEAT_MAX = 65535;

/** Parentheses in parentheses, as in PCRE. */
const DEPTH_MAX = 250;

const COUNT = /\{(\d+)(,(\d*))?\}/y;
const EXTENDED_SPACE = /(?:[ \t\n\v\f\r]|#[^\n]*\n?)+/y;
const COMMENT = /\(\?#[^)]*\)/y;

/** Reads a pattern of PCRE (as PCRE2 10.42 without its Unicode mode) into a tree. */
export class PcreParser {
  reader: PcreReader;
  characters = new PcreCharacters(false, false);
  readonly names = new Map<string, number>();
  groupCount = 0;
  options: PcreOptions;
  #depth = 0;

  /** @param caseless match ASCII letters of either case */
  constructor(pattern: string, caseless: boolean) {
    this.reader = new PcreReader(pattern);
    this.options = {
      caseless,
      multiline: false,
      dotAll: false,
      extended: false,
      ungreedy: false,
      noAutoCapture: false,
    };
  }

  /** @throws PcreError */
  parse(): ParsedPcre {
    this.#readStart();
    const pattern = this.readAlternatives();
    if (!this.reader.atEnd) this.reader.fail("unmatched closing parenthesis");
    this.#checkReferences(pattern);
    const root = this.characters.utf ? startingWhole(pattern) : pattern;
    if (compiledSize(root) > SIZE_MAX) {
      this.reader.fail("regular expression is too large", this.reader.text.length);
    }
    return { root, groupCount: this.groupCount, names: this.names, utf: this.characters.utf };
  }

  /** `(*UTF)` and the like; a pattern of UTF-8 is read by its code points from here on. */
  #readStart(): void {
    const { utf, ucp } = readStartOptions(this.reader);
    if (!utf && !ucp) return;
    this.characters = new PcreCharacters(utf, ucp);
    if (!utf) return;
    const { text, position } = this.reader;
    const fault = utf8Fault(text);
    if (fault !== null) this.reader.fail(utf8Message(fault.code), fault.offset);
    this.reader = new PcreReader(Buffer.from(text, "latin1").toString());
    this.reader.position = position;
    this.reader.codeMax = 0x10ffff;
  }

  /** Reads up to the end or a closing parenthesis; options set inside end with it. */
  readAlternatives(): PcreNode {
    if (this.#depth > DEPTH_MAX) this.reader.fail("parentheses are too deeply nested");
    const outer = this.options;
    const branches: PcreNode[] = [];
    this.#depth++;
    do branches.push(this.#readSequence());
    while (this.reader.takeIf("|"));
    this.#depth--;
    this.options = outer;
    return branches.length === 1 ? branches[0]! : { kind: "alternatives", branches };
  }

  #readSequence(): PcreNode {
    const { reader } = this;
    const items: PcreNode[] = [];
    let repeatable = false;
    for (;;) {
      this.#skipIgnored();
      const char = reader.peek();
      if (char === "" || char === "|" || char === ")") return { kind: "sequence", items };
      const quantifier = this.#readQuantifier(repeatable);
      if (quantifier !== null) {
        items.push(repeat(items.pop()!, quantifier));
        repeatable = false;
        continue;
      }
      const item = this.#readItem();
      if (item === null) continue;
      items.push(item.node);
      repeatable = item.repeatable;
    }
  }

  #skipIgnored(): void {
    for (;;) {
      const start = this.reader.position;
      if (this.options.extended) this.reader.takeMatch(EXTENDED_SPACE);
      this.reader.takeMatch(COMMENT);
      if (this.reader.peek() === "(" && this.reader.text.startsWith("(?#", this.reader.position)) {
        this.reader.fail("missing ) after (?# comment", this.reader.text.length);
      }
      if (this.reader.takeIf("\\E")) continue;
      if (this.reader.position === start) return;
    }
  }

  /** Null when no quantifier stands here. */
  #readQuantifier(repeatable: boolean): Quantifier | null {
    const { reader } = this;
    const bounds = this.#readBounds();
    if (bounds === null) return null;
    if (!repeatable) {
      reader.fail("quantifier does not follow a repeatable item", reader.position - 1);
    }
    if (reader.takeIf("+")) return { ...bounds, lazy: false, possessive: true };
    const lazy = reader.takeIf("?") !== this.options.ungreedy;
    return { ...bounds, lazy, possessive: false };
  }

  #readBounds(): Pick<Quantifier, "min" | "max"> | null {
    const { reader } = this;
    switch (reader.peek()) {
      case "*":
        reader.position++;
        return { min: 0, max: ENDLESS };
      case "+":
        reader.position++;
        return { min: 1, max: ENDLESS };
      case "?":
        reader.position++;
        return { min: 0, max: 1 };
      case "{":
        return this.#readCount();
      default:
        return null;
    }
  }

  #readCount(): Pick<Quantifier, "min" | "max"> | null {
    const { reader } = this;
    const text = reader.takeMatch(COUNT);
    if (text === "") return null;
    const [min = 0, written] = [...text.matchAll(/\d+/g)].map(Number);
    const max = written ?? (text.includes(",") ? ENDLESS : min);
    if (min > REPEAT_MAX || (written ?? 0) > REPEAT_MAX) {
      reader.fail("number too big in {} quantifier", reader.position - 1);
    }
    if (max < min) reader.fail("numbers out of order in {} quantifier", reader.position - 1);
    return { min, max };
  }

  /** Null for what stands for nothing, such as an option setting. */
  #readItem(): Item | null {
    const { reader, options, characters } = this;
    const code = reader.takeCode();
    const char = String.fromCodePoint(code);
    switch (char) {
      case "(":
        return readGroup(this);
      case "[":
        if (/^[:.=]/.test(reader.peek())) this.#refuseBarePosix();
        return piece(characters.node(readClass(reader, characters, options.caseless)));
      case "\\":
        if (reader.takeIf("Q")) return this.#readQuoted();
        return readEscape(this);
      case ".":
        return piece(characters.node(options.dotAll ? characters.all : characters.notNewline));
      case "^":
        return placeOf(options.multiline ? "lineStart" : "start");
      case "$":
        return placeOf(options.multiline ? "lineEnd" : "end");
      default:
        return this.literal(code);
    }
  }

  /** `[:alpha:]` without the brackets of a class around it. */
  #refuseBarePosix(): void {
    const { reader } = this;
    if (!/^([:.=])[^\]\\]*\1\]/.test(reader.text.slice(reader.position))) return;
    reader.fail("POSIX named classes are supported only within a class", reader.position - 1);
  }

  /** `\Q…\E`: a quantifier after it applies to its last byte only. */
  #readQuoted(): Item | null {
    const { reader } = this;
    const end = reader.text.indexOf("\\E", reader.position);
    const quoted = reader.text.slice(reader.position, end < 0 ? undefined : end);
    reader.position = end < 0 ? reader.text.length : end + 2;
    if (quoted === "") return null;
    const pieces = Array.from(quoted, (char) => this.literal(char.codePointAt(0)!));
    const last = pieces.pop()!;
    if (pieces.length === 0) return last;
    const before = pieces.map(({ node }) => node);
    const quantifier = this.#readQuantifier(true);
    const tail = quantifier === null ? last.node : repeat(last.node, quantifier);
    return { node: { kind: "sequence", items: [...before, tail] }, repeatable: false };
  }

  /** One character (a byte, or a code point with `(*UTF)`), in both cases where the options in force say so. */
  literal(code: number): Item {
    return piece(this.characters.literal(code, this.options.caseless));
  }

  #checkReferences(node: PcreNode): void {
    if (node.kind === "reference") {
      const known =
        typeof node.target === "number" ? node.target <= this.groupCount : this.names.has(node.target);
      if (!known) this.reader.fail("reference to non-existent subpattern", node.offset);
    }
    for (const child of childrenOf(node)) this.#checkReferences(child);
  }
}

const continuationBytes = setOf((byte) => (byte & 0xc0) === 0x80);

/** A match begins with a character, not in the middle of one. */
function startingWhole(pattern: PcreNode): PcreNode {
  if (isAnchored(pattern)) return pattern;
  if (minLength(pattern) > 0 && !overlap(firstOf(pattern).set, continuationBytes)) return pattern;
  const inside: PcreNode = { kind: "set", set: continuationBytes };
  return { kind: "sequence", items: [{ kind: "look", behind: false, negated: true, body: inside }, pattern] };
}

interface Quantifier {
  readonly min: number;
  readonly max: number;
  readonly lazy: boolean;
  readonly possessive: boolean;
}

function repeat(item: PcreNode, { min, max, lazy, possessive }: Quantifier): PcreNode {
  const repeated: PcreNode = { kind: "repeat", item, min, max, lazy };
  return possessive ? { kind: "atomic", body: repeated } : repeated;
}
