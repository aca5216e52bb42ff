import { reference } from "./pcre-item.ts";
import type { Item } from "./pcre-item.ts";
import type { PcreParser } from "./pcre-parser.ts";
import { readName } from "./pcre-reader.ts";
import type { PcreNode, PcreOptions } from "./pcre-syntax.ts";

const OPTION_LETTERS = /[imsxnUJ^-]*/y;

/** Openings of groups that capture nothing, with JavaScript's own spelling. */
const OPENINGS = ["(?:", "(?=", "(?!", "(?<=", "(?<!"] as const;

/** Reads a group, or an option setting (null); the reader is behind the "(". */
export function readGroup(parser: PcreParser): Item | null {
  const { reader } = parser;
  const start = reader.position - 1;
  if (reader.peek() === "*") return readVerb(parser);
  if (!reader.takeIf("?")) {
    return parser.options.noAutoCapture ? readBody(parser, "(?:") : readCapture(parser, null);
  }
  for (const opening of OPENINGS) {
    if (!reader.takeIf(opening.slice(2))) continue;
    const item = readBody(parser, opening);
    if (opening.startsWith("(?<")) checkFixedLength(parser, item.node, start);
    return item;
  }
  if (reader.takeIf(">")) {
    const body = parser.readAlternatives();
    close(parser);
    return { node: { kind: "atomic", body }, repeatable: true };
  }
  return readSpecial(parser);
}

function readSpecial(parser: PcreParser): Item | null {
  const { reader } = parser;
  const char = reader.peek();
  switch (char) {
    case "":
      return reader.fail("missing closing parenthesis");
    case "<":
      reader.position++;
      return readCapture(parser, ">");
    case "'":
      reader.position++;
      return readCapture(parser, "'");
    case "P":
      reader.position++;
      return readPython(parser);
    case "|":
    case "(":
    case "C":
    case "R":
    case "&":
    case "+":
      return reader.unsupported(`(?${char}`);
    default:
      if (/\d/.test(char)) reader.unsupported(`(?${char})`);
      return readOptions(parser);
  }
}

/** `(?P<name>…)`, `(?P=name)`. */
function readPython(parser: PcreParser): Item {
  const { reader } = parser;
  if (reader.atEnd) reader.fail("missing closing parenthesis");
  if (reader.takeIf("<")) return readCapture(parser, ">");
  if (reader.takeIf("=")) {
    const start = reader.position;
    const name = readName(reader, ")");
    return reference(parser.options.caseless, name, start);
  }
  if (reader.peek() === ">") reader.unsupported("(?P>");
  return reader.fail("unrecognized character after (?P");
}

/** `terminator` ends the group's name; null for a group without one. */
function readCapture(parser: PcreParser, terminator: string | null): Item {
  const name = terminator === null ? null : readName(parser.reader, terminator);
  const number = ++parser.groupCount;
  if (name !== null) {
    if (parser.names.has(name)) {
      parser.reader.fail("two named subpatterns have the same name (PCRE2_DUPNAMES not set)");
    }
    parser.names.set(name, number);
  }
  const body = parser.readAlternatives();
  close(parser);
  return { node: { kind: "capture", number, body }, repeatable: true };
}

function readBody(parser: PcreParser, open: string): Item {
  const body = parser.readAlternatives();
  close(parser);
  return { node: { kind: "group", open, body }, repeatable: true };
}

function close(parser: PcreParser): void {
  if (!parser.reader.takeIf(")")) parser.reader.fail("missing closing parenthesis");
}

/** `(?i)` changes the options up to the end of the enclosing group, `(?i:…)` for its own body. */
function readOptions(parser: PcreParser): Item | null {
  const { reader } = parser;
  const letters = reader.takeMatch(OPTION_LETTERS);
  if (reader.atEnd) reader.fail("missing closing parenthesis");
  if (reader.peek() !== ")" && reader.peek() !== ":") {
    reader.fail("unrecognized character after (? or (?-");
  }
  if (letters.includes("J")) reader.unsupported("(?J)");
  const changed = applyOptions(parser.options, letters);
  if (reader.take() === ")") {
    parser.options = changed;
    return null;
  }
  const outer = parser.options;
  parser.options = changed;
  const item = readBody(parser, "(?:");
  parser.options = outer;
  return item;
}

function applyOptions(options: PcreOptions, letters: string): PcreOptions {
  let on = true;
  let changed = { ...options };
  for (const letter of letters) {
    if (letter === "-") on = false;
    else if (letter === "^") {
      const off = { caseless: false, multiline: false, dotAll: false, extended: false, noAutoCapture: false };
      changed = { ...changed, ...off };
    } else if (letter === "i") changed.caseless = on;
    else if (letter === "m") changed.multiline = on;
    else if (letter === "s") changed.dotAll = on;
    else if (letter === "x") changed.extended = on;
    else if (letter === "n") changed.noAutoCapture = on;
    else changed.ungreedy = on;
  }
  return changed;
}

/** `(*UTF8)` and the like would need another matcher. */
function readVerb(parser: PcreParser): never {
  const { reader } = parser;
  const name = /^\*([A-Za-z_0-9]*)/.exec(reader.text.slice(reader.position))![1]!;
  return reader.unsupported(`(*${name})`);
}

/** PCRE looks back over a known number of bytes only; alternatives may differ. */
function checkFixedLength(parser: PcreParser, node: PcreNode, start: number): void {
  const body = node.kind === "group" ? node.body : node;
  const branches = body.kind === "alternatives" ? body.branches : [body];
  if (branches.some((branch) => lengthOf(branch) === null)) {
    parser.reader.fail("lookbehind assertion is not fixed length", start);
  }
}

/** Bytes that a node matches, or null when they vary. */
function lengthOf(node: PcreNode): number | null {
  switch (node.kind) {
    case "source":
      return sourceLength(node.source);
    case "reference":
      return null;
    case "sequence":
      return node.items.reduce<number | null>((sum, item) => add(sum, lengthOf(item)), 0);
    case "alternatives":
      return node.branches.map(lengthOf).reduce((a, b) => (a === b ? a : null));
    case "group":
      return node.open === "(?:" ? lengthOf(node.body) : 0;
    case "capture":
    case "atomic":
      return lengthOf(node.body);
    case "repeat": {
      const times = /^\{(\d+)\}/.exec(node.quantifier);
      const length = lengthOf(node.item);
      return times === null || length === null ? null : Number(times[1]) * length;
    }
  }
}

function add(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** Places match no byte, `\R` one or two, everything else exactly one. */
function sourceLength(source: string): number | null {
  if (source.startsWith("(?:\\r")) return null;
  const isPlace = source.startsWith("(?") || ["^", "$", "\\b", "\\B"].includes(source);
  return isPlace ? 0 : 1;
}
