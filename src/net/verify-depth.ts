import type { ClientTls } from "./network.ts";

/** What OpenSSL says where it stops to look for a chain's root. */
export const tooDeepCode = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";

/** Whether a verified chain, from the peer's certificate to the root, is longer than it may be. */
export function isTooDeep({ verifyName, verifyDepth }: ClientTls, chain: readonly unknown[]): boolean {
  return verifyName !== null && verifyDepth !== undefined && chain.length - 2 > verifyDepth;
}
