import { addAll, complement } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import type { PcreCharacters } from "./pcre-characters.ts";
import { readProperty } from "./pcre-property.ts";
import { readByteEscape, readOctal } from "./pcre-reader.ts";
import type { PcreReader } from "./pcre-reader.ts";

/** One member of a class: a byte that may begin a range, or a set that may not. */
type Member = { readonly byte: number } | { readonly set: ByteSet; readonly isProperty?: boolean };

const POSIX = /\[:(\^?)([a-z]*):\]/y;

/** Reads a character class; the reader is behind its "[". */
export function readClass(reader: PcreReader, characters: PcreCharacters, caseless: boolean): ByteSet {
  const set = characters.emptySet();
  /** Those that the case makes no difference to. */
  const properties = characters.emptySet();
  const negated = reader.takeIf("^");
  let first = true;
  let quoting = false;
  for (;;) {
    if (reader.atEnd) reader.fail("missing terminating ] for character class");
    if (quoting && reader.takeIf("\\E")) {
      quoting = false;
      continue;
    }
    if (!quoting && (reader.takeIf("\\E") || reader.takeIf("\\Q"))) {
      quoting = reader.text[reader.position - 1] === "Q";
      continue;
    }
    if (!quoting && !first && reader.takeIf("]")) break;
    first = false;
    const member = quoting ? { byte: reader.takeCode() } : readMember(reader, characters);
    if ("set" in member) {
      addAll(member.isProperty === true ? properties : set, member.set);
      refuseRangeAfterSet(reader, quoting);
    } else {
      addRange(reader, characters, set, member.byte, quoting);
    }
  }
  if (caseless) characters.fold(set);
  addAll(set, properties);
  return negated ? complement(set) : set;
}

/** Adds `first`, or the range that it begins when a hyphen and another byte follow. */
function addRange(
  reader: PcreReader,
  characters: PcreCharacters,
  set: ByteSet,
  first: number,
  quoting: boolean,
): void {
  set[first] = 1;
  const isRange = !quoting && reader.peek() === "-" && reader.peek(1) !== "]" && reader.peek(1) !== "";
  if (!isRange) return;
  reader.position++;
  const start = reader.position;
  const member = readMember(reader, characters);
  if ("set" in member) {
    // PCRE points behind the first byte of `[:name:]`, and behind the whole of `\d`.
    const isPosix = reader.text[start] === "[";
    reader.fail("invalid range in character class", isPosix ? start + 1 : reader.position);
  }
  if (member.byte < first) reader.fail("range out of order in character class", reader.position - 1);
  for (let byte = first; byte <= member.byte; byte++) set[byte] = 1;
}

/** `[\d-z]` is a mistake; a hyphen at the end of the class is just a hyphen. */
function refuseRangeAfterSet(reader: PcreReader, quoting: boolean): void {
  if (quoting || reader.peek() !== "-") return;
  if (reader.peek(1) === "]" || reader.peek(1) === "") return;
  reader.fail("invalid range in character class", reader.position);
}

function readMember(reader: PcreReader, characters: PcreCharacters): Member {
  const char = reader.peek();
  if (char === "[") {
    const posix = readPosix(reader, characters);
    if (posix !== null) return { set: posix, isProperty: characters.ucp };
  }
  const code = reader.takeCode();
  return char === "\\" ? readClassEscape(reader, characters) : { byte: code };
}

function readPosix(reader: PcreReader, characters: PcreCharacters): ByteSet | null {
  const start = reader.position;
  const next = reader.peek(1);
  if ((next === "." || next === "=") && reader.text.includes(`${next}]`, start + 2)) {
    reader.fail("POSIX collating elements are not supported", start);
  }
  const text = reader.takeMatch(POSIX);
  if (text === "") return null;
  const negated = text[2] === "^";
  const set = characters.posixClass(text.slice(negated ? 3 : 2, -2));
  if (set === undefined) reader.fail("unknown POSIX class name", start + (negated ? 3 : 2));
  return negated ? complement(set) : set;
}

function readClassEscape(reader: PcreReader, characters: PcreCharacters): Member {
  if (reader.atEnd) reader.fail("\\ at end of pattern");
  const char = reader.peek();
  const set = characters.escapeClass(char);
  if (set !== undefined) {
    reader.position++;
    return { set };
  }
  if (char === "p" || char === "P") {
    reader.position++;
    return { set: readProperty(reader, char === "P", characters.size), isProperty: true };
  }
  if (char === "b") {
    reader.position++;
    return { byte: 0x08 };
  }
  if (char >= "1" && char <= "9") return { byte: readOctal(reader) };
  const byte = readByteEscape(reader);
  if (byte !== null) return { byte };
  reader.position++;
  if (char === "N") reader.fail("\\N is not supported in a class");
  if ("BRX".includes(char)) reader.fail("escape sequence is invalid in character class", reader.position - 1);
  return reader.fail("unrecognized character follows \\", reader.position - 1);
}
