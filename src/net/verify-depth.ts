import { X509Certificate } from "node:crypto";
import { certificatesIn } from "./pem.ts";

/** What OpenSSL says where it stops to look for a chain's root. */
export const tooDeepCode = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";

/** Trusted certificates that signed themselves: where chains end. What cannot be read is none. */
export function rootsIn(ca: Buffer | null): readonly X509Certificate[] {
  if (ca === null) return [];
  return certificatesIn(ca).filter(isSelfSigned);
}

/** A server's own certificate may be one, too, that may sign nothing but itself: its key usage is not asked. */
function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

/**
 * Whether a chain that was verified needs more than `depth` certificates between the peer's and a root.
 *
 * The runtimes tell the chain as the peer sent it, matched by names alone; so its length is what the peer
 * wants it to be. Here it counts as short only where signatures lead to a root in so few steps.
 *
 * @param chain certificates in DER, the peer's own first
 * @param roots null where they are not known: then only the length is looked at
 */
export function isTooDeep(
  chain: readonly Buffer[],
  depth: number,
  roots: readonly X509Certificate[] | null,
): boolean {
  if (chain.length === 0) return false;
  const distinct = chain.filter((der, index) => chain.findIndex((other) => other.equals(der)) === index);
  if (roots === null) return distinct.length - 2 > depth;
  const certificates = distinct.map((der) => new X509Certificate(der));
  const [own, ...others] = certificates;
  let reached = own === undefined ? [] : [own];
  // A root may be the peer's own certificate; then there is nothing between.
  for (let between = -1; between <= depth && reached.length > 0; between++) {
    if (reached.some((certificate) => roots.some((root) => root.raw.equals(certificate.raw)))) return false;
    const issuers = [...roots, ...others];
    const below = reached;
    reached = issuers.filter((issuer) => below.some((certificate) => isSignedBy(certificate, issuer)));
  }
  return true;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that the runtime does not know.
    return false;
  }
}
