/** A set of bytes (or of code points, while a pattern is read), as a character class of a regular expression describes one. */
export type ByteSet = Uint8Array;

/** A set of none of `size` bytes or code points; members are 1, all others 0. */
export function emptySet(size = 256): ByteSet {
  return new Uint8Array(size);
}

/** The set of bytes that `test` accepts. */
export function setOf(test: (byte: number) => boolean): ByteSet {
  return emptySet().map((_, byte) => (test(byte) ? 1 : 0));
}

/** Adds to `target` what is in `source`, which must not be larger. */
export function addAll(target: ByteSet, source: ByteSet): void {
  source.forEach((member, byte) => {
    if (member === 1) target[byte] = 1;
  });
}

/** A new set, of all that is not in this one. */
export function complement(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member);
}

/** Adds the other case of every ASCII letter; bytes above 127 have no case here, as in the C locale. */
export function foldCase(set: ByteSet): void {
  for (let upper = 0x41; upper <= 0x5a; upper++) {
    const either = set[upper]! | set[upper + 32]!;
    set[upper] = either;
    set[upper + 32] = either;
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isLower = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;
const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const isAlpha = (byte: number): boolean => isLower(byte) || isUpper(byte);
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const isGraph = (byte: number): boolean => byte > 0x20 && byte < 0x7f;
const isWord = (byte: number): boolean => isAlpha(byte) || isDigit(byte) || byte === 0x5f;

/** The classes that may stand as `[:name:]` inside a character class. */
export const POSIX_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ["alpha", setOf(isAlpha)],
  ["lower", setOf(isLower)],
  ["upper", setOf(isUpper)],
  ["alnum", setOf((byte) => isAlpha(byte) || isDigit(byte))],
  ["ascii", setOf((byte) => byte < 0x80)],
  ["blank", setOf((byte) => byte === 0x20 || byte === 0x09)],
  ["cntrl", setOf((byte) => byte < 0x20 || byte === 0x7f)],
  ["digit", setOf(isDigit)],
  ["graph", setOf(isGraph)],
  ["print", setOf((byte) => isGraph(byte) || byte === 0x20)],
  ["punct", setOf((byte) => isGraph(byte) && !isAlpha(byte) && !isDigit(byte))],
  ["space", setOf(isSpace)],
  ["word", setOf(isWord)],
  [
    "xdigit",
    setOf((byte) => isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)),
  ],
]);

const HORIZONTAL_SPACE = setOf((byte) => byte === 0x09 || byte === 0x20 || byte === 0xa0);
const VERTICAL_SPACE = setOf((byte) => (byte >= 0x0a && byte <= 0x0d) || byte === 0x85);

/** `\d`, `\D` and the like, by their letter. */
export const ESCAPE_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ["d", setOf(isDigit)],
  ["D", complement(setOf(isDigit))],
  ["s", setOf(isSpace)],
  ["S", complement(setOf(isSpace))],
  ["w", setOf(isWord)],
  ["W", complement(setOf(isWord))],
  ["h", HORIZONTAL_SPACE],
  ["H", complement(HORIZONTAL_SPACE)],
  ["v", VERTICAL_SPACE],
  ["V", complement(VERTICAL_SPACE)],
]);

/** Every byte: what a dot matches with `(?s)`. Shared: not to be changed. */
export const allBytes: ByteSet = setOf(() => true);

/** What a dot matches. */
export const notNewline: ByteSet = setOf((byte) => byte !== 0x0a);

/** What `\b` takes for a word. */
export const wordBytes: ByteSet = setOf(isWord);

/** Whether some byte is in both sets. */
export function overlap(a: ByteSet, b: ByteSet): boolean {
  return a.some((member, byte) => member === 1 && b[byte] === 1);
}

/** The only byte of a set, or -1 when there is none or more than one. */
export function singleByte(set: ByteSet): number {
  const first = set.indexOf(1);
  return first === set.lastIndexOf(1) ? first : -1;
}
