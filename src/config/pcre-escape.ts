import { allBytes, setOf, wordBytes } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { piece, placeOf, referenceTo } from "./pcre-item.ts";
import type { Item } from "./pcre-item.ts";
import type { PcreParser } from "./pcre-parser.ts";
import { readProperty } from "./pcre-property.ts";
import { readByteEscape, readName, readOctal } from "./pcre-reader.ts";
import type { PcreNode, PcrePlace } from "./pcre-syntax.ts";

const GROUP_NUMBER = /\{?[-+]?\d+\}?/y;
const OPENING = /[{<']/y;
const CLOSING: Readonly<Record<string, string>> = { "{": "}", "<": ">", "'": "'" };
const DECIMAL = /\d+/y;

/** Places, by their letter. */
const PLACES: Readonly<Record<string, PcrePlace>> = {
  A: "start",
  G: "start",
  Z: "end",
  b: "word",
  B: "notWord",
  z: "veryEnd",
};

/** What `\R` takes besides CR LF. */
const LINE_BREAKS = setOf((byte) => (byte >= 0x0a && byte <= 0x0d) || byte === 0x85);

/** Reads an escape outside of classes; the reader is behind the backslash. */
export function readEscape(parser: PcreParser): Item {
  const { reader } = parser;
  if (reader.atEnd) reader.fail("\\ at end of pattern");
  const char = reader.peek();
  if (char >= "1" && char <= "9") return readNumbered(parser);
  const byte = readByteEscape(reader);
  if (byte !== null) return parser.literal(byte);
  const place = PLACES[char];
  if (place !== undefined) {
    reader.position++;
    return placeOf(place, char === "b" || char === "B" ? wordsOf(parser) : null);
  }
  const set = parser.characters.escapeClass(char);
  if (set !== undefined) {
    reader.position++;
    return piece(parser.characters.node(set));
  }
  return readRareEscape(parser, char);
}

function readRareEscape(parser: PcreParser, char: string): Item {
  const { reader } = parser;
  reader.position++;
  switch (char) {
    case "C":
      return piece({ kind: "set", set: allBytes });
    case "N":
      if (reader.peek() === "{") {
        if (parser.characters.utf) reader.unsupported("\\N{");
        reader.fail("\\N{U+dddd} is supported only in Unicode (UTF) mode");
      }
      return piece(parser.characters.node(parser.characters.notNewline));
    case "R":
      return wholeCrLfOr(parser, parser.characters.utf ? parser.characters.escapeClass("v")! : LINE_BREAKS);
    case "g":
      return readG(parser);
    case "k":
      return readNamed(parser, "\\k is not followed by a braced, angle-bracketed, or quoted name");
    case "p":
    case "P":
      return piece(parser.characters.node(readProperty(reader, char === "P", parser.characters.size)));
    case "X":
      // Of the first 256 characters, only CR LF makes one with another.
      if (parser.characters.utf) reader.unsupported("\\X with (*UTF)");
      return wholeCrLfOr(parser, parser.characters.all);
    case "K":
      return reader.unsupported("\\K");
    case "F":
    case "L":
    case "l":
    case "U":
    case "u":
      return reader.fail("PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u");
    default:
      return reader.fail("unrecognized character follows \\", reader.position - 1);
  }
}

/** CR LF, which is never given back by half, or one byte of a set. */
function wholeCrLfOr({ characters }: PcreParser, set: ByteSet): Item {
  const items = [characters.literal(0x0d, false), characters.literal(0x0a, false)];
  const branches: readonly PcreNode[] = [{ kind: "sequence", items }, characters.node(set)];
  return piece({ kind: "atomic", body: { kind: "alternatives", branches } });
}

/** What `\b` takes for a word, as bytes. */
function wordsOf({ characters, reader }: PcreParser): ByteSet {
  if (!characters.ucp) return wordBytes;
  if (characters.utf) reader.unsupported("\\b with (*UTF)(*UCP)");
  return characters.words;
}

/** `\1` … `\9` and every number of an existing group are references; other numbers are octal bytes. */
function readNumbered(parser: PcreParser): Item {
  const { reader } = parser;
  const start = reader.position;
  const number = Number(reader.takeMatch(DECIMAL));
  if (number < 10 || number <= parser.groupCount || reader.text[start]! >= "8") {
    return referenceTo(parser, number, reader.position - 1);
  }
  reader.position = start;
  return parser.literal(readOctal(reader));
}

function readG(parser: PcreParser): Item {
  const { reader } = parser;
  if (reader.peek() === "<" || reader.peek() === "'") {
    reader.unsupported("\\g<name>");
  }
  const text = reader.takeMatch(GROUP_NUMBER);
  if (text === "") {
    return readNamed(
      parser,
      "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number",
    );
  }
  const start = reader.position - text.length;
  const digits = text.replace(/[{}]/g, "");
  const number = Number(digits);
  const isRelative = digits.startsWith("-") || digits.startsWith("+");
  const offset = number < 0 ? 1 : 0;
  const target = isRelative ? parser.groupCount + number + offset : number;
  if (target < 1) reader.fail("reference to non-existent subpattern", start);
  return referenceTo(parser, target, reader.position - 1);
}

function readNamed(parser: PcreParser, missing: string): Item {
  const { reader } = parser;
  const closing = CLOSING[reader.takeMatch(OPENING)];
  if (closing === undefined) return reader.fail(missing);
  const start = reader.position;
  return referenceTo(parser, readName(reader, closing), start);
}
