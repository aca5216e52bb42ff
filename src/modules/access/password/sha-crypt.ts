import { createHash } from "node:crypto";
import { cryptBase64 } from "./crypt-base64.ts";

interface Variant {
  readonly algorithm: "sha256" | "sha512";
  readonly size: number;
  readonly order: readonly (readonly number[])[];
}

/**
 * The digest's bytes in groups of three: each group's indices are those of the one before, moved round by
 * one place and on by one.
 */
function groups(third: number, step: (group: Group) => Group): number[][] {
  let group: Group = [0, third, 2 * third];
  const all: number[][] = [];
  for (let i = 0; i < third; i++) {
    all.push(group);
    group = step(group).map((index) => (index + 1) % (3 * third)) as unknown as Group;
  }
  return all;
}

type Group = [number, number, number];

const variants: Readonly<Record<string, Variant>> = {
  $5$: { algorithm: "sha256", size: 32, order: [...groups(10, ([a, b, c]) => [c, a, b]), [31, 30]] },
  $6$: { algorithm: "sha512", size: 64, order: [...groups(21, ([a, b, c]) => [b, c, a]), [63]] },
};

const roundsDefault = 5000;
const roundsMin = 1000;
/** The specification allows 999,999,999, which would stand still for minutes; nobody stores such. */
const roundsMax = 1_000_000;

/**
 * Ulrich Drepper's SHA crypt: "$5$" (SHA-256) and "$6$" (SHA-512) of crypt(3).
 *
 * @returns null when the number of rounds is beyond what is computed here
 */
export function shaCrypt(password: Buffer, setting: string): string | null {
  const magic = setting.slice(0, 3);
  const variant = variants[magic]!;
  const told = /^rounds=(\d+)\$/.exec(setting.slice(3));
  const rounds = told === null ? roundsDefault : Math.max(roundsMin, Number(told[1]));
  if (rounds > roundsMax) return null;
  const salt = setting
    .slice(3 + (told?.[0].length ?? 0))
    .split("$", 1)[0]!
    .slice(0, 16);
  const digest = compute(variant, password, Buffer.from(salt, "latin1"), rounds);
  const prefix = told === null ? "" : `rounds=${rounds}$`;
  return `${magic}${prefix}${salt}$${cryptBase64(digest, variant.order)}`;
}

function compute(variant: Variant, password: Buffer, salt: Buffer, rounds: number): Buffer {
  const first = firstDigest(variant, password, salt);
  const passwords = sequence(variant, password, password.length, password.length);
  const salts = sequence(variant, salt, 16 + first[0]!, salt.length);
  let digest = first;
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    const hash = createHash(variant.algorithm).update(odd ? passwords : digest);
    if (round % 3 !== 0) hash.update(salts);
    if (round % 7 !== 0) hash.update(passwords);
    digest = hash.update(odd ? digest : passwords).digest();
  }
  return digest;
}

function firstDigest({ algorithm, size }: Variant, password: Buffer, salt: Buffer): Buffer {
  const inner = createHash(algorithm).update(password).update(salt).update(password).digest();
  const hash = createHash(algorithm).update(password).update(salt);
  for (let left = password.length; left > 0; left -= size)
    hash.update(inner.subarray(0, Math.min(size, left)));
  for (let bits = password.length; bits > 0; bits >>= 1) hash.update((bits & 1) === 1 ? inner : password);
  return hash.digest();
}

/** A text, hashed `times` over, repeated to `length` bytes. */
function sequence({ algorithm }: Variant, text: Buffer, times: number, length: number): Buffer {
  const hash = createHash(algorithm);
  for (let i = 0; i < times; i++) hash.update(text);
  const digest = hash.digest();
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = digest[i % digest.length]!;
  return bytes;
}
