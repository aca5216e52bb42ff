/**
 * IP addresses and endpoints as text and as bytes.
 *
 * The binary form is a Buffer of 4 or 16 bytes in network order. Texts are what nginx accepts and
 * prints; errors are nginx's words for the same mistake.
 */
import { isIPv4, isIPv6 } from "node:net";
import { parseInet } from "./inet.ts";

/** Longest path that fits `sockaddr_un` on Linux, without its final NUL. */
const unixPathBytesMax = 107;

/** The binary form of an IPv4 or IPv6 address (brackets and zones are not part of it), or null. */
export function parseIp(text: string): Buffer | null {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (text.includes("%") || !isIPv6(text)) return null;
  return parseIpv6(text);
}

/** `text` is known to be valid. */
function parseIpv6(text: string): Buffer {
  const lastColon = text.lastIndexOf(":");
  const dotted = text.includes(".") ? parseIp(text.slice(lastColon + 1)) : null;
  const groupsText = dotted === null ? text : `${text.slice(0, lastColon + 1)}${hexGroups(dotted)}`;
  const [head = "", tail] = groupsText.split("::");
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  const bytes = Buffer.alloc(16);
  first.forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
  last.forEach((group, i) => bytes.writeUInt16BE(group, 16 - (last.length - i) * 2));
  return bytes;
}

function hexGroups(ipv4: Buffer): string {
  return `${ipv4.toString("hex", 0, 2)}:${ipv4.toString("hex", 2, 4)}`;
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/** The bytes of a `SocketAddress`'s text; a zone is left out. None for what is no IP address. */
export function addressBytes(text: string): Buffer {
  const zone = text.indexOf("%");
  return parseIp(zone < 0 ? text : text.slice(0, zone)) ?? Buffer.alloc(0);
}

/** The text of a binary address, as nginx prints it: lower case, longest run of zeros shortened. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2] ?? 0) * 256 + (bytes[i * 2 + 1] ?? 0));
  const zeros = longestZeros(groups);
  if (endsInIpv4(bytes, groups, zeros)) {
    return `::${zeros.count === 5 ? "ffff:" : ""}${bytes.subarray(12).join(".")}`;
  }
  const hex = groups.map((group) => group.toString(16));
  if (zeros.count < 2) return hex.join(":");
  return `${hex.slice(0, zeros.start).join(":")}::${hex.slice(zeros.start + zeros.count).join(":")}`;
}

/** nginx writes the last 32 bits as IPv4 for mapped, compatible and short addresses, except `::1`. */
function endsInIpv4(bytes: Uint8Array, groups: number[], zeros: { start: number; count: number }): boolean {
  if (zeros.start !== 0) return false;
  if (zeros.count === 5) return groups[5] === 0xffff;
  return zeros.count === 6 || (zeros.count === 7 && bytes[14] !== 0 && bytes[15] !== 1);
}

function longestZeros(groups: number[]): { start: number; count: number } {
  let best = { start: -1, count: 0 };
  let start = 0;
  for (let i = 0; i < groups.length; i++) {
    if (groups[i] !== 0) start = i + 1;
    else if (i + 1 - start > best.count) best = { start, count: i + 1 - start };
  }
  return best;
}

/** The IPv4 address inside an IPv4-mapped IPv6 address; any other address unchanged. */
export function unmapIpv4(bytes: Buffer): Buffer {
  if (bytes.length !== 16 || bytes.readUInt16BE(10) !== 0xffff) return bytes;
  return bytes.subarray(0, 10).every((byte) => byte === 0) ? bytes.subarray(12) : bytes;
}

/** A network: all addresses that share the first `prefixBits` bits. */
export interface Cidr {
  /** 4 or 16 bytes; bits behind the prefix are zero. */
  readonly network: Buffer;
  readonly prefixBits: number;
  /** True when the text had bits behind the prefix, which mean nothing (nginx warns). */
  readonly hadLowBits: boolean;
}

/** "10.0.0.0/8", "::/0", or one address; null when it is neither. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf("/");
  const address = parseInet(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const bitsMax = address.length * 8;
  const prefix = slash < 0 ? String(bitsMax) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bitsMax) return null;
  const prefixBits = Number(prefix);
  const network = Buffer.from(address.map((byte, i) => byte & maskByte(prefixBits - i * 8)));
  return { network, prefixBits, hadLowBits: !network.equals(address) };
}

/** An IPv4 network also contains the mapped form of its addresses, as in nginx. */
export function cidrContains(cidr: Cidr, address: Buffer): boolean {
  const { network, prefixBits } = cidr;
  const candidate = network.length === 4 ? unmapIpv4(address) : address;
  if (candidate.length !== network.length) return false;
  for (let i = 0; i * 8 < prefixBits; i++) {
    if (((candidate[i] ?? 0) & maskByte(prefixBits - i * 8)) !== network[i]) return false;
  }
  return true;
}

function maskByte(bitsLeft: number): number {
  if (bitsLeft >= 8) return 0xff;
  return bitsLeft <= 0 ? 0 : (0xff << (8 - bitsLeft)) & 0xff;
}

/** What "host:port", "[::1]:80" or "unix:/path" names. */
export type HostPort =
  | {
      readonly kind: "host";
      /** A name or an IP address without brackets; "" where only a port or "*" was given. */
      readonly host: string;
      /** Null when none was given. */
      readonly port: number | null;
      /** The last port of a range such as "8000-8010"; equals `port` otherwise. */
      readonly lastPort: number | null;
    }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "error"; readonly message: HostPortError };

