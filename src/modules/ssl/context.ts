import { createHash, createHmac } from "node:crypto";
import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { plainTlsOptions } from "../../net/network.ts";
import type { Network, TlsContext, TlsContextOptions } from "../../net/network.ts";
import { pemBlocks } from "../../net/pem.ts";
import {
  keyFileName,
  loadAuthorities,
  loadCertificateAndKey,
  loadDhParameters,
  loadRevocations,
  readAtDirective,
} from "../support/key-material.ts";
import type { ReadFile } from "../support/key-material.ts";
import type { NamedPair } from "./variable-certificates.ts";
import { applyCommands } from "../support/tls-commands.ts";
import type { SslServer } from "./settings.ts";

/**
 * What handshakes of a server need. Things are checked in nginx's order, so that the first complaint is the same.
 *
 * @throws ConfigError
 */
export function serverContextOptions(
  settings: SslServer,
  named: readonly NamedPair[],
  build: HttpBuild,
  scope: Scope,
): TlsContextOptions {
  const { network, files: read } = build;
  const fullName = (path: string): string => keyFileName(scope, path);
  checkCiphers(network, settings.ciphers);
  const pairs = named.map(({ certificate, key }) =>
    loadCertificateAndKey(read, fullName(certificate.text), fullName(key.text), settings.passphrases),
  );
  const trust = authorities(settings, read, fullName);
  const crl = settings.crl === null ? null : loadRevocations(read, fullName(settings.crl));
  const dhparam = settings.dhparam === null ? null : loadDhParameters(read, fullName(settings.dhparam));
  const curves = settings.ecdhCurve === "auto" ? null : settings.ecdhCurve;
  if (curves !== null) checkCurves(network, curves);
  const ticketKeys = settings.ticketKeys.map((path) => readTicketKey(scope, read, fullName(path)));
  const options: TlsContextOptions = {
    ...plainTlsOptions,
    certificates: pairs,
    protocols: [...settings.protocols].map((word) => word.replace("tls", "TLS")),
    ciphers: settings.ciphers,
    preferServerCiphers: settings.preferServerCiphers,
    curves,
    dhparam,
    ...(settings.verifyClient === "off" ? {} : trust),
    crl,
    sessionTimeoutSeconds: settings.sessionTimeoutSeconds,
    ticketKeys: ticketKeys[0] ?? null,
    sessionTickets: settings.sessionTickets,
  };
  const { passphrases, commands } = settings;
  return applyCommands(options, commands, { network, read, fullName, passphrases });
}

/**
 * The TLS context; `firstCertificate` is what the error names.
 * @throws ConfigError with the TLS library's words
 */
export function makeContext(
  network: Network,
  options: TlsContextOptions,
  firstCertificate: string,
): TlsContext {
  try {
    return network.tlsContext(options);
  } catch (error) {
    return fail(`cannot load certificate "${firstCertificate}": ${wordsOf(error)}`);
  }
}

/** What node:tls takes: a name and two secrets of 16 bytes. */
const ticketKeyBytes = 48;

/** The workers must be able to read each other's tickets, those for other certificates not at all. */
export function commonTicketKey(build: HttpBuild, pairs: TlsContextOptions["certificates"]): Buffer | null {
  if (build.ticketSecret === null) return null;
  const hash = createHmac("sha512", build.ticketSecret);
  for (const { chain } of pairs) hash.update(chain);
  return hash.digest().subarray(0, ticketKeyBytes);
}

/** Certificates with their keys. @throws ConfigError when there are not enough of these */
export function pairsOf({ certificates, certificateKeys }: SslServer): readonly NamedPair[] {
  if (certificateKeys.length < certificates.length) {
    fail(`no "ssl_certificate_key" is defined for certificate "${certificates.at(-1)?.text}"`);
  }
  return certificates.map((certificate, index) => ({ certificate, key: certificateKeys[index]! }));
}

function checkCiphers(network: Network, ciphers: string): void {
  try {
    if (ciphers !== "") {
      network.tlsContext({ ...plainTlsOptions, ciphers });
      return;
    }
  } catch {
    // Told below.
  }
  fail(`SSL_CTX_set_cipher_list("${ciphers}") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`);
}

function checkCurves(network: Network, curves: string): void {
  for (const curve of curves.split(":")) {
    try {
      network.tlsContext({ ...plainTlsOptions, curves: curve });
    } catch {
      const detail = `error:0A080106:SSL routines::passed invalid argument:group '${curve}' cannot be set`;
      fail(`SSL_CTX_set1_curves_list("${curves}") failed (SSL: ${detail})`);
    }
  }
}

/** What clients' certificates are checked against; clients are told the names of the first file's only. */
function authorities(
  settings: SslServer,
  read: ReadFile,
  fullName: (path: string) => string,
): Pick<TlsContextOptions, "ca" | "namedAuthorities"> {
  const { verifyClient, clientCertificate, trustedCertificate } = settings;
  const needed = verifyClient === "on" || verifyClient === "optional";
  if (needed && clientCertificate === null && trustedCertificate === null) {
    fail("no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client");
  }
  const load = (path: string | null): Buffer =>
    path === null ? Buffer.alloc(0) : onceEach(loadAuthorities(read, fullName(path)));
  const named = load(verifyClient === "off" ? null : clientCertificate);
  const trusted = load(trustedCertificate);
  if (named.length + trusted.length === 0) return { ca: null, namedAuthorities: null };
  if (trusted.length === 0) return { ca: named, namedAuthorities: null };
  return { ca: onceEach(Buffer.concat([named, trusted])), namedAuthorities: named };
}

/** The file's blocks without those that it has twice: each name is told once. */
function onceEach(pem: Buffer): Buffer {
  const texts = new Set(pemBlocks(pem).map(({ text }) => text));
  return Buffer.from([...texts].join(""), "latin1");
}

/** nginx's file: a name and two secrets; node wants the secrets the other way round. */
function readTicketKey(scope: Scope, read: ReadFile, path: string): Buffer {
  const key = readAtDirective(scope, read, path);
  if (key.length === 48)
    return Buffer.concat([key.subarray(0, 16), key.subarray(32, 48), key.subarray(16, 32)]);
  if (key.length !== 80) return scope.fail(`"${path}" must be 48 or 80 bytes`);
  // The runtime encrypts tickets with 128 bits only, so these secrets are shortened.
  const secrets = createHash("sha256").update(key.subarray(16)).digest();
  return Buffer.concat([key.subarray(0, 16), secrets]);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fail(message: string): never {
  throw new ConfigError(message, "", 0);
}
