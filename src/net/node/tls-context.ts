import { constants, createHash } from "node:crypto";
import tls from "node:tls";
import type { X509Certificate } from "node:crypto";
import type { TlsInfo } from "../connection.ts";
import type { ClientTls, TlsContext, TlsContextOptions } from "../network.ts";
import { SessionStore } from "../session-store.ts";
import { isTooDeep, rootsIn } from "../verify-depth.ts";
import { runsOnBun } from "./runtime.ts";
import { authoritiesFor, plainAuthorities, revocationsFor } from "./trust.ts";

const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

const versionOff: Readonly<Record<(typeof versions)[number], number>> = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
};

/** Node turns TLS 1.3 off unless a list names its suites; nginx's lists never do. */
const tls13Suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

const tls12Default = tls.DEFAULT_CIPHERS.split(":")
  .filter((name) => !name.startsWith("TLS_"))
  .join(":");

/** Sessions are bound to this name where nothing else is said: any server behind a listener resumes them. */
const commonSessions = "longhaul";

/** Key material and rules, made ready for node:tls. */
export class NodeTlsContext implements TlsContext {
  readonly isTlsContext = true;
  readonly options: TlsContextOptions;
  private current: tls.SecureContext;
  /** When that was made. */
  private madeMs = performance.now();
  /** Of connections that were dialed with this context. */
  readonly sessions = new SessionStore();
  private withSystemRoots: tls.SecureContext | null = null;
  private knownRoots: readonly X509Certificate[] | null = null;

  constructor(options: TlsContextOptions) {
    this.options = options;
    this.current = secureContext(options);
  }

  /** BoringSSL's tickets live for hours, Bun tells it nothing else: with the context their keys are gone. */
  get secure(): tls.SecureContext {
    if (this.ticketLifeMs > performance.now() - this.madeMs) return this.current;
    this.current = secureContext(this.options);
    this.madeMs = performance.now();
    return this.current;
  }

  /** How long tickets of one context are honoured, where the library does not look after that. */
  get ticketLifeMs(): number {
    const { side, sessionTickets, sessionTimeoutSeconds } = this.options;
    return runsOnBun && side === "server" && sessionTickets
      ? Math.max(1, sessionTimeoutSeconds) * 1000
      : Infinity;
  }

  /** For checking a peer against the runtime's store where no `ca` was given: loaded on first use. */
  get verifying(): tls.SecureContext {
    if (this.options.ca !== null) return this.secure;
    restoreTrust();
    this.withSystemRoots ??= tls.createSecureContext(secureContextOptions(this.options, true));
    return this.withSystemRoots;
  }

  /** Of the trusted certificates, those that chains end with; null where the runtime's own are trusted. */
  get roots(): readonly X509Certificate[] | null {
    if (this.options.ca === null) return null;
    this.knownRoots ??= rootsIn(this.options.ca);
    return this.knownRoots;
  }
}

/**
 * Whether a server that is verified shows a longer chain than it may. A session that is resumed was kept only
 * because its first handshake passed this.
 */
export function exceedsDepth({ context, verifyName, verifyDepth }: ClientTls, info: TlsInfo): boolean {
  if (verifyName === null || verifyDepth === undefined || info.sessionReused) return false;
  return isTooDeep(info.peerCertificates(), verifyDepth, nodeContext(context).roots);
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
    sessionIdContext: sessionIdContext(options.sessionContext),
    sessionTimeout: options.sessionTimeoutSeconds,
  };
  if (options.certificates.length > 0) {
    secure.cert = options.certificates.map((certificate) => certificate.chain);
    secure.key = options.certificates.map(keyOption);
  }
  if (options.ca !== null) secure.ca = authoritiesFor(options.side, options.ca);
  else if (!systemRoots) secure.ca = [];
  if (options.crl !== null) secure.crl = revocationsFor(options.crl);
  const ciphers = cipherList(options);
  if (ciphers !== null) secure.ciphers = ciphers;
  if (options.signatureAlgorithms !== null) secure.sigalgs = options.signatureAlgorithms;
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
  // Servers may ask for it, as nginx lets them; clients never may.
  const renegotiation = options.side === "server" ? constants.SSL_OP_NO_RENEGOTIATION : 0;
  return tickets | order | renegotiation | options.libraryFlags;
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
  if (min === undefined || max === undefined) {
    // SSLv3 alone, for example: every handshake fails.
    return { min: "TLSv1.2", max: "TLSv1.3", off: versionOff["TLSv1.2"] | versionOff["TLSv1.3"] };
  }
  let off = 0;
  for (const version of versions) {
    if (version > min && version < max && !enabled.includes(version)) off |= versionOff[version];
  }
  return { min, max, off };
}

/** OpenSSL's cipher strings, as the runtime takes them; null for its own. */
function cipherList({ ciphers, cipherSuites }: TlsContextOptions): string | null {
  // BoringSSL does not let suites of TLS 1.3 be chosen. It knows no security levels, and refuses the whole list
  // because of one.
  if (runsOnBun) return ciphers === null ? null : ciphers.replaceAll(/:?@SECLEVEL=\d/g, "");
  if (ciphers === null && cipherSuites === null) return null;
  return `${cipherSuites ?? tls13Suites}:${ciphers ?? tls12Default}`;
}

/** OpenSSL takes 32 bytes. */
function sessionIdContext(words: string): string {
  return words === "" ? commonSessions : createHash("sha256").update(words).digest("base64").slice(0, 32);
}

function secureContext(options: TlsContextOptions): tls.SecureContext {
  const { side, ca, namedAuthorities } = options;
  const canHide = !runsOnBun && typeof tls.setDefaultCACertificates === "function";
  if (!canHide || side !== "server" || ca === null || namedAuthorities === null) {
    return tls.createSecureContext(secureContextOptions(options));
  }
  // Node tells clients the names of all that `ca` has. What is trusted by default is not named.
  trustByDefault(plainAuthorities(side, ca));
  const { ca: _, ...others } = secureContextOptions(options);
  const context = tls.createSecureContext(others);
  const { context: native } = context as unknown as { context: { addCACert(pem: string): void } };
  for (const pem of plainAuthorities(side, namedAuthorities)) native.addCACert(pem);
  return context;
}

/** What this thread trusts by default while it is something else. */
let usualTrust: string[] | null = null;

/**
 * The usual is back before anybody else's turn: once for all contexts of a configuration, because it takes 10 ms
 * (measured, 140 authorities).
 */
function trustByDefault(authorities: readonly string[]): void {
  if (usualTrust === null) {
    usualTrust = tls.getCACertificates("default");
    queueMicrotask(restoreTrust);
  }
  tls.setDefaultCACertificates(authorities);
}

function restoreTrust(): void {
  if (usualTrust === null) return;
  tls.setDefaultCACertificates(usualTrust);
  usualTrust = null;
}
