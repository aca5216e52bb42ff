import { PcreError } from "./pcre-syntax.ts";

/** A place in a pattern, and the small lexical rules that classes and the rest share. */
export class PcreReader {
  readonly text: string;
  position = 0;
  /** The last character that there is. */
  codeMax = 0xff;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** The unit `offset` places ahead, which stays; "" behind the end. */
  peek(offset = 0): string {
    return this.text[this.position + offset] ?? "";
  }

  /** Takes one unit of the text; "" at its end. */
  take(): string {
    return this.text[this.position++] ?? "";
  }

  /** Takes one character. */
  takeCode(): number {
    const code = this.text.codePointAt(this.position)!;
    this.position += code > 0xffff ? 2 : 1;
    return code;
  }

  /** Takes `expected` where it stands next, and tells whether it did. */
  takeIf(expected: string): boolean {
    if (!this.text.startsWith(expected, this.position)) return false;
    this.position += expected.length;
    return true;
  }

  /** Takes what a sticky expression matches here, or "". */
  takeMatch(sticky: RegExp): string {
    sticky.lastIndex = this.position;
    const found = sticky.exec(this.text)?.[0] ?? "";
    this.position += found.length;
    return found;
  }

  /** @throws PcreError with PCRE's words and the place that they are about */
  fail(message: string, offset = this.position): never {
    throw new PcreError(message, offset);
  }

  /** For what PCRE can do and JavaScript's engine cannot. */
  unsupported(feature: string): never {
    throw new PcreError(feature, this.position, true);
  }
}

/** Longest names of groups that PCRE takes. */
const NAME_BYTES_MAX = 32;

const WORD = /\w*/y;
const OCTAL_2 = /[0-7]{0,2}/y;
const OCTAL_3 = /[0-7]{1,3}/y;
const HEX_2 = /[0-9a-fA-F]{0,2}/y;
const OCTAL_DIGITS = /[0-7]*/y;
const HEX_DIGITS = /[0-9a-fA-F]*/y;

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 0x07,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
};

/**
 * Reads an escape that stands for one byte; the reader is behind the backslash. Null leaves the reader
 * there: the escape means something else.
 */
export function readByteEscape(reader: PcreReader): number | null {
  const char = reader.peek();
  if (!/[A-Za-z0-9]/.test(char)) {
    return reader.takeCode();
  }
  const simple = SIMPLE_ESCAPES[char];
  if (simple !== undefined) {
    reader.position++;
    return simple;
  }
  switch (char) {
    case "0":
      reader.position++;
      return Number.parseInt(`0${reader.takeMatch(OCTAL_2)}`, 8);
    case "c":
      reader.position++;
      return readControl(reader);
    case "o":
      reader.position++;
      if (reader.peek() !== "{") reader.fail("missing opening brace after \\o", reader.position - 1);
      return readBraced(reader, OCTAL_DIGITS, 8, "non-octal character in \\o{} (closing brace missing?)");
    case "x":
      reader.position++;
      if (reader.peek() === "{") {
        return readBraced(reader, HEX_DIGITS, 16, "non-hex character in \\x{} (closing brace missing?)");
      }
      return Number.parseInt(`0${reader.takeMatch(HEX_2)}`, 16);
    default:
      return null;
  }
}

/** `\123` inside a class, or where there is no such group. */
export function readOctal(reader: PcreReader): number {
  const digits = reader.takeMatch(OCTAL_3);
  if (digits === "") return reader.take().charCodeAt(0);
  const code = Number.parseInt(digits, 8);
  if (code > reader.codeMax) reader.fail("octal value is greater than \\377 in 8-bit non-UTF-8 mode");
  return code;
}

function readControl(reader: PcreReader): number {
  if (reader.atEnd) reader.fail("\\c at end of pattern");
  const char = reader.peek().toUpperCase();
  const code = char.charCodeAt(0);
  if (code < 0x20 || code > 0x7e) {
    reader.fail("\\c must be followed by a printable ASCII character");
  }
  reader.position++;
  return code ^ 0x40;
}

function readBraced(reader: PcreReader, digit: RegExp, radix: number, missing: string): number {
  reader.position++;
  const digits = reader.takeMatch(digit);
  if (reader.peek() !== "}") reader.fail(missing, Math.max(reader.position - (reader.atEnd ? 1 : 0), 0));
  if (digits === "") reader.fail("digits missing in \\x{} or \\o{} or \\N{U+}");
  const code = Number.parseInt(digits, radix);
  if (code > reader.codeMax) reader.fail("character code point value in \\x{} or \\o{} is too large");
  if (code >= 0xd800 && code <= 0xdfff) {
    reader.fail("disallowed Unicode code point (>= 0xd800 && <= 0xdfff)");
  }
  reader.position++;
  return code;
}

/** Reads a group's name up to its terminator. */
export function readName(reader: PcreReader, terminator: string): string {
  if (/\d/.test(reader.peek())) reader.fail("subpattern name must start with a non-digit");
  const name = reader.takeMatch(WORD);
  if (name === "" && !reader.atEnd) reader.fail("subpattern name expected");
  if (name.length > NAME_BYTES_MAX) {
    reader.fail(`subpattern name is too long (maximum ${NAME_BYTES_MAX} code units)`);
  }
  if (!reader.takeIf(terminator)) {
    reader.fail("syntax error in subpattern name (missing terminator?)");
  }
  return name;
}
