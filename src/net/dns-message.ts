/** Messages of the Domain Name System (RFC 1035): questions are written, answers are read. */
import { formatIp } from "./address.ts";

/** Record types (RFC 1035, 3596, 2782, 6672). */
export const recordType = { a: 1, cname: 5, aaaa: 28, srv: 33, dname: 39 } as const;

/** Response codes (RFC 1035, section 4.1.1) that ngx_resolver knows. */
export const responseCode = {
  formatError: 1,
  serverFailure: 2,
  notFound: 3,
  unimplemented: 4,
  refused: 5,
} as const;

const headBytes = 12;
const classInternet = 1;
/** Of a label, and of a name with its lengths (RFC 1035, section 2.3.4). */
const labelBytesMax = 63;
const nameBytesMax = 255;
/** Pointers that are followed in one name: as many as nginx follows; a loop ends here. */
const pointersMax = 128;
/** Addresses of one kind that are kept of an answer: nobody balances over more, and each is copied per request. */
const addressesMax = 1024;
/** SRV records that are kept of an answer: each target is a question or two of its own. */
const servicesMax = 256;

/** What stands ahead of the answers. */
export interface DnsResponse {
  readonly id: number;
  /** 0, or one of `responseCode` or beyond. */
  readonly code: number;
  readonly truncated: boolean;
  /** What was asked: in lower case, one character per byte, without the last dot. */
  readonly name: string;
  readonly type: number;
  readonly answerCount: number;
  /** Where the answers begin. */
  readonly answersAt: number;
}

/** A server that offers a service: an SRV record (RFC 2782). */
export interface ServiceRecord {
  readonly target: string;
  readonly port: number;
  /** Those with the lowest number are asked first. */
  readonly priority: number;
  readonly weight: number;
}

/** What answers say about a name. */
export interface DnsAnswers {
  readonly addresses: readonly string[];
  readonly services: readonly ServiceRecord[];
  /** The last alias in the answer; null when there is none. */
  readonly alias: string | null;
  /** The shortest time to live of all records; Infinity where there are none. */
  readonly ttlSeconds: number;
}

/** A question that wants recursion. Null for a name that cannot be asked for: empty or long labels. */
export function encodeQuestion(id: number, name: string, type: number): Buffer | null {
  const labels = name.split(".");
  if (name.length + 2 > nameBytesMax) return null;
  if (labels.some((label) => label === "" || label.length > labelBytesMax)) return null;
  const bytes = Buffer.alloc(headBytes + name.length + 2 + 4);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x0100, 2);
  bytes.writeUInt16BE(1, 4);
  let at = headBytes;
  for (const label of labels) {
    bytes[at] = label.length;
    bytes.write(label, at + 1, "latin1");
    at += label.length + 1;
  }
  bytes.writeUInt16BE(type, at + 1);
  bytes.writeUInt16BE(classInternet, at + 3);
  return bytes;
}

/** Reads a response up to its answers; nginx's words for what is wrong with it. `way`: "UDP" or "TCP", for them. */
export function readResponse(bytes: Buffer, way: string): DnsResponse | string {
  if (bytes.length < headBytes) return "short DNS response";
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  // A response to a standard query, reserved bits clear.
  if ((flags & 0xf870) !== 0x8000)
    return `invalid ${way} DNS response ${id} fl:${flags.toString(16).toUpperCase().padStart(4, "0")}`;
  const code = flags & 15;
  if (code === responseCode.formatError || code > responseCode.refused)
    return `DNS error (${code}: ${codeWords(code)}), query id:${id}`;
  if (bytes.readUInt16BE(4) !== 1) return "invalid number of questions in DNS response";
  const name = readName(bytes, headBytes);
  if (typeof name === "string") return name;
  const end = endOfName(bytes, headBytes);
  if (end < 0 || end + 4 > bytes.length) return "short DNS response";
  const recordClass = bytes.readUInt16BE(end + 2);
  if (recordClass !== classInternet) return `unknown query class ${recordClass} in DNS response`;
  return {
    id,
    code,
    truncated: (flags & 0x0200) !== 0,
    name: name.text,
    type: bytes.readUInt16BE(end),
    answerCount: bytes.readUInt16BE(6),
    answersAt: end + 4,
  };
}

