import { createHash } from "node:crypto";
import { cryptBase64 } from "./crypt-base64.ts";

const rounds = 1000;

/** Which bytes of the digest make four characters together. */
const order = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]];

/**
 * Poul-Henning Kamp's MD5 crypt, as crypt(3) has it for "$1$" and Apache for "$apr1$".
 *
 * @param magic "$1$" or "$apr1$"
 * @param setting what is stored: magic, salt, and perhaps the hash
 */
export function md5Crypt(password: Buffer, setting: string, magic: string): string {
  const salt = setting.slice(magic.length).split("$", 1)[0]!.slice(0, 8);
  const saltBytes = Buffer.from(salt, "latin1");
  const digest = stretch(firstDigest(password, saltBytes, magic), password, saltBytes);
  return `${magic}${salt}$${cryptBase64(digest, order)}`;
}

function firstDigest(password: Buffer, salt: Buffer, magic: string): Buffer {
  const inner = md5(password, salt, password);
  const hash = createHash("md5").update(password).update(magic, "latin1").update(salt);
  for (let left = password.length; left > 0; left -= 16) hash.update(inner.subarray(0, Math.min(16, left)));
  const zero = Buffer.alloc(1);
  for (let bits = password.length; bits > 0; bits >>= 1)
    hash.update((bits & 1) === 1 ? zero : password.subarray(0, 1));
  return hash.digest();
}

function stretch(first: Buffer, password: Buffer, salt: Buffer): Buffer {
  let digest = first;
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    const parts = [odd ? password : digest];
    if (round % 3 !== 0) parts.push(salt);
    if (round % 7 !== 0) parts.push(password);
    parts.push(odd ? digest : password);
    digest = md5(...parts);
  }
  return digest;
}

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
