import { createPrivateKey } from "node:crypto";
import { constants } from "node:crypto";
import type { TlsContextOptions } from "../network.ts";
import { secureContextOptions } from "../node/tls-context.ts";
import { authoritiesFor } from "../node/trust.ts";
import type { BunTlsOptions } from "./api.ts";

const versionNumbers: Readonly<Record<string, number>> = {
  TLSv1: 0x301,
  "TLSv1.1": 0x302,
  "TLSv1.2": 0x303,
  "TLSv1.3": 0x304,
};

/** Bun's own sockets have no option for these. */
export function needsNodeTls(options: TlsContextOptions): boolean {
  return options.crl !== null || (options.curves !== null && options.curves !== "auto");
}

/** The options of Bun's own sockets with the meaning of `options`. */
export function bunTlsOptions(options: TlsContextOptions): BunTlsOptions {
  const secure = secureContextOptions(options);
  const tls: BunTlsOptions = {
    minVersion: versionNumbers[secure.minVersion ?? "TLSv1.2"] ?? 0x303,
    maxVersion: versionNumbers[secure.maxVersion ?? "TLSv1.3"] ?? 0x304,
    secureOptions: (secure.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
    rejectUnauthorized: false,
  };
  if (options.certificates.length > 0) {
    tls.cert = options.certificates.map((certificate) => certificate.chain);
    tls.key = options.certificates.map(plainKey);
  }
  if (options.ca !== null) tls.ca = authoritiesFor(options.side, options.ca);
  if (typeof secure.ciphers === "string") tls.ciphers = secure.ciphers;
  return tls;
}

/** Only one passphrase could be given for all keys, so keys are decrypted here. */
function plainKey(certificate: TlsContextOptions["certificates"][number]): Buffer | string {
  const { key, passphrase } = certificate;
  if (passphrase === undefined) return key;
  return createPrivateKey({ key, passphrase }).export({ type: "pkcs8", format: "pem" });
}

/** Protocol names as ALPN sends them: each with its length before it. */
export function alpnWire(protocols: readonly string[]): Buffer {
  return Buffer.concat(
    protocols.map((protocol) => Buffer.from(`${String.fromCharCode(protocol.length)}${protocol}`, "latin1")),
  );
}

/** The protocol names of an ALPN list as it is sent, without the lengths before them (RFC 7301 section 3.1). */
export function alpnNames(wire: Uint8Array): string[] {
  const bytes = Buffer.from(wire.buffer, wire.byteOffset, wire.length);
  const names: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    names.push(bytes.toString("latin1", at + 1, at + 1 + (bytes[at] ?? 0)));
  }
  return names;
}
