/**
 * The names in certificates, in OpenSSL's spellings. They begin as the runtimes give them: one part per
 * line, first part first, the special characters of RFC 2253 escaped.
 */

/** As RFC 2253 writes a name: "CN=a,O=b", the last part first. */
export function rfc2253Name(name: string): string {
  const parts = partsOf(name).map((line) => line.split(" + ").reverse().join("+"));
  return parts
    .reverse()
    .join(",")
    .replace(/[^\0-\x7f]/gu, escapeUtf8);
}

/** A distinguished name the old way, "/O=b/CN=a": `$ssl_client_s_dn_legacy`. */
export function legacyName(name: string): string {
  const parts = partsOf(name).map((line) => line.split(" + ").map(unescape).join("+"));
  return parts.map((part) => `/${part}`).join("");
}

function partsOf(name: string): string[] {
  return name.split("\n").filter((line) => line !== "");
}

function escapeUtf8(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\${hex(byte)}`).join("");
}

function unescape(part: string): string {
  const plain = part.replace(
    /\\([0-9A-F]{2})|\\(.)/g,
    (_, code: string | undefined, character: string | undefined) =>
      code === undefined ? (character ?? "") : String.fromCharCode(Number.parseInt(code, 16)),
  );
  return plain.replace(/[^ -~]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${hex(byte)}`).join(""),
  );
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}
