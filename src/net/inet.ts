/**
 * Addresses as people and proxies spell them, read as nginx reads them: ngx_inet_addr, ngx_inet6_addr
 * and ngx_parse_addr_port. They take more than the RFCs ("01.2.3.4", "1..2.3"), and not 255.255.255.255,
 * which stands for "no address" there.
 */

const zero = 0x30;
const nine = 0x39;
const dot = 0x2e;
const colon = 0x3a;

/** An address with the port behind it. */
export interface InetPort {
  readonly ip: Buffer;
  /** 0: there was none. */
  readonly port: number;
}

/** "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80" or "[::1]"; null for what is none of them. */
export function parseInetPort(text: string): InetPort | null {
  const bare = parseInet(text);
  if (bare !== null) return { ip: bare, port: 0 };
  const bracketed = text.startsWith("[");
  const end = text.indexOf(bracketed ? "]" : ":");
  if (end < 0) return null;
  const portStart = bracketed ? end + 2 : end + 1;
  const ip = parseInet(text.slice(bracketed ? 1 : 0, end));
  // Since nginx 1.27.3.
  if (bracketed && end + 1 === text.length) return ip === null ? null : { ip, port: 0 };
  if (bracketed && text[end + 1] !== ":") return null;
  const digits = text.slice(portStart);
  const port = /^\d+$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65535) return null;
  return ip === null ? null : { ip, port };
}

/** The bytes of an IPv4 or IPv6 address, 4 or 16; null for what is neither. */
export function parseInet(text: string): Buffer | null {
  return parseInet4(text) ?? parseInet6(text);
}

function parseInet4(text: string): Buffer | null {
  const bytes = Buffer.alloc(4);
  let octet = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      if (dots === 3) return null;
      bytes[dots++] = octet;
      octet = 0;
      continue;
    }
    if (code < zero || code > nine) return null;
    octet = octet * 10 + code - zero;
    if (octet > 255) return null;
  }
  bytes[3] = octet;
  return dots === 3 && bytes.readUInt32BE() !== 0xffffffff ? bytes : null;
}

function parseInet6(text: string): Buffer | null {
  const bytes = Buffer.alloc(16);
  let written = 0;
  /** Where "::" makes up for groups; -1: nowhere. */
  let gap = -1;
  let groupStart = -1;
  let nibbles = 0;
  let word = 0;
  for (let i = text.charCodeAt(0) === colon ? 1 : 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === colon) {
      if (nibbles === 0 && gap >= 0) return null;
      if (nibbles === 0) gap = written;
      else written = bytes.writeUInt16BE(word, written);
      if (written === 16) return null;
      groupStart = i + 1;
      nibbles = 0;
      word = 0;
      continue;
    }
    if (code === dot && nibbles > 0) {
      const ipv4 = groupStart < 0 || written > 12 ? null : parseInet4(text.slice(groupStart));
      if (ipv4 === null) return null;
      written = bytes.writeUInt16BE(ipv4.readUInt16BE(0), written);
      word = ipv4.readUInt16BE(2);
      break;
    }
    const digit = hexDigit(code);
    nibbles += 1;
    if (nibbles > 4 || digit < 0) return null;
    word = word * 16 + digit;
  }
  if (nibbles === 0 && gap < 0) return null;
  written = bytes.writeUInt16BE(word, written);
  return closeGap(bytes, written, gap);
}

/** Moves what stands behind "::" to the end. Eight groups have no room for it, fewer need it. */
function closeGap(bytes: Buffer, written: number, gap: number): Buffer | null {
  if (gap < 0 || written === 16) return gap < 0 && written === 16 ? bytes : null;
  bytes.copy(bytes, 16 - (written - gap), gap, written);
  bytes.fill(0, gap, 16 - (written - gap));
  return bytes;
}

function hexDigit(code: number): number {
  if (code >= zero && code <= nine) return code - zero;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
