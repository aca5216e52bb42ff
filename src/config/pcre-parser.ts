import { allBytes, emptySet, foldCase, notNewline } from "./byte-set.ts";
import { readClass } from "./pcre-class.ts";
import { readEscape } from "./pcre-escape.ts";
import { readGroup } from "./pcre-group.ts";
import { oneOf, placeOf } from "./pcre-item.ts";
import type { Item } from "./pcre-item.ts";
import { PcreReader } from "./pcre-reader.ts";
import { SIZE_MAX, compiledSize } from "./pcre-size.ts";
import { ENDLESS, childrenOf } from "./pcre-syntax.ts";
import type { ParsedPcre, PcreNode, PcreOptions } from "./pcre-syntax.ts";

/** A quantifier's bounds end here in PCRE. */
const REPEAT_MAX = 65535;

/** Parentheses in parentheses, as in PCRE. */
const DEPTH_MAX = 250;

const COUNT = /\{(\d+)(,(\d*))?\}/y;
const EXTENDED_SPACE = /(?:[ \t\n\v\f\r]|#[^\n]*\n?)+/y;
const COMMENT = /\(\?#[^)]*\)/y;

/** Reads a pattern of PCRE (as PCRE2 10.42 without its Unicode mode) into a tree. */
export class PcreParser {
  readonly reader: PcreReader;
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
    const root = this.readAlternatives();
    if (!this.reader.atEnd) this.reader.fail("unmatched closing parenthesis");
    this.#checkReferences(root);
    if (compiledSize(root) > SIZE_MAX) {
      this.reader.fail("regular expression is too large", this.reader.text.length);
    }
    return { root, groupCount: this.groupCount, names: this.names };
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
    const { reader, options } = this;
    const char = reader.take();
    switch (char) {
      case "(":
        return readGroup(this);
      case "[":
        if (/^[:.=]/.test(reader.peek())) this.#refuseBarePosix();
        return oneOf(readClass(reader, options.caseless));
      case "\\":
        if (reader.takeIf("Q")) return this.#readQuoted();
        return readEscape(this);
      case ".":
        return oneOf(options.dotAll ? allBytes : notNewline);
      case "^":
        return placeOf(options.multiline ? "lineStart" : "start");
      case "$":
        return placeOf(options.multiline ? "lineEnd" : "end");
      default:
        return this.literal(char.charCodeAt(0));
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
    const last = this.literal(quoted.charCodeAt(quoted.length - 1));
    if (quoted.length === 1) return last;
    const before = Array.from(quoted.slice(0, -1), (char) => this.literal(char.charCodeAt(0)).node);
    const quantifier = this.#readQuantifier(true);
    const tail = quantifier === null ? last.node : repeat(last.node, quantifier);
    return { node: { kind: "sequence", items: [...before, tail] }, repeatable: false };
  }

  literal(byte: number): Item {
    const set = emptySet();
    set[byte] = 1;
    if (this.options.caseless) foldCase(set);
    return oneOf(set);
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
