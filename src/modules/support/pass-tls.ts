/**
 * TLS to upstream servers: the directives `proxy_ssl_*`, `grpc_ssl_*`, `uwsgi_ssl_*`, and what a connection gets of
 * them.
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { ClientTls, TlsContext } from "../../net/network.ts";
import { certificateCache } from "../ssl/variable-certificates.ts";
import type { CertificateCache, VariableCertificates } from "../ssl/variable-certificates.ts";
import { readPassphrases, refuseKeyStore } from "./key-material.ts";
import type { LevelOf } from "./pass-directives.ts";
import { makeClientCertificates, makeClientContext } from "./pass-tls-context.ts";
import { readCommand } from "./tls-commands.ts";
import type { TlsCommand } from "./tls-commands.ts";

/** What the directives say, and what is made of it once a level is merged. */
export interface PassTlsSettings {
  sslProtocols: ReadonlySet<string>;
  sslCiphers: string;
  /** Null: the host that requests are passed to. */
  sslName: Value | null;
  sslServerName: boolean;
  sslSessionReuse: boolean;
  sslVerify: boolean;
  sslVerifyDepth: number;
  sslTrustedCertificate: string | null;
  sslCrl: string | null;
  sslCertificate: Value | null;
  sslCertificateKey: Value | null;
  sslPassphrases: readonly string[];
  sslCertificateCache: CertificateCache | null;
  sslCommands: readonly TlsCommand[];
  /** Null where no server is spoken to by TLS. */
  tlsContext: TlsContext | null;
  /** Null where certificates are told by their names, and the context has them. */
  clientCertificates: VariableCertificates | null;
}

const variablesOf = (scope: Scope) => buildOf(scope).variables;
const everywhere: readonly Context[] = ["http", "server", "location"];

/** nginx's defaults, the same for all protocols. */
export function passTlsDefaults(): PassTlsSettings {
  return {
    sslProtocols: new Set(["tlsv1.2", "tlsv1.3"]),
    sslCiphers: "DEFAULT",
    sslName: null,
    sslServerName: false,
    sslSessionReuse: true,
    sslVerify: false,
    sslVerifyDepth: 1,
    sslTrustedCertificate: null,
    sslCrl: null,
    sslCertificate: null,
    sslCertificateKey: null,
    sslPassphrases: [],
    sslCertificateCache: null,
    sslCommands: [],
    tlsContext: null,
    clientCertificates: null,
  };
}

/**
 * Makes of a merged level what connections need. `wanted`: some request of the level may go to a server by TLS.
 * `prefix`: "proxy_".
 *
 * @throws ConfigError
 */
export function finishPassTls(
  settings: PassTlsSettings,
  scope: Scope,
  prefix: string,
  wanted: boolean,
): void {
  settings.tlsContext = wanted ? makeClientContext(settings, scope, prefix) : null;
  settings.clientCertificates = wanted ? makeClientCertificates(settings, scope, prefix) : null;
}

/**
 * How the connection for a request to `host` speaks TLS. Null where the request's own certificate cannot be used:
 * that is told in the log, and the answer is 500.
 *
 * @param alpn protocols that the server is offered
 */
export function tlsFor(
  settings: PassTlsSettings,
  request: Request,
  host: string,
  alpn: readonly string[] = noProtocols,
): ClientTls | null {
  const context = contextFor(settings, request);
  if (context === null) return null;
  const named = settings.sslName?.evaluate(request) ?? host;
  const name = named.startsWith("[") ? named.slice(1, named.indexOf("]")) : named.replace(/:\d+$/, "");
  const isAddress = /^[\d.]+$/.test(name) || name.includes(":");
  return {
    context,
    serverName: settings.sslServerName && !isAddress ? name : null,
    verifyName: settings.sslVerify ? name : null,
    verifyDepth: settings.sslVerifyDepth,
    reuseSessions: settings.sslSessionReuse,
    alpn,
  };
}

const noProtocols: readonly string[] = [];

function contextFor(
  { clientCertificates, tlsContext }: PassTlsSettings,
  request: Request,
): TlsContext | null {
  if (clientCertificates === null) return tlsContext;
  return clientCertificates.contextFor(request, (reason) => {
    request.log("error", `${reason} while connecting to upstream`);
  });
}

/** Connections that showed other names, or other certificates, are not shared: see `ExchangePlan.poolKey`. */
export function poolKeyOf({ context, serverName, verifyName, verifyDepth }: ClientTls): string {
  const serial = contextSerials.get(context) ?? (lastContextSerial += 1);
  contextSerials.set(context, serial);
  return `${serial} ${serverName ?? ""} ${verifyName ?? ""} ${verifyDepth ?? ""}`;
}

