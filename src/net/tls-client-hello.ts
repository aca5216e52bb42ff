/**
 * What a TLS ClientHello says, read before the TLS library sees it: so that the library can be given the right
 * context and session from the start. (RFC 8446 section 4.1.2, RFC 6066 section 3)
 */
import type { ClientHello } from "./connection.ts";

const recordHandshake = 0x16;
const recordHeadBytes = 5;
const messageHeadBytes = 4;
const messageClientHello = 1;
const extensionServerName = 0;
const extensionCurves = 10;
const extensionSignatures = 13;
const extensionPreSharedKey = 41;
const nameTypeHost = 0;

/** A hello may be longer; then the TLS library has to find the name itself. */
export const helloBytesMax = 32 * 1024;

/** What is read from a ClientHello. */
export interface HelloFacts {
  /** As sent. */
  readonly serverName: string | null;
  /** The session that the client would resume, in hexadecimal: the first pre-shared key's name, or the session id. */
  readonly session: string;
  /** What it offers besides; null where it was not asked for. */
  readonly offers: ClientHello | null;
}

/**
 * - "incomplete": more bytes are needed;
 * - "unreadable": no ClientHello, or one that this reader does not understand.
 */
export function readHello(bytes: Buffer, withOffers = false): "incomplete" | "unreadable" | HelloFacts {
  const message = handshakeBytes(bytes);
  if (message === null) return "unreadable";
  if (message.length < messageHeadBytes) return "incomplete";
  if (message[0] !== messageClientHello) return "unreadable";
  const end = messageHeadBytes + message.readUIntBE(1, 3);
  if (message.length < end) return end > helloBytesMax ? "unreadable" : "incomplete";
  try {
    return factsIn(message.subarray(messageHeadBytes, end), withOffers);
  } catch (error) {
    if (error instanceof RangeError) return "unreadable";
    throw error;
  }
}

/** The handshake messages so far, without the records around them; null when there is something else. */
function handshakeBytes(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== recordHandshake) return null;
    if (bytes.length < at + recordHeadBytes) break;
    const end = at + recordHeadBytes + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + recordHeadBytes, end));
    at = end;
  }
  return parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts);
}

/** @throws RangeError when a length points beyond the end. */
function factsIn(hello: Buffer, withOffers: boolean): HelloFacts {
  const sessionIdAt = 2 + 32;
  const ciphersAt = sessionIdAt + 1 + hello.readUInt8(sessionIdAt);
  const compressionAt = ciphersAt + 2 + hello.readUInt16BE(ciphersAt);
  const extensionsAt = compressionAt + 1 + hello.readUInt8(compressionAt);
  const extensions = extensionsAt === hello.length ? null : hello.subarray(extensionsAt);
  const find = (type: number): Buffer | null => (extensions === null ? null : extensionIn(extensions, type));
  const named = find(extensionServerName);
  const key = find(extensionPreSharedKey);
  return {
    serverName: named === null ? null : nameInExtension(named),
    session:
      key === null
        ? hello.toString("hex", sessionIdAt + 1, ciphersAt)
        : key.toString("hex", 4, 4 + key.readUInt16BE(2)),
    offers: withOffers
      ? {
          ciphers: numbersIn(hello.subarray(ciphersAt)),
          curves: numbersIn(find(extensionCurves)),
          signatureAlgorithms: numbersIn(find(extensionSignatures)),
        }
      : null,
  };
}

/** @throws RangeError when a length points beyond the end. */
function extensionIn(extensions: Buffer, type: number): Buffer | null {
  const end = 2 + extensions.readUInt16BE(0);
  for (let at = 2; at < end;) {
    const count = extensions.readUInt16BE(at + 2);
    if (extensions.readUInt16BE(at) === type) return extensions.subarray(at + 4, at + 4 + count);
    at += 4 + count;
  }
  return null;
}

/** A list of numbers of two bytes, its length before it. @throws RangeError */
function numbersIn(list: Buffer | null): number[] {
  if (list === null) return [];
  const count = list.readUInt16BE(0) >> 1;
  return Array.from({ length: count }, (_, index) => list.readUInt16BE(2 + 2 * index));
}

/** @throws RangeError when a length points beyond the end. */
function nameInExtension(list: Buffer): string | null {
  if (list.length === 0 || list.readUInt8(2) !== nameTypeHost) return null;
  const count = list.readUInt16BE(3);
  if (count === 0 || list.length < 5 + count) return null;
  return list.toString("latin1", 5, 5 + count);
}
