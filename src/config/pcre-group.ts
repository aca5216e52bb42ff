import { emptySet } from "./byte-set.ts";
import { referenceTo } from "./pcre-item.ts";
import type { Item } from "./pcre-item.ts";
import type { PcreParser } from "./pcre-parser.ts";
import { readName } from "./pcre-reader.ts";
import { fixedLength } from "./pcre-length.ts";
import type { PcreNode, PcreOptions } from "./pcre-syntax.ts";

const VERB_NAME = /[A-Za-z_0-9]*/y;
const OPTION_LETTERS = /[imsxnUJ^-]*/y;

/** Openings of groups that capture nothing, behind their "(?". */
const OPENINGS: readonly (readonly [string, (body: PcreNode) => PcreNode])[] = [
  [":", (body) => ({ kind: "group", body })],
  ["=", (body) => ({ kind: "look", behind: false, negated: false, body })],
  ["!", (body) => ({ kind: "look", behind: false, negated: true, body })],
  ["<=", (body) => ({ kind: "look", behind: true, negated: false, body })],
  ["<!", (body) => ({ kind: "look", behind: true, negated: true, body })],
  [">", (body) => ({ kind: "atomic", body })],
];

/** Reads a group, or an option setting (null); the reader is behind the "(". */
export function readGroup(parser: PcreParser): Item | null {
  const { reader } = parser;
  const start = reader.position - 1;
  if (reader.peek() === "*" && /[A-Za-z:]/.test(reader.peek(1))) return readVerb(parser);
  if (!reader.takeIf("?")) {
    return parser.options.noAutoCapture ? readBody(parser, plainGroup) : readCapture(parser, null);
  }
  for (const [opening, make] of OPENINGS) {
    if (!reader.takeIf(opening)) continue;
    const item = readBody(parser, make);
    if (opening.length === 2) checkFixedLength(parser, item.node, start);
    return item;
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
    return referenceTo(parser, name, start);
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

function readBody(parser: PcreParser, make: (body: PcreNode) => PcreNode): Item {
  const body = parser.readAlternatives();
  close(parser);
  return { node: make(body), repeatable: true };
}

function plainGroup(body: PcreNode): PcreNode {
  return { kind: "group", body };
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
  const item = readBody(parser, plainGroup);
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

/** Verbs that PCRE knows: those that change how it goes back are not here. */
const VERBS = /^(?:ACCEPT|COMMIT|PRUNE|SKIP|THEN|MARK|[a-z_]+)?$/;

function readVerb(parser: PcreParser): Item {
  const { reader } = parser;
  reader.position++;
  const name = reader.takeMatch(VERB_NAME);
  if ((name === "F" || name === "FAIL") && reader.takeIf(")")) {
    return { node: { kind: "set", set: emptySet() }, repeatable: false };
  }
  if (VERBS.test(name)) reader.unsupported(`(*${name}`);
  return reader.fail("(*VERB) not recognized or malformed");
}

/** PCRE looks back over a known number of bytes only; alternatives may differ. */
function checkFixedLength(parser: PcreParser, node: PcreNode, start: number): void {
  const body = node.kind === "look" ? node.body : node;
  const branches = body.kind === "alternatives" ? body.branches : [body];
  if (branches.some((branch) => fixedLength(branch) === null)) {
    parser.reader.fail("lookbehind assertion is not fixed length", start);
  }
}
