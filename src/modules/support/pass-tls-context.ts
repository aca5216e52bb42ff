import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { plainTlsOptions } from "../../net/network.ts";
import type { TlsContext, TlsContextOptions } from "../../net/network.ts";
import { keyFileName, loadAuthorities, loadCertificateAndKey, loadRevocations } from "./key-material.ts";
import { applyCommands } from "./tls-commands.ts";
import { VariableCertificates } from "../ssl/variable-certificates.ts";
import type { PassTlsSettings } from "./pass-tls.ts";

/** Contexts of one configuration by what they were made of: most locations want the same. */
const contexts = new WeakMap<HttpBuild, Map<string, TlsContext>>();

/**
 * Makes ready what connections to upstream servers by TLS need, as `*_ssl_*` says. `prefix`: "proxy_".
 *
 * @throws ConfigError
 */
export function makeClientContext(settings: PassTlsSettings, scope: Scope, prefix: string): TlsContext {
  const build = buildOf(scope);
  const known = contexts.get(build) ?? new Map<string, TlsContext>();
  contexts.set(build, known);
  const { sslProtocols, sslCiphers, sslCertificate, sslCertificateKey, sslPassphrases } = settings;
  const { sslVerify, sslTrustedCertificate, sslCrl } = settings;
  const trust = sslVerify ? [sslTrustedCertificate, sslCrl] : [];
  const key = JSON.stringify([
    [...sslProtocols],
    sslCiphers,
    sslCertificate?.constant ?? null,
    sslCertificateKey?.constant ?? null,
    sslPassphrases,
    sslVerify,
    trust,
    settings.sslCommands.map(({ name, value }) => [name, value]),
  ]);
  const context = known.get(key) ?? build.network.tlsContext(optionsOf(settings, build, scope, prefix));
  known.set(key, context);
  return context;
}

function optionsOf(
  settings: PassTlsSettings,
  build: HttpBuild,
  scope: Scope,
  prefix: string,
): TlsContextOptions {
  const { network, files: read } = build;
  const fullName = (path: string): string => keyFileName(scope, path);
  const options: TlsContextOptions = {
    ...plainTlsOptions,
    side: "client",
    protocols: [...settings.sslProtocols].map((word) => word.replace("tls", "TLS")),
    ciphers: settings.sslCiphers === "DEFAULT" ? null : settings.sslCiphers,
  };
  try {
    network.tlsContext(options);
  } catch {
    const detail = "SSL: error:0A0000B9:SSL routines::no cipher match";
    throw new ConfigError(`SSL_CTX_set_cipher_list("${settings.sslCiphers}") failed (${detail})`, "", 0);
  }
  const certificates = certificatesOf(settings, build, scope, prefix);
  const whole = { ...options, certificates, ...trustOf(settings, build, scope, prefix) };
  const tools = { network, read, fullName, passphrases: settings.sslPassphrases };
  return applyCommands(whole, settings.sslCommands, tools);
}

function trustOf(
  { sslVerify, sslTrustedCertificate, sslCrl }: PassTlsSettings,
  { files: read }: HttpBuild,
  scope: Scope,
  prefix: string,
): Pick<TlsContextOptions, "ca" | "crl"> {
  if (!sslVerify) return { ca: null, crl: null };
  if (sslTrustedCertificate === null) {
    throw new ConfigError(`no ${prefix}ssl_trusted_certificate for ${prefix}ssl_verify`, "", 0);
  }
  const ca = loadAuthorities(read, keyFileName(scope, sslTrustedCertificate));
  return { ca, crl: sslCrl === null ? null : loadRevocations(read, keyFileName(scope, sslCrl)) };
}

function certificatesOf(
  settings: PassTlsSettings,
  build: HttpBuild,
  scope: Scope,
  prefix: string,
): TlsContextOptions["certificates"] {
  const { sslCertificate, sslCertificateKey, sslPassphrases } = settings;
  if (sslCertificate === null || sslCertificate.constant === "") return [];
  if (sslCertificateKey === null) {
    throw new ConfigError(
      `no "${prefix}ssl_certificate_key" is defined for certificate "${sslCertificate.text}"`,
      "",
      0,
    );
  }
  if (sslCertificate.constant === null || sslCertificateKey.constant === null) return [];
  const chain = keyFileName(scope, sslCertificate.constant);
  const key = keyFileName(scope, sslCertificateKey.constant);
  return [loadCertificateAndKey(build.files, chain, key, sslPassphrases)];
}

/** For certificates whose names hold variables; null where none does. */
export function makeClientCertificates(
  settings: PassTlsSettings,
  scope: Scope,
  prefix: string,
): VariableCertificates | null {
  const { sslCertificate, sslCertificateKey, sslPassphrases } = settings;
  if (sslCertificate === null || sslCertificateKey === null || sslCertificate.constant === "") return null;
  if (sslCertificate.constant !== null && sslCertificateKey.constant !== null) return null;
  const build = buildOf(scope);
  return new VariableCertificates({
    network: build.network,
    options: optionsOf(settings, build, scope, prefix),
    pairs: [{ certificate: sslCertificate, key: sslCertificateKey }],
    cache: settings.sslCertificateCache,
    fullName: (path) => keyFileName(scope, path),
    passphrases: sslPassphrases,
  });
}
