/**
 * The header of the PROXY protocol, which a load balancer puts in front of a connection: version 1 is a
 * line of text, version 2 is binary. Follows ngx_proxy_protocol.c.
 * https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */
import { formatIp } from "./address.ts";

/** What a header tells of the connection that the balancer has accepted. */
export interface ProxiedConnection {
  /** The client; in version 1 the text as it came, which may be no address. */
  readonly source: { readonly address: string; readonly port: number };
  /** Where the client connected to. */
  readonly destination: { readonly address: string; readonly port: number };
  /** Type-length-value vectors, undecoded: see `findTlv`. Version 1 has none. */
  readonly tlvs: Buffer;
}

/** What the first bytes of a connection are: part of a header, a whole one, or none. */
export type ProxyHeader =
  | { readonly kind: "partial" }
  /** `length` bytes; `connection` is null when it tells of none (UNKNOWN, LOCAL, unix sockets, datagrams). */
  | { readonly kind: "complete"; readonly length: number; readonly connection: ProxiedConnection | null }
  /** `reason` is for the log; null where nginx says nothing. */
  | { readonly kind: "broken"; readonly reason: string | null };

/** nginx's NGX_PROXY_PROTOCOL_MAX_HEADER: a longer header is refused. */
export const proxyHeaderBytesMax = 4096;

const partial: ProxyHeader = { kind: "partial" };
const noTlvs = Buffer.alloc(0);

const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
/** Signature, version and command, family and transport, length. */
const fixedBytes = 16;
const commandProxy = 1;
const transportStream = 1;
const familyIpv4 = 1;
const familyIpv6 = 2;

const tcpLine = /^PROXY TCP[46] ([\da-fA-F:.]*) ([\da-fA-F:.]*) (\d+) (\d+)\r\n/;
const tcpBeginning = /^PROXY TCP[46] [\da-fA-F:.]*(?: [\da-fA-F:.]*(?: \d*(?: \d*\r?)?)?)?$/;
const unknownWord = "PROXY UNKNOWN";
const fixedBeginnings = [unknownWord, "PROXY TCP4 ", "PROXY TCP6 "];

/** Reads the header that `bytes`, all that the peer has sent so far, begin with. Never throws. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const common = Math.min(bytes.length, signature.length);
  if (bytes.compare(signature, 0, common, 0, common) !== 0) return readVersion1(bytes);
  return bytes.length < fixedBytes ? partial : readVersion2(bytes);
}

/** What the log says of bytes that are no header, or the beginning of one that does not go on. */
export function brokenHeader(bytes: Buffer): string {
  const text = bytes.toString("latin1", 0, proxyHeaderBytesMax);
  return `broken header: "${/^[^\r\n]*/.exec(text)![0]}"`;
}

function readVersion1(bytes: Buffer): ProxyHeader {
  const text = bytes.toString("latin1", 0, proxyHeaderBytesMax);
  const line = tcpLine.exec(text);
  if (line !== null) return readTcpLine(line, bytes);
  const end = text.startsWith(unknownWord) ? text.indexOf("\r\n", unknownWord.length) : -1;
  if (end >= 0) return { kind: "complete", length: end + 2, connection: null };
  const goesOn = text.length < proxyHeaderBytesMax && beginsVersion1(text);
  return goesOn ? partial : { kind: "broken", reason: brokenHeader(bytes) };
}

function beginsVersion1(text: string): boolean {
  return (
    fixedBeginnings.some((beginning) => beginning.startsWith(text)) ||
    text.startsWith(unknownWord) ||
    tcpBeginning.test(text)
  );
}

function readTcpLine(line: RegExpExecArray, bytes: Buffer): ProxyHeader {
  const [whole, from = "", to = "", fromPort = "", toPort = ""] = line;
  const source = { address: from, port: Number(fromPort) };
  const destination = { address: to, port: Number(toPort) };
  if (source.port > 65535 || destination.port > 65535) return { kind: "broken", reason: brokenHeader(bytes) };
  return { kind: "complete", length: whole.length, connection: { source, destination, tlvs: noTlvs } };
}

function readVersion2(bytes: Buffer): ProxyHeader {
  const version = bytes[12]! >> 4;
  if (version !== 2) return { kind: "broken", reason: `unknown PROXY protocol version: ${version}` };
  const length = fixedBytes + bytes.readUInt16BE(14);
  if (length > proxyHeaderBytesMax) return { kind: "broken", reason: "header is too large" };
  if (bytes.length < length) return partial;
  const silent: ProxyHeader = { kind: "complete", length, connection: null };
  if ((bytes[12]! & 15) !== commandProxy || (bytes[13]! & 15) !== transportStream) return silent;
  const family = bytes[13]! >> 4;
  if (family !== familyIpv4 && family !== familyIpv6) return silent;
  const connection = readAddresses(bytes.subarray(fixedBytes, length), family === familyIpv4 ? 4 : 16);
  return connection === null ? { kind: "broken", reason: null } : { kind: "complete", length, connection };
}

/** Both addresses, both ports, and what follows; null when they do not fit. */
function readAddresses(bytes: Buffer, addressBytes: number): ProxiedConnection | null {
  const ports = 2 * addressBytes;
  const end = ports + 4;
  if (bytes.length < end) return null;
  return {
    source: { address: formatIp(bytes.subarray(0, addressBytes)), port: bytes.readUInt16BE(ports) },
    destination: {
      address: formatIp(bytes.subarray(addressBytes, ports)),
      port: bytes.readUInt16BE(ports + 2),
    },
    tlvs: end < bytes.length ? Buffer.from(bytes.subarray(end)) : noTlvs,
  };
}
