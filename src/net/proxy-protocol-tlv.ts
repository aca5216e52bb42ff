/**
 * The type-length-value vectors behind the addresses of a PROXY protocol header, by the names that
 * nginx has for them in `$proxy_protocol_tlv_name`.
 */

/** `complaint` is for the log. */
export interface TlvAnswer {
  /** Latin1; null when there is none. */
  readonly value: string | null;
  readonly complaint: string | null;
}

const types: ReadonlyMap<string, number> = new Map([
  ["alpn", 0x01],
  ["authority", 0x02],
  ["unique_id", 0x05],
  ["ssl", 0x20],
  ["netns", 0x30],
]);

/** Within the value of "ssl". */
const sslTypes: ReadonlyMap<string, number> = new Map([
  ["version", 0x21],
  ["cn", 0x22],
  ["cipher", 0x23],
  ["sig_alg", 0x24],
  ["key_alg", 0x25],
]);

const typeSsl = 0x20;
/** A byte of flags and the result of the verification come before the vectors within "ssl". */
const sslFixedBytes = 5;

const absent: TlvAnswer = { value: null, complaint: null };
const broken: TlvAnswer = { value: null, complaint: "broken PROXY protocol TLV" };

/** The value of a name: "alpn", "0x01", "ssl_cn", "ssl_0x22", "ssl_verify", … Never throws. */
export function findTlv(tlvs: Buffer, name: string): TlvAnswer {
  if (!name.startsWith("ssl_")) return findByName(tlvs, name, types, name);
  const ssl = lookUp(tlvs, typeSsl);
  if (ssl === "broken") return broken;
  if (ssl === null || ssl.length < sslFixedBytes) return absent;
  const rest = name.slice(4);
  if (rest === "verify") return { value: String(ssl.readUInt32BE(1)), complaint: null };
  return findByName(ssl.subarray(sslFixedBytes), rest, sslTypes, name);
}

function findByName(
  tlvs: Buffer,
  name: string,
  names: ReadonlyMap<string, number>,
  asked: string,
): TlvAnswer {
  const type = name.startsWith("0x") ? hexadecimal(name.slice(2)) : names.get(name);
  if (type === null) return { value: null, complaint: `invalid PROXY protocol TLV "${asked}"` };
  if (type === undefined) return { value: null, complaint: `unknown PROXY protocol TLV "${asked}"` };
  const found = lookUp(tlvs, type);
  if (found === "broken") return broken;
  return found === null ? absent : { value: found.toString("latin1"), complaint: null };
}

function hexadecimal(text: string): number | null {
  return /^[\da-f]{1,15}$/i.test(text) ? Number.parseInt(text, 16) : null;
}

/** The value of the first vector of a type. */
function lookUp(tlvs: Buffer, type: number): Buffer | "broken" | null {
  for (let at = 0; at < tlvs.length;) {
    if (tlvs.length - at < 3) return "broken";
    const from = at + 3;
    const end = from + tlvs.readUInt16BE(at + 1);
    if (end > tlvs.length) return "broken";
    if (tlvs[at] === type) return tlvs.subarray(from, end);
    at = end;
  }
  return null;
}