/** What is wrong with an address, in nginx's words: the error that names the directive begins with them. */
export type HostPortError =
  | "invalid port"
  | "invalid port range"
  | "invalid host"
  | "invalid IPv6 address"
  | "no host"
  | "no path in the unix domain socket"
  | "too long path in the unix domain socket";

/**
 * Reads an address without a URI. `listen` allows what only the `listen` directive may say: a bare
 * port, "*", a range of ports.
 */
export function parseHostPort(text: string, mode: "listen" | "connect"): HostPort {
  if (text.slice(0, 5).toLowerCase() === "unix:") return parseUnix(text.slice(5));
  if (text.startsWith("[")) return parseBracketed(text, mode);
  if (/[/?]/.test(text)) return failure("invalid host");
  const colon = text.indexOf(":");
  if (colon >= 0) return withPort(text.slice(0, colon), text.slice(colon + 1), mode);
  if (mode === "listen" && /^\d+(-\d+)?$/.test(text)) return withPort("*", text, mode);
  return named(text, null, null, mode);
}

function parseUnix(path: string): HostPort {
  if (path === "") return failure("no path in the unix domain socket");
  if (path.length > unixPathBytesMax) return failure("too long path in the unix domain socket");
  return { kind: "unix", path };
}

function parseBracketed(text: string, mode: "listen" | "connect"): HostPort {
  const end = text.indexOf("]");
  const host = text.slice(1, end);
  if (end < 0) return failure("invalid host");
  if (parseIp(host)?.length !== 16) return failure("invalid IPv6 address");
  const rest = text.slice(end + 1);
  if (rest === "") return { kind: "host", host, port: null, lastPort: null };
  return rest.startsWith(":") ? withPort(host, rest.slice(1), mode) : failure("invalid host");
}

function withPort(host: string, port: string, mode: "listen" | "connect"): HostPort {
  const pattern = mode === "listen" ? /^(\d{1,5})(?:-(\d{1,5}))?$/ : /^(\d{1,5})$/;
  const match = pattern.exec(port);
  if (match === null) return failure("invalid port");
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first < 1 || first > 65_535 || last < 1 || last > 65_535) return failure("invalid port");
  if (last < first) return failure("invalid port range");
  return named(host, first, last, mode);
}

function named(
  host: string,
  port: number | null,
  lastPort: number | null,
  mode: "listen" | "connect",
): HostPort {
  if (host === "") return failure("no host");
  return { kind: "host", host: host === "*" && mode === "listen" ? "" : host, port, lastPort };
}

function failure(message: HostPortError): HostPort {
  return { kind: "error", message };
}

/** "host:port" with brackets around IPv6 addresses. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
