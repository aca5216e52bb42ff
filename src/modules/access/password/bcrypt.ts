import { piWords } from "./pi.ts";

const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const usualAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const subkeys = 18;
const boxWords = 1024;
/** Rounds between two rests, in which others get their turn: a millisecond or two. */
const roundsAtOnce = 8;
/** Beyond it a check would take minutes; nobody stores such. */
const costMax = 17;

interface Setting {
  readonly prefix: string;
  readonly rounds: number;
  readonly salt: Buffer;
  /** "$2x$" took bytes for signed numbers. */
  readonly signed: boolean;
}

/**
 * Niels Provos's and David Mazières's bcrypt, as crypt(3) has it for "$2a$", "$2b$", "$2x$" and "$2y$". Rests
 * now and then, so that a check does not hold up everything else.
 *
 * @param setting what is stored: version, cost, salt, and perhaps the hash
 * @returns null when the setting is malformed, or its cost beyond what is computed here
 */
export async function bcrypt(password: Buffer, setting: string): Promise<string | null> {
  const parsed = parseSetting(setting);
  if (parsed === null) return null;
  const { prefix, rounds, salt, signed } = parsed;
  const key = keyWords(Buffer.concat([password, Buffer.alloc(1)]), signed);
  const saltKey = keyWords(salt, false);
  const cipher = new Blowfish();
  cipher.expand(key, saltKey);
  const noSalt = new Int32Array(4);
  for (let round = 0; round < rounds; round++) {
    if (round % roundsAtOnce === roundsAtOnce - 1) await new Promise((resolve) => setImmediate(resolve));
    cipher.expand(key, noSalt);
    cipher.expand(saltKey, noSalt);
  }
  return `${prefix}${encode(salt)}${encode(cipher.hash().subarray(0, 23))}`;
}

function parseSetting(text: string): Setting | null {
  const match = /^(\$2([abxy])\$(\d\d)\$)([./A-Za-z0-9]{22})/.exec(text);
  if (match === null) return null;
  const [, prefix = "", version, cost, salt = ""] = match;
  if (Number(cost) < 4 || Number(cost) > costMax) return null;
  return { prefix, rounds: 2 ** Number(cost), salt: decode(salt), signed: version === "x" };
}

function encode(bytes: Buffer): string {
  const text = bytes.toString("base64").replace(/=+$/, "");
  return text.replace(/./g, (character) => bcryptAlphabet[usualAlphabet.indexOf(character)]!);
}

function decode(text: string): Buffer {
  const usual = text.replace(/./g, (character) => usualAlphabet[bcryptAlphabet.indexOf(character)]!);
  return Buffer.from(usual, "base64");
}

/** The bytes over and over again, as long as there are subkeys. */
function keyWords(bytes: Buffer, signed: boolean): Int32Array {
  const words = new Int32Array(subkeys);
  let at = 0;
  for (let index = 0; index < subkeys; index++) {
    let word = 0;
    for (let i = 0; i < 4; i++) {
      const byte = bytes[at]!;
      word = (word << 8) | (signed && byte > 127 ? byte - 256 : byte);
      at = (at + 1) % bytes.length;
    }
    words[index] = word;
  }
  return words;
}

/** Bruce Schneier's cipher, with the key schedule that bcrypt makes expensive. */
class Blowfish {
  private readonly keys: Int32Array;
  private readonly boxes: Int32Array;
  private left = 0;
  private right = 0;

  constructor() {
    const pi = piWords(subkeys + boxWords);
    this.keys = pi.slice(0, subkeys);
    this.boxes = pi.slice(subkeys);
  }

  /** @param salt its first four words are mixed in, in turn */
  expand(key: Int32Array, salt: Int32Array): void {
    const { keys, boxes } = this;
    for (let index = 0; index < subkeys; index++) keys[index]! ^= key[index]!;
    this.left = 0;
    this.right = 0;
    let turn = 0;
    for (let index = 0; index < subkeys; index += 2) turn = this.next(keys, index, salt, turn);
    for (let index = 0; index < boxWords; index += 2) turn = this.next(boxes, index, salt, turn);
  }

  /** The text that stands for a password: a fixed one, encrypted 64 times. */
  hash(): Buffer {
    const bytes = Buffer.from("OrpheanBeholderScryDoubt", "latin1");
    for (let at = 0; at < bytes.length; at += 8) {
      this.left = bytes.readInt32BE(at);
      this.right = bytes.readInt32BE(at + 4);
      for (let time = 0; time < 64; time++) this.encrypt();
      bytes.writeInt32BE(this.left, at);
      bytes.writeInt32BE(this.right, at + 4);
    }
    return bytes;
  }

  private next(words: Int32Array, index: number, salt: Int32Array, turn: number): number {
    this.left ^= salt[turn]!;
    this.right ^= salt[turn + 1]!;
    this.encrypt();
    words[index] = this.left;
    words[index + 1] = this.right;
    return turn ^ 2;
  }

  private encrypt(): void {
    const { keys, boxes } = this;
    let left = this.left ^ keys[0]!;
    let { right } = this;
    for (let round = 1; round < subkeys - 1; round += 2) {
      right ^= substitute(boxes, left) ^ keys[round]!;
      left ^= substitute(boxes, right) ^ keys[round + 1]!;
    }
    this.left = right ^ keys[subkeys - 1]!;
    this.right = left;
  }
}

function substitute(boxes: Int32Array, word: number): number {
  const sum =
    (boxes[word >>> 24]! + boxes[256 + ((word >>> 16) & 255)]!) ^ boxes[512 + ((word >>> 8) & 255)]!;
  return (sum + boxes[768 + (word & 255)]!) | 0;
}
