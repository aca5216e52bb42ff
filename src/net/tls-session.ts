/**
 * The session id inside a serialised TLS session, the one thing that `$ssl_session_id` needs and no
 * runtime tells. The serialisation is DER: SEQUENCE { INTEGER structure, INTEGER protocol,
 * OCTET STRING cipher, OCTET STRING session id, … }.
 */
const derInteger = 0x02;
const derOctets = 0x04;
const derSequence = 0x30;

/** Hexadecimal, "" when there is none or the session cannot be read. */
export function sessionIdOf(session: Buffer | undefined): string {
  if (session === undefined || session[0] !== derSequence) return "";
  let at = contentAt(session, 0);
  for (const tag of [derInteger, derInteger, derOctets]) {
    if (session[at] !== tag) return "";
    at = contentAt(session, at) + contentLength(session, at);
  }
  if (session[at] !== derOctets) return "";
  const start = contentAt(session, at);
  return session.toString("hex", start, start + contentLength(session, at));
}

function contentAt(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  return first < 0x80 ? at + 2 : at + 2 + (first & 0x7f);
}

function contentLength(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return first;
  let length = 0;
  for (let i = 0; i < (first & 0x7f); i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  return length;
}
