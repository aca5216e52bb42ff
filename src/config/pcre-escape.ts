import { ESCAPE_CLASSES, allBytes, notNewline, setOf, wordBytes } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { oneOf, placeOf, reference } from "./pcre-item.ts";
import type { Item } from "./pcre-item.ts";
import type { PcreParser } from "./pcre-parser.ts";
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
    return placeOf(place, char === "b" || char === "B" ? wordBytes : null);
  }
  const set = ESCAPE_CLASSES.get(char);
  if (set !== undefined) {
    reader.position++;
    return oneOf(set);
  }
  return readRareEscape(parser, char);
}

function readRareEscape(parser: PcreParser, char: string): Item {
  const { reader } = parser;
  reader.position++;
  switch (char) {
    case "C":
      return oneOf(allBytes);
    case "N":
      if (reader.peek() === "{") {
        reader.fail("\\N{U+dddd} is supported only in Unicode (UTF) mode");
      }
      return oneOf(notNewline);
    case "R":
      return wholeCrLfOr(LINE_BREAKS);
    case "g":
      return readG(parser);
    case "k":
      return readNamed(parser, "\\k is not followed by a braced, angle-bracketed, or quoted name");
    case "K":
    case "X":
    case "p":
    case "P":
      return reader.unsupported(`\\${char}`);
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
function wholeCrLfOr(set: ByteSet): Item {
  const [cr, lf] = ["\r", "\n"].map((char) => oneOf(setOf((byte) => byte === char.charCodeAt(0))).node);
  const crLf: PcreNode = { kind: "sequence", items: [cr!, lf!] };
  const branches = [crLf, oneOf(set).node];
  return { node: { kind: "atomic", body: { kind: "alternatives", branches } }, repeatable: true };
}

/** `\1` … `\9` and every number of an existing group are references; other numbers are octal bytes. */
function readNumbered(parser: PcreParser): Item {
  const { reader } = parser;
  const start = reader.position;
  const number = Number(reader.takeMatch(DECIMAL));
  if (number < 10 || number <= parser.groupCount || reader.text[start]! >= "8") {
    return reference(parser.options.caseless, number, reader.position - 1);
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
  return reference(parser.options.caseless, target, reader.position - 1);
}

function readNamed(parser: PcreParser, missing: string): Item {
  const { reader } = parser;
  const closing = CLOSING[reader.takeMatch(OPENING)];
  if (closing === undefined) return reader.fail(missing);
  const start = reader.position;
  return reference(parser.options.caseless, readName(reader, closing), start);
}
