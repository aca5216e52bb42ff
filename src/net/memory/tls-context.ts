import { createPrivateKey, X509Certificate } from "node:crypto";
import type { TlsContext, TlsContextOptions } from "../network.ts";

/** Versions from best to worst. */
const versions = ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"];

/** Key material of the simulated TLS: read and compared, but nothing is encrypted. */
export class MemoryTlsContext implements TlsContext {
  readonly isTlsContext = true;
  readonly protocols: readonly string[];
  /** The first certificate's chain in DER, own first. */
  readonly chain: readonly Buffer[];
  private readonly authorities: readonly X509Certificate[];

  constructor(options: TlsContextOptions) {
    this.protocols = options.protocols;
    this.authorities = options.ca === null ? [] : certificatesOf(options.ca);
    for (const { key, passphrase } of options.certificates) createPrivateKey({ key, passphrase });
    const chains = options.certificates.map((certificate) => certificatesOf(certificate.chain));
    this.chain = (chains[0] ?? []).map((certificate) => certificate.raw);
  }

  /** Why the chain is not trusted, as an OpenSSL code; null when it is. Dates are not looked at. */
  verify(chain: readonly Buffer[]): string | null {
    const certificates = chain.map((der) => new X509Certificate(der));
    for (const certificate of certificates) {
      if (this.authorities.some((authority) => isIssuedBy(certificate, authority))) return null;
    }
    const own = certificates[0];
    if (own !== undefined && isIssuedBy(own, own)) return "DEPTH_ZERO_SELF_SIGNED_CERT";
    return "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
  }
}

/** @throws TypeError when the context was made by another adapter. */
export function memoryContext(context: TlsContext): MemoryTlsContext {
  if (context instanceof MemoryTlsContext) return context;
  throw new TypeError("TLS context of another network");
}

/** Whether a certificate is for a host name (RFC 6125); false without a certificate. */
export function certificateCarries(der: Buffer | undefined, name: string): boolean {
  return der !== undefined && new X509Certificate(der).checkHost(name) !== undefined;
}

/** The best version that both sides enable, or null. */
export function commonVersion(ours: readonly string[], theirs: readonly string[]): string | null {
  return versions.find((version) => ours.includes(version) && theirs.includes(version)) ?? null;
}

function certificatesOf(pem: Buffer): X509Certificate[] {
  const blocks = pem.toString("latin1").match(/-----BEGIN [^-]*CERTIFICATE-----[^-]+-----END [^-]+-----/g);
  if (blocks === null) throw new Error("no start line: no certificate in PEM data");
  return blocks.map((block) => new X509Certificate(block));
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
