/**
 * The name in a TLS ClientHello, read before the TLS library sees it: so that the library can be given
 * the right context from the start. (RFC 8446 section 4.1.2, RFC 6066 section 3)
 */
const recordHandshake = 0x16;
const recordHeadBytes = 5;
const messageHeadBytes = 4;
const messageClientHello = 1;
const extensionServerName = 0;
const nameTypeHost = 0;

/** A hello may be longer; then the TLS library has to find the name itself. */
export const helloBytesMax = 32 * 1024;

/**
 * - "incomplete": more bytes are needed;
 * - "unreadable": no ClientHello, or one that this reader does not understand;
 * - else the name as sent, or null.
 */
export type HelloName = "incomplete" | "unreadable" | { readonly serverName: string | null };

export function serverNameOf(bytes: Buffer): HelloName {
  const message = handshakeBytes(bytes);
  if (message === null) return "unreadable";
  if (message.length < messageHeadBytes) return "incomplete";
  if (message[0] !== messageClientHello) return "unreadable";
  const end = messageHeadBytes + message.readUIntBE(1, 3);
  if (message.length < end) return end > helloBytesMax ? "unreadable" : "incomplete";
  try {
    return { serverName: nameInHello(message.subarray(messageHeadBytes, end)) };
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
function nameInHello(hello: Buffer): string | null {
  const sessionIdAt = 2 + 32;
  const ciphersAt = sessionIdAt + 1 + hello.readUInt8(sessionIdAt);
  const compressionAt = ciphersAt + 2 + hello.readUInt16BE(ciphersAt);
  const extensionsAt = compressionAt + 1 + hello.readUInt8(compressionAt);
  if (extensionsAt === hello.length) return null;
  const end = extensionsAt + 2 + hello.readUInt16BE(extensionsAt);
  for (let at = extensionsAt + 2; at < end;) {
    const count = hello.readUInt16BE(at + 2);
    if (hello.readUInt16BE(at) === extensionServerName)
      return nameInExtension(hello.subarray(at + 4, at + 4 + count));
    at += 4 + count;
  }
  return null;
}

/** @throws RangeError when a length points beyond the end. */
function nameInExtension(list: Buffer): string | null {
  if (list.length === 0 || list.readUInt8(2) !== nameTypeHost) return null;
  const count = list.readUInt16BE(3);
  if (count === 0 || list.length < 5 + count) return null;
  return list.toString("latin1", 5, 5 + count);
}
