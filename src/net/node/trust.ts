import { type DerElement, derElements, derTags } from "../der.ts";
import type { TlsContextOptions } from "../network.ts";
import { type PemBlock, derOf, isCertificate, pemBlocks, pemOf } from "../pem.ts";
import { runsOnBun } from "./runtime.ts";

/** Uses that a certificate may be trusted for, or not: clients', servers', any. */
const uses = { server: "2b06010505070302", client: "2b06010505070301", any: "551d2500" } as const;

/** Trusted certificates as the runtime takes them. */
export function authoritiesFor(side: TlsContextOptions["side"], pem: Buffer): Buffer | string[] {
  if (!runsOnBun) return pem;
  // BoringSSL's reader leaves out those that say what they are trusted for.
  return plainAuthorities(side, pem);
}

/** Trusted certificates without the words on what for: those that are not for this are left out. */
export function plainAuthorities(side: TlsContextOptions["side"], pem: Buffer): string[] {
  return pemBlocks(pem).flatMap((block) => {
    if (!isCertificate(block.label)) return [];
    return block.label === "TRUSTED CERTIFICATE" ? plainIfTrusted(side, block) : [block.text];
  });
}

/** Lists of revoked certificates as the runtime takes them: Bun reads but the first one of a text. */
export function revocationsFor(pem: Buffer): Buffer | string[] {
  if (!runsOnBun) return pem;
  return pemBlocks(pem).flatMap(({ label, text }) => (label === "X509 CRL" ? [text] : []));
}

/** OpenSSL's "TRUSTED CERTIFICATE": the certificate, and behind it what it is for. See X509_check_trust(3). */
function plainIfTrusted(side: TlsContextOptions["side"], block: PemBlock): string[] {
  const der = derOf(block);
  const [certificate, auxiliary] = derElements(der);
  if (certificate === undefined) return [];
  // A server trusts certificates of clients.
  const wanted: readonly string[] = [uses[side], uses.any];
  const parts = auxiliary === undefined ? [] : derElements(der, auxiliary.start, auxiliary.end);
  const trusted = parts.find(({ tag }) => tag === derTags.sequence);
  const rejected = parts.find(({ tag }) => tag === 0xa0);
  const names = (list: DerElement | undefined): boolean =>
    list !== undefined &&
    derElements(der, list.start, list.end).some(({ start, end }) =>
      wanted.includes(der.toString("hex", start, end)),
    );
  if (names(rejected) || (trusted !== undefined && !names(trusted))) return [];
  return [pemOf("CERTIFICATE", der.subarray(0, certificate.end))];
}
