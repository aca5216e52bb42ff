/** A usual name: lower-case letters, digits and hyphens. */
export const nameUsual = 0;
/** A usual name but for underscores, which nginx takes with `underscores_in_headers` only. */
export const nameUnderscore = 1;
/** Other characters of a token, which nginx takes with `ignore_invalid_headers off` only. */
export const nameOdd = 2;
/** `te`: it may say "trailers" and nothing else (RFC 9113, section 8.2.2). */
export const nameTe = 3;
/** Fields that are about an HTTP/1.1 connection, and make a message malformed (section 8.2.2). */
export const nameOfConnection = 4;
/** Empty, upper case, or bytes that may not stand in a name (section 8.2.1). */
export const nameMalformed = 5;

const connectionNames = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  // Not registered; nginx's HTTP/2 knows it, and HTTP/2 itself had it before it was a standard.
  "http2-settings",
]);

const usual = /^[a-z0-9-]+$/;
const underscored = /^[a-z0-9_-]+$/;
const token = /^[^\0-\x20A-Z:\x7f-\xff]+$/;

const keptMax = 2048;
const keptLengthMax = 64;
/** Names seen before. Bounded, because clients choose them; never emptied, because the usual ones come early. */
const kinds = new Map<string, number>();

/** What kind of a name it is; not for pseudo-headers. */
export function nameKind(name: string): number {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const kind = judgeName(name);
  if (kinds.size < keptMax && name.length <= keptLengthMax) kinds.set(name, kind);
  return kind;
}

function judgeName(name: string): number {
  if (name === "te") return nameTe;
  if (connectionNames.has(name)) return nameOfConnection;
  if (usual.test(name)) return nameUsual;
  if (underscored.test(name)) return nameUnderscore;
  return token.test(name) ? nameOdd : nameMalformed;
}

const forbiddenInValue = /[\0\r\n]/;

/** No NUL, CR or LF, and no white space at either end (RFC 9113, section 8.2.1). */
export function isFieldValue(value: string): boolean {
  if (value === "") return true;
  return (
    !isBlank(value.charCodeAt(0)) &&
    !isBlank(value.charCodeAt(value.length - 1)) &&
    !forbiddenInValue.test(value)
  );
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** What a field counts for in a head's size (RFC 9113, section 6.5.2). */
export const fieldOverheadBytes = 32;
