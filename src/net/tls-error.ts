/** OpenSSL's number and words for the codes by which the runtimes tell why a certificate is not trusted. */
const verifyReasons: Readonly<Record<string, readonly [number, string]>> = {
  UNABLE_TO_GET_ISSUER_CERT: [2, "unable to get issuer certificate"],
  UNABLE_TO_GET_CRL: [3, "unable to get certificate CRL"],
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: [4, "unable to decrypt certificate's signature"],
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: [5, "unable to decrypt CRL's signature"],
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: [6, "unable to decode issuer public key"],
  CERT_SIGNATURE_FAILURE: [7, "certificate signature failure"],
  CRL_SIGNATURE_FAILURE: [8, "CRL signature failure"],
  CERT_NOT_YET_VALID: [9, "certificate is not yet valid"],
  CERT_HAS_EXPIRED: [10, "certificate has expired"],
  CRL_NOT_YET_VALID: [11, "CRL is not yet valid"],
  CRL_HAS_EXPIRED: [12, "CRL has expired"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [18, "self-signed certificate"],
  SELF_SIGNED_CERT_IN_CHAIN: [19, "self-signed certificate in certificate chain"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [20, "unable to get local issuer certificate"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [21, "unable to verify the first certificate"],
  CERT_CHAIN_TOO_LONG: [22, "certificate chain too long"],
  CERT_REVOKED: [23, "certificate revoked"],
  PATH_LENGTH_EXCEEDED: [25, "path length constraint exceeded"],
  INVALID_PURPOSE: [26, "unsuitable certificate purpose"],
  CERT_UNTRUSTED: [27, "certificate not trusted"],
  CERT_REJECTED: [28, "certificate rejected"],
  INVALID_CA: [79, "invalid CA certificate"],
};

/** What `verifyError` of a connection means; null for a code that is none of a certificate's. */
export function verifyReason(code: string): { readonly number: number; readonly words: string } | null {
  const known = verifyReasons[code];
  return known === undefined ? null : { number: known[0], words: known[1] };
}

/**
 * A TLS library's message without what only its programmers need: thread, source file, line.
 * "…:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../ssl/rec.c:918:SSL alert number 70"
 * becomes "error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70", as nginx has it.
 * BoringSSL's "error:1000042e:SSL routines:OPENSSL_internal:TLSV1_ALERT_PROTOCOL_VERSION" is brought to the
 * same form.
 */
export function plainTlsMessage(message: string): string {
  const boring = /error:([0-9a-f]{8}):([^:]*):OPENSSL_internal:([A-Z0-9_]+)/.exec(message);
  if (boring !== null) {
    const [, code = "", library = "", reason = ""] = boring;
    return `error:${code.toUpperCase()}:${library}::${reason.toLowerCase().replaceAll("_", " ")}`;
  }
  const match = /error:([0-9A-Fa-f]{8}):([^:]*):[^:]*:([^:]*):[^:]*:\d+:(.*)/.exec(message);
  if (match === null) return message.trim();
  const [, code = "", library = "", reason = "", data = ""] = match;
  const detail = data.trim();
  return `error:${code}:${library}::${reason}${detail === "" ? "" : `:${detail}`}`;
}

/** nginx's words for a client that leaves before the handshake is done; `heard`: it had sent something. */
export function closedWords(heard: boolean): string {
  return heard ? "peer closed connection in SSL handshake" : "client closed connection";
}

/** The same for one that resets the connection. */
export function resetWords(heard: boolean): string {
  const reason = "(104: Connection reset by peer)";
  return heard ? `peer closed connection in SSL handshake ${reason}` : `recv() failed ${reason}`;
}
