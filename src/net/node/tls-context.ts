import { constants } from "node:crypto";
import tls from "node:tls";
import type { TlsContext, TlsContextOptions } from "../network.ts";
import { SessionStore } from "../session-store.ts";
import { runsOnBun } from "./runtime.ts";

const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

const versionOff: Readonly<Record<(typeof versions)[number], number>> = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
};

/** Node turns TLS 1.3 off unless a list names its suites; nginx's lists never do. */
const tls13Suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

/** Sessions are bound to this name, so that any server behind a listener resumes them. */
const sessionIdContext = "longhaul";

/** Key material and rules, made ready for node:tls. */
export class NodeTlsContext implements TlsContext {
  readonly isTlsContext = true;
  readonly options: TlsContextOptions;
  readonly secure: tls.SecureContext;
  /** Of connections that were dialed with this context. */
  readonly sessions = new SessionStore();
  private withSystemRoots: tls.SecureContext | null = null;

  constructor(options: TlsContextOptions) {
    this.options = options;
    this.secure = tls.createSecureContext(secureContextOptions(options));
  }

  /** For checking a peer against the runtime's store where no `ca` was given: loaded on first use. */
  get verifying(): tls.SecureContext {
    if (this.options.ca !== null) return this.secure;
    this.withSystemRoots ??= tls.createSecureContext(secureContextOptions(this.options, true));
    return this.withSystemRoots;
  }
}

/** @throws TypeError when the context was made by another adapter. */
export function nodeContext(context: TlsContext): NodeTlsContext {
  if (context instanceof NodeTlsContext) return context;
  throw new TypeError("TLS context of another network");
}

/** node:tls options with the meaning of nginx's `ssl_*` values. */
export function secureContextOptions(
  options: TlsContextOptions,
  systemRoots = false,
): tls.SecureContextOptions {
  const range = versionRange(options.protocols);
  const secure: tls.SecureContextOptions = {
    minVersion: range.min,
    maxVersion: range.max,
    honorCipherOrder: options.preferServerCiphers,
    secureOptions: range.off | secureFlags(options),
    sessionIdContext,
    sessionTimeout: options.sessionTimeoutSeconds,
  };
  if (options.certificates.length > 0) {
    secure.cert = options.certificates.map((certificate) => certificate.chain);
    secure.key = options.certificates.map(keyOption);
  }
  if (options.ca !== null) secure.ca = options.ca;
  else if (!systemRoots) secure.ca = [];
  if (options.crl !== null) secure.crl = options.crl;
  if (options.ciphers !== null) secure.ciphers = cipherList(options.ciphers);
  if (options.curves !== null) secure.ecdhCurve = options.curves;
  if (options.dhparam !== null) secure.dhparam = options.dhparam;
  if (options.ticketKeys !== null && !runsOnBun) secure.ticketKeys = options.ticketKeys;
  return secure;
}

function keyOption(certificate: TlsContextOptions["certificates"][number]): tls.KeyObject {
  if (certificate.passphrase === undefined) return { pem: certificate.key };
  return { pem: certificate.key, passphrase: certificate.passphrase };
}

function secureFlags(options: TlsContextOptions): number {
  const tickets = options.sessionTickets ? 0 : constants.SSL_OP_NO_TICKET;
  const order = options.preferServerCiphers ? constants.SSL_OP_CIPHER_SERVER_PREFERENCE : 0;
  return tickets | order;
}

/** The enabled versions as a range; `off` are the flags of the versions missing inside it. */
function versionRange(protocols: readonly string[]): {
  min: tls.SecureVersion;
  max: tls.SecureVersion;
  off: number;
} {
  const enabled = versions.filter((version) => protocols.includes(version));
  const min = enabled[0];
  const max = enabled.at(-1);
  if (min === undefined || max === undefined) return { min: "TLSv1.2", max: "TLSv1.3", off: 0 };
  let off = 0;
  for (const version of versions) {
    if (version > min && version < max && !enabled.includes(version)) off |= versionOff[version];
  }
  return { min, max, off };
}

/** An OpenSSL cipher string, as the runtime takes it. Suites of TLS 1.3 are not chosen by it. */
function cipherList(ciphers: string): string {
  // BoringSSL knows no security levels and refuses the whole list because of one.
  if (runsOnBun) return ciphers.replaceAll(/:?@SECLEVEL=\d/g, "");
  return `${tls13Suites}:${ciphers}`;
}
