import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { plainTlsOptions } from "../../net/network.ts";
import type { TlsContext, TlsContextOptions } from "../../net/network.ts";
import {
  keyFileName,
  loadAuthorities,
  loadCertificateAndKey,
  loadRevocations,
} from "../support/key-material.ts";
import { applyCommands } from "../support/tls-commands.ts";
import { VariableCertificates } from "../ssl/variable-certificates.ts";
import type { ProxySettings } from "./settings.ts";

/** Contexts of one configuration by what they were made of: most locations want the same. */
const contexts = new WeakMap<HttpBuild, Map<string, TlsContext>>();

/**
 * Makes ready what connections to upstream servers by TLS need, as `proxy_ssl_*` says.
 *
 * @throws ConfigError
 */
export function makeClientContext(settings: ProxySettings, scope: Scope): TlsContext {
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
  const context = known.get(key) ?? build.network.tlsContext(optionsOf(settings, build, scope));
  known.set(key, context);
  return context;
}

function optionsOf(settings: ProxySettings, build: HttpBuild, scope: Scope): TlsContextOptions {
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
  const whole = { ...options, certificates: certificatesOf(settings, build, scope), ...trustOf(settings) };
  const tools = { network, read, fullName, passphrases: settings.sslPassphrases };
  return applyCommands(whole, settings.sslCommands, tools);

  function trustOf({
    sslVerify,
    sslTrustedCertificate,
    sslCrl,
  }: ProxySettings): Pick<TlsContextOptions, "ca" | "crl"> {
    if (!sslVerify) return { ca: null, crl: null };
    if (sslTrustedCertificate === null) {
      throw new ConfigError("no proxy_ssl_trusted_certificate for proxy_ssl_verify", "", 0);
    }
    const ca = loadAuthorities(read, fullName(sslTrustedCertificate));
    return { ca, crl: sslCrl === null ? null : loadRevocations(read, fullName(sslCrl)) };
  }
}

function certificatesOf(
  settings: ProxySettings,
  build: HttpBuild,
  scope: Scope,
): TlsContextOptions["certificates"] {
  const { sslCertificate, sslCertificateKey, sslPassphrases } = settings;
  if (sslCertificate === null || sslCertificate.constant === "") return [];
  if (sslCertificateKey === null) {
    throw new ConfigError(
      `no "proxy_ssl_certificate_key" is defined for certificate "${sslCertificate.text}"`,
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
export function makeClientCertificates(settings: ProxySettings, scope: Scope): VariableCertificates | null {
  const { sslCertificate, sslCertificateKey, sslPassphrases } = settings;
  if (sslCertificate === null || sslCertificateKey === null || sslCertificate.constant === "") return null;
  if (sslCertificate.constant !== null && sslCertificateKey.constant !== null) return null;
  const build = buildOf(scope);
  return new VariableCertificates({
    network: build.network,
    options: optionsOf(settings, build, scope),
    pairs: [{ certificate: sslCertificate, key: sslCertificateKey }],
    cache: settings.sslCertificateCache,
    fullName: (path) => keyFileName(scope, path),
    passphrases: sslPassphrases,
  });
}
