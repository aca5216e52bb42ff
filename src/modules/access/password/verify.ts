import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { bcrypt } from "./bcrypt.ts";
import { desCrypt } from "./des-crypt.ts";
import { md5Crypt } from "./md5-crypt.ts";
import { shaCrypt } from "./sha-crypt.ts";

/** Bun brings bcrypt, in a thread of its own; Node does not. */
interface BunPassword {
  verify(password: Uint8Array, hash: string): Promise<boolean>;
}

/** A stored password of a kind that cannot be computed here: yescrypt, for one. */
export class UnsupportedPassword extends Error {
  constructor(stored: string) {
    const kind = /^(?:\$[^$]*\$|_)/.exec(stored)?.[0] ?? "";
    super(`passwords of the kind "${kind}" cannot be checked, use bcrypt ("$2y$") or SHA crypt ("$6$")`);
  }
}

/** How many verified passwords are remembered, so that not each request pays for a slow hash. */
const rememberedMax = 1000;
const remembered = new Set<string>();
const memoryKey = randomBytes(32);

/**
 * Whether a password is the stored one: "{PLAIN}", "{SHA}", "{SSHA}", "$apr1$" and what crypt(3) knows as
 * "$1$", "$5$", "$6$", "$2a$" to "$2y$" (bcrypt), and without a name (DES).
 *
 * @throws UnsupportedPassword for any other kind
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const proof = createHmac("sha256", memoryKey).update(`${stored}\0${password}`, "latin1").digest("latin1");
  if (remembered.has(proof)) return true;
  const good = await compare(Buffer.from(password, "latin1"), stored);
  if (!good) return false;
  if (remembered.size >= rememberedMax) remembered.clear();
  remembered.add(proof);
  return true;
}

async function compare(password: Buffer, stored: string): Promise<boolean> {
  if (stored.startsWith("$2")) return await compareBcrypt(password, stored);
  const computed = compute(password, stored);
  if (computed === null) throw new UnsupportedPassword(stored);
  return sameText(computed, stored);
}

function compute(password: Buffer, stored: string): string | null {
  if (stored.startsWith("{PLAIN}")) return `{PLAIN}${password.toString("latin1")}`;
  if (stored.startsWith("{SHA}")) return `{SHA}${createHash("sha1").update(password).digest("base64")}`;
  if (stored.startsWith("{SSHA}")) return saltedSha(password, stored);
  if (stored.startsWith("$apr1$")) return md5Crypt(password, stored, "$apr1$");
  if (stored.startsWith("$1$")) return md5Crypt(password, stored, "$1$");
  if (stored.startsWith("$5$") || stored.startsWith("$6$")) return shaCrypt(password, stored);
  return /^[./0-9A-Za-z]{2}/.test(stored) ? desCrypt(password, stored) : null;
}

/** SHA-1 of password and salt, with the salt behind the hash. */
function saltedSha(password: Buffer, stored: string): string {
  const salt = Buffer.from(stored.slice("{SSHA}".length), "base64").subarray(20);
  const hash = createHash("sha1").update(password).update(salt).digest();
  return `{SSHA}${Buffer.concat([hash, salt]).toString("base64")}`;
}

/** What follows is not looked at; Bun would hash a longer password first. */
const bcryptBytesMax = 72;

async function compareBcrypt(password: Buffer, stored: string): Promise<boolean> {
  const { Bun } = globalThis as { Bun?: { password: BunPassword } };
  // Bun knows neither "$2x$" nor empty passwords.
  if (Bun !== undefined && password.length > 0 && /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(stored)) {
    return await Bun.password.verify(password.subarray(0, bcryptBytesMax), stored.replace("$2y$", "$2b$"));
  }
  const computed = await bcrypt(password, stored);
  if (computed === null) throw new UnsupportedPassword(stored);
  return sameText(computed, stored);
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text, "latin1").digest();
  return timingSafeEqual(digest(a), digest(b));
}