const contextSerials = new WeakMap<TlsContext, number>();
let lastContextSerial = 0;

/** The directives. `prefix`: "proxy_". */
export function passTlsDirectives(prefix: string, levelOf: LevelOf<PassTlsSettings>): DirectiveSpec[] {
  return [
    ...handshakeDirectives(prefix, levelOf),
    ...verifyDirectives(prefix, levelOf),
    ...certificateDirectives(prefix, levelOf),
  ];
}

function handshakeDirectives(prefix: string, levelOf: LevelOf<PassTlsSettings>): DirectiveSpec[] {
  const slot = slots<PassTlsSettings>(levelOf);
  return [
    {
      name: `${prefix}ssl_protocols`,
      contexts: everywhere,
      args: "1+",
      default: "TLSv1.2 TLSv1.3",
      doc: "TLS versions spoken to upstream servers.",
      set: slot.words("sslProtocols", ["sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]),
    },
    {
      name: `${prefix}ssl_ciphers`,
      contexts: everywhere,
      args: "1",
      default: "DEFAULT",
      doc: "Cipher suites offered to upstream servers.",
      set: slot.string("sslCiphers"),
    },
    {
      name: `${prefix}ssl_name`,
      contexts: everywhere,
      args: "1",
      default: "$proxy_host",
      doc: "Name that the server's certificate must carry, and that is sent by SNI.",
      set: slot.value("sslName", variablesOf),
    },
    {
      name: `${prefix}ssl_server_name`,
      contexts: everywhere,
      args: "flag",
      default: "off",
      doc: "Whether the server's name is sent by SNI.",
      set: slot.flag("sslServerName"),
    },
    {
      name: `${prefix}ssl_session_reuse`,
      contexts: everywhere,
      args: "flag",
      default: "on",
      doc: "Whether sessions with servers are resumed.",
      set: slot.flag("sslSessionReuse"),
    },
  ];
}

function verifyDirectives(prefix: string, levelOf: LevelOf<PassTlsSettings>): DirectiveSpec[] {
  const slot = slots<PassTlsSettings>(levelOf);
  return [
    {
      name: `${prefix}ssl_verify`,
      contexts: everywhere,
      args: "flag",
      default: "off",
      doc: "Whether the server's certificate is checked.",
      set: slot.flag("sslVerify"),
    },
    {
      name: `${prefix}ssl_verify_depth`,
      contexts: everywhere,
      args: "1",
      default: "1",
      doc: "Most certificates between a server's and the trusted one.",
      set: slot.number("sslVerifyDepth"),
    },
    {
      name: `${prefix}ssl_trusted_certificate`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "File with the certificates that servers' certificates are checked against.",
      set: slot.string("sslTrustedCertificate"),
    },
    {
      name: `${prefix}ssl_crl`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "File with revoked certificates.",
      set: slot.string("sslCrl"),
    },
  ];
}

function certificateDirectives(prefix: string, levelOf: LevelOf<PassTlsSettings>): DirectiveSpec[] {
  const slot = slots<PassTlsSettings>(levelOf);
  return [
    {
      name: `${prefix}ssl_certificate`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "File with the certificate shown to upstream servers; with variables, read when it is first wanted.",
      set: slot.custom("sslCertificate", keyFile),
    },
    {
      name: `${prefix}ssl_certificate_key`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "File with the key of that certificate.",
      set: slot.custom("sslCertificateKey", keyFile),
    },
    {
      name: `${prefix}ssl_certificate_cache`,
      contexts: everywhere,
      args: "1,2,3",
      default: "off",
      doc: "How many certificates that variables name are kept, and for how long.",
      set: slot.custom("sslCertificateCache", certificateCache),
    },
    {
      name: `${prefix}ssl_password_file`,
      contexts: everywhere,
      args: "1",
      default: null,
      doc: "File with passphrases for the key, one per line.",
      set: slot.custom("sslPassphrases", ({ args }, scope) => readPassphrases(scope, args[0]!)),
    },
    {
      name: `${prefix}ssl_conf_command`,
      contexts: everywhere,
      args: "2",
      default: null,
      doc: "A command of OpenSSL's configuration; what the runtime cannot do is refused.",
      set: slot.list<TlsCommand, "sslCommands">("sslCommands", readCommand),
    },
  ];
}

function keyFile({ name, args: [path = ""] }: Directive, scope: Scope): Value {
  refuseKeyStore(scope, name, path);
  return valueOf(scope, path);
}
