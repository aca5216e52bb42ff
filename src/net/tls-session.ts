/**
 * What a serialised TLS session tells and no runtime does: its id, and the group that its key was agreed in.
 * The serialisation is DER: SEQUENCE { INTEGER structure, INTEGER protocol, OCTET STRING cipher,
 * OCTET STRING session id, …, [number] optional parts }.
 */
import { type DerElement, derAt, derElements, derTags } from "./der.ts";
import { curveName } from "./tls-names.ts";

/** The optional part with the group: OpenSSL's is [19]; BoringSSL's [18], which in OpenSSL holds no number. */
const groupTags: readonly number[] = [0xb3, 0xb2];

/** Hexadecimal, "" when there is none or the session cannot be read. */
export function sessionIdOf(session: Buffer | undefined): string {
  const [structure, protocol, cipher, id] = elementsOf(session);
  const isSession = structure?.tag === derTags.integer && protocol?.tag === derTags.integer;
  if (!isSession || cipher?.tag !== derTags.octets || id?.tag !== derTags.octets) return "";
  return session!.toString("hex", id.start, id.end);
}

/** OpenSSL's name of the group; "" when there is none or the session cannot be read. */
export function curveOf(session: Buffer | undefined): string {
  const elements = elementsOf(session);
  for (const tag of groupTags) {
    const part = elements.find((element) => element.tag === tag);
    const number = part === undefined ? null : derAt(session!, part.start, part.end);
    if (number?.tag !== derTags.integer || number.end - number.start > 3) continue;
    return curveName(session!.readUIntBE(number.start, number.end - number.start));
  }
  return "";
}

function elementsOf(session: Buffer | undefined): readonly DerElement[] {
  const whole = session === undefined ? null : derAt(session, 0);
  return whole?.tag === derTags.sequence ? derElements(session!, whole.start, whole.end) : [];
}
