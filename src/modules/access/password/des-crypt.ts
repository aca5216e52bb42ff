/** The tables of FIPS 46-3; bits are counted from 1. */
const leftKey = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
];
const rightKey = [
  63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const roundKey = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47,
  55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const rotations = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
const permutation = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22,
  11, 4, 25,
];

/** One hexadecimal digit per entry, four rows of 16. */
const substitutions = [
  "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
  "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
  "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
  "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
  "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
  "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
  "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
  "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
].map((digits) => Uint8Array.from(digits, (digit) => Number.parseInt(digit, 16)));

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** How often the block is encrypted. */
const passes = 25;

/**
 * The crypt(3) of old: DES of zeros under the first eight characters of a password, with a salt that
 * changes the cipher.
 *
 * @param setting what is stored: two characters of salt, and perhaps the hash
 */
export function desCrypt(password: Buffer, setting: string): string {
  const keys = roundKeys(keyBits(password));
  const expansion = saltedExpansion(setting);
  let left = new Uint8Array(32);
  let right = new Uint8Array(32);
  for (let pass = 0; pass < passes; pass++) {
    for (const key of keys) [left, right] = [right, mix(left, right, key, expansion)];
    // The final permutation and the initial one of the next pass undo each other.
    [left, right] = [right, left];
  }
  return setting.slice(0, 2) + toText(permuteFinally(left, right));
}

/** Seven bits of each character; the eighth is the parity, which does not count. */
function keyBits(password: Buffer): Uint8Array {
  const bits = new Uint8Array(64);
  for (let at = 0; at < 8; at++) {
    const byte = password[at] ?? 0;
    for (let bit = 0; bit < 7; bit++) bits[8 * at + bit] = (byte >> (6 - bit)) & 1;
  }
  return bits;
}

function roundKeys(key: Uint8Array): Uint8Array[] {
  let left = leftKey.map((bit) => key[bit - 1]!);
  let right = rightKey.map((bit) => key[bit - 1]!);
  return rotations.map((count) => {
    left = [...left.slice(count), ...left.slice(0, count)];
    right = [...right.slice(count), ...right.slice(0, count)];
    const both = [...left, ...right];
    return Uint8Array.from(roundKey, (bit) => both[bit - 1]!);
  });
}

/** Each of the salt's twelve bits exchanges two of the places that bits are taken from. */
function saltedExpansion(setting: string): number[] {
  const places = Array.from({ length: 48 }, (_, at) => (4 * Math.floor(at / 6) + (at % 6) + 31) % 32);
  const salt = alphabet.indexOf(setting[0]!) | (alphabet.indexOf(setting[1]!) << 6);
  for (let bit = 0; bit < 12; bit++) {
    if (((salt >> bit) & 1) === 0) continue;
    [places[bit], places[bit + 24]] = [places[bit + 24]!, places[bit]!];
  }
  return places;
}

/** What a round makes of the left half. */
function mix(
  left: Uint8Array,
  right: Uint8Array,
  key: Uint8Array,
  expansion: readonly number[],
): Uint8Array<ArrayBuffer> {
  const substituted = new Uint8Array(32);
  for (let box = 0; box < 8; box++) {
    let input = 0;
    for (let at = 6 * box; at < 6 * box + 6; at++) input = (input << 1) | (right[expansion[at]!]! ^ key[at]!);
    const row = ((input >> 4) & 2) | (input & 1);
    const output = substitutions[box]![16 * row + ((input >> 1) & 15)]!;
    for (let bit = 0; bit < 4; bit++) substituted[4 * box + bit] = (output >> (3 - bit)) & 1;
  }
  const mixed = new Uint8Array(32);
  for (let at = 0; at < 32; at++) mixed[at] = left[at]! ^ substituted[permutation[at]! - 1]!;
  return mixed;
}

/** The inverse of DES's initial permutation. */
function permuteFinally(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bits = new Uint8Array(66);
  for (let at = 0; at < 64; at++) {
    const row = at >> 3;
    const place = 8 * (7 - (at & 7)) + (row < 4 ? 2 * row + 1 : 2 * (row - 4));
    bits[place] = at < 32 ? left[at]! : right[at - 32]!;
  }
  return bits;
}

/** Eleven characters, the highest bits first. */
function toText(bits: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bits.length; at += 6) {
    let value = 0;
    for (let bit = at; bit < at + 6; bit++) value = (value << 1) | bits[bit]!;
    text += alphabet[value]!;
  }
  return text;
}