/** Reads the answers of a response; nginx's words for what is wrong with them. Work is linear in the bytes. */
export function readAnswers(
  bytes: Buffer,
  { type: asked, answerCount, answersAt }: DnsResponse,
): DnsAnswers | string {
  const addresses: string[] = [];
  const services: ServiceRecord[] = [];
  let aliasAt = -1;
  let ttlSeconds = Infinity;
  let at = answersAt;
  for (let count = 0; count < answerCount; count++) {
    const end = endOfName(bytes, at);
    if (end < 0 || end + 10 > bytes.length) return "short DNS response";
    const type = bytes.readUInt16BE(end);
    const recordClass = bytes.readUInt16BE(end + 2);
    if (recordClass !== classInternet) return `unexpected RR class ${recordClass} in DNS response`;
    ttlSeconds = Math.min(ttlSeconds, Math.max(0, bytes.readInt32BE(end + 4)));
    const length = bytes.readUInt16BE(end + 8);
    const data = end + 10;
    if (data + length > bytes.length) return "short DNS response";
    const problem =
      type === recordType.cname || type === recordType.dname ? null : wrongRecord(type, asked, length);
    if (problem !== null) return problem;
    if (type === recordType.cname) aliasAt = data;
    else if (type === recordType.srv) {
      const service = services.length < servicesMax ? readService(bytes, data) : null;
      if (typeof service === "string") return service;
      if (service !== null) services.push(service);
    } else if (type === asked && addresses.length < addressesMax)
      addresses.push(formatIp(bytes.subarray(data, data + length)));
    at = data + length;
  }
  const alias = aliasAt < 0 ? null : readName(bytes, aliasAt);
  if (typeof alias === "string") return alias;
  return { addresses, services, alias: alias?.text ?? null, ttlSeconds };
}

const recordNames: Readonly<Record<number, string>> = {
  [recordType.a]: "A",
  [recordType.aaaa]: "AAAA",
  [recordType.srv]: "SRV",
};

/** Null for a record that fits the question, and for one that nobody asked for and that nginx passes over. */
function wrongRecord(type: number, asked: number, length: number): string | null {
  const name = recordNames[type];
  if (name === undefined) return null;
  if (type !== asked) return `unexpected ${name} record in DNS response`;
  const fits = type === recordType.a ? length === 4 : type === recordType.aaaa ? length === 16 : length >= 7;
  return fits ? null : `invalid ${name} record in DNS response`;
}

function readService(bytes: Buffer, at: number): ServiceRecord | string {
  const target = readName(bytes, at + 6);
  if (typeof target === "string") return target;
  return {
    priority: bytes.readUInt16BE(at),
    weight: bytes.readUInt16BE(at + 2),
    port: bytes.readUInt16BE(at + 4),
    target: target.text,
  };
}

/** The place behind a name; below 0 when the message ends within it. Pointers are not followed. */
function endOfName(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length;) {
    const length = bytes[at]!;
    if (length === 0) return at + 1;
    if (length > labelBytesMax) return at + 2 <= bytes.length ? at + 2 : -1;
    at += length + 1;
  }
  return -1;
}

/** A name in lower case, its pointers followed; nginx's words for one that cannot be read. */
function readName(bytes: Buffer, from: number): { readonly text: string } | string {
  const labels: string[] = [];
  let at = from;
  let pointers = 0;
  let nameBytes = 0;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return "name is out of DNS response";
    if (length === 0) return { text: lowerDomain(labels.join(".")) };
    if (length > labelBytesMax) {
      if (++pointers > pointersMax) return "compression pointers loop in DNS response";
      const low = bytes[at + 1];
      if (low === undefined) return "name is out of DNS response";
      at = ((length & 0x3f) << 8) | low;
      continue;
    }
    nameBytes += length + 1;
    if (nameBytes >= nameBytesMax) return "invalid name in DNS response";
    if (at + 1 + length > bytes.length) return "name is out of DNS response";
    labels.push(bytes.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
}

/** In lower case as name servers compare: other bytes than letters of ASCII stay. */
export function lowerDomain(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase()) : text;
}

/** nginx's words for a response code (RFC 1035 section 4.1.1). */
export function codeWords(code: number): string {
  return (
    ["", "Format error", "Server failure", "Host not found", "Unimplemented", "Operation refused"][code] ||
    "Unknown error"
  );
}
