/**
 * ngx_http_ssl_module: TLS on client connections.
 * https://nginx.org/en/docs/http/ngx_http_ssl_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseSize } from "../../config/values.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { ServerDraft } from "../../gateway/build/drafts.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { zoneBytesMin } from "../../gateway/zones/zones.ts";
import type { Zone } from "../../gateway/zones/zones.ts";
import { inTurns } from "../../net/pace.ts";
import { readPassphrases, refuseKeyStore } from "../support/key-material.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { certificateCache } from "./variable-certificates.ts";
import { readCommand } from "../support/tls-commands.ts";
import type { TlsCommand } from "../support/tls-commands.ts";
import { builtinSessionsMax, prepareHandshakes } from "./handshakes.ts";
import { addressesOf, checkListens } from "./listen-check.ts";
import type { Address, Readiness } from "./listen-check.ts";
import { sessionZoneUse } from "./session-table.ts";
import type { SessionMemory } from "./session-table.ts";
import { sslLevel } from "./settings.ts";
import type { SessionCache, SslServer } from "./settings.ts";
import { helloVariables, sslVariables } from "./variables.ts";
import { verifyHandler } from "./verify.ts";

const server = slots<SslServer>((scope) => scope.server(ssl));
const inServers: readonly Context[] = ["http", "server"];

const directives: readonly DirectiveSpec[] = [
  {
    name: "ssl_certificate",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with the server's certificate and those that lead to its issuer; with variables, read at handshakes.",
    set: server.list<Value, "certificates">("certificates", keyFile),
  },
  {
    name: "ssl_certificate_key",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with the key of the certificate.",
    set: server.list<Value, "certificateKeys">("certificateKeys", keyFile),
  },
  {
    name: "ssl_certificate_cache",
    contexts: inServers,
    args: "1,2,3",
    default: "off",
    doc: "How many certificates that variables name are kept, and for how long.",
    set: server.custom("certificateCache", certificateCache),
  },
  {
    name: "ssl_password_file",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with passphrases for keys, one per line.",
    set: server.custom("passphrases", ({ args }, scope) => readPassphrases(scope, args[0]!)),
  },
  {
    name: "ssl_protocols",
    contexts: inServers,
    args: "1+",
    default: "TLSv1.2 TLSv1.3",
    doc: "TLS versions that are spoken.",
    set: server.words("protocols", ["sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]),
  },
  {
    name: "ssl_ciphers",
    contexts: inServers,
    args: "1",
    default: "HIGH:!aNULL:!MD5",
    doc: "Cipher suites up to TLS 1.2, as OpenSSL lists them.",
    set: server.string("ciphers"),
  },
  {
    name: "ssl_prefer_server_ciphers",
    contexts: inServers,
    args: "flag",
    default: "off",
    doc: "Whether the server's order of cipher suites counts.",
    set: server.flag("preferServerCiphers"),
  },
  {
    name: "ssl_ecdh_curve",
    contexts: inServers,
    args: "1",
    default: "auto",
    doc: "Curves for ECDHE.",
    set: server.string("ecdhCurve"),
  },
  {
    name: "ssl_dhparam",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with parameters for DHE. On Bun there is no DHE, which a notice says.",
    set: dhParameters,
  },
  {
    name: "ssl_session_timeout",
    contexts: inServers,
    args: "1",
    default: "5m",
    doc: "How long a session can be resumed.",
    set: server.sec("sessionTimeoutSeconds"),
  },
  {
    name: "ssl_session_cache",
    contexts: inServers,
    args: "1,2",
    default: "none",
    doc: "Kind and size of the session cache.",
    set: sessionCache,
  },
  {
    name: "ssl_session_tickets",
    contexts: inServers,
    args: "flag",
    default: "on",
    doc: "Whether sessions are resumed by tickets.",
    set: server.flag("sessionTickets"),
  },
  {
    name: "ssl_session_ticket_key",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with the secret of session tickets, shared with other machines; the first one is used.",
    set: ticketKeyFile,
  },
  {
    name: "ssl_verify_client",
    contexts: inServers,
    args: "1",
    default: "off",
    doc: "Whether clients must show a certificate.",
    set: server.word("verifyClient", {
      off: "off",
      on: "on",
      optional: "optional",
      optional_no_ca: "optional_no_ca",
    }),
  },
  {
    name: "ssl_verify_depth",
    contexts: inServers,
    args: "1",
    default: "1",
    doc: "Longest chain of a client's certificate.",
    set: server.number("verifyDepth"),
  },
  {
    name: "ssl_client_certificate",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with the certificates that clients' certificates are checked against.",
    set: server.string("clientCertificate"),
  },
  {
    name: "ssl_trusted_certificate",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "The same, without their names being sent to clients.",
    set: server.string("trustedCertificate"),
  },
  {
    name: "ssl_crl",
    contexts: inServers,
    args: "1",
    default: null,
    doc: "File with revoked certificates.",
    set: server.string("crl"),
  },
  {
    name: "ssl_reject_handshake",
    contexts: inServers,
    args: "flag",
    default: "off",
    doc: "Whether handshakes of this server are refused.",
    set: server.flag("rejectHandshake"),
  },
  {
    name: "ssl_conf_command",
    contexts: inServers,
    args: "2",
    default: null,
    doc: "A command of OpenSSL's configuration; what the runtime cannot do is refused.",
    set: server.list<TlsCommand, "commands">("commands", readCommand),
  },
];

/** Which certificates a socket offers depends on all servers behind it. */
async function finishServers(build: HttpBuild, http: Scope): Promise<void> {
  const addresses = addressesOf(build);
  checkListens(addresses, readinessOf);
  const readsHello = build.variables.uses(helloVariables);
  for (const draft of build.servers) draft.server!.tls.readsHello = readsHello;
  tellLimits(build.servers, build, http);
  const verified = zoneOfVerified(addresses, build, http);
  await inTurns(addresses, http.cycle.pace, (address) => {
    if (address.ssl) prepareHandshakes(address, settingsOf, build, verified);
  });
}

export const ssl: HttpModule<object, SslServer> = {
  name: "ngx_http_ssl_module",
  directives,
  server: sslLevel,
  variables: sslVariables((request) => request.server.settings.get(ssl) as SslServer),
  attachServer(target, settings) {
    target.tls.rejects = settings.rejectHandshake;
    target.tls.requestsCertificate = settings.verifyClient !== "off";
    if (settings.verifyClient !== "off") target.postRead.push(verifyHandler(settings));
  },
  finishServers,
};

const storeDhParameters = server.string("dhparam");

function dhParameters(scope: Scope, directive: Directive): void {
  storeDhParameters(scope, directive);
  if (buildOf(scope).network.tlsLibrary === "openssl") return;
  scope.notice('the "ssl_dhparam" directive has no effect: the runtime\'s TLS library has no DHE');
}

const storeTicketKey = server.strings("ticketKeys");

function ticketKeyFile(scope: Scope, directive: Directive): void {
  storeTicketKey(scope, directive);
  if (buildOf(scope).network.tlsLibrary === "openssl") return;
  scope.notice('the "ssl_session_ticket_key" directive has no effect: the runtime makes its own keys');
}

/** What this runtime does less well than nginx, for those who asked for it. */
function tellLimits(servers: readonly ServerDraft[], build: HttpBuild, scope: Scope): void {
  if (build.network.tlsLibrary === "openssl") return;
  const all = servers.map(settingsOf);
  if (
    all.some(
      ({ sessionTickets, sessionCache: cache }) => !sessionTickets && (cache.shared ?? cache.builtin) !== 0,
    )
  ) {
    scope.notice('"ssl_session_cache" has no effect: the runtime resumes sessions by tickets only');
  }
  if (
    all.some(({ verifyClient, trustedCertificate }) => verifyClient !== "off" && trustedCertificate !== null)
  ) {
    scope.notice('clients are told the names of the authorities in "ssl_trusted_certificate" too');
  }
}

function settingsOf(draft: ServerDraft): SslServer {
  return draft.settings.get(ssl) as SslServer;
}

/** For at least 600 clients with certificates: nginx, which gives them tickets, has no number. */
const verifiedBytes = 1024 * 1024;

/** Where sessions are kept of clients whose certificates are looked at; null where none are asked for. */
function zoneOfVerified(
  addresses: readonly Address[],
  build: HttpBuild,
  scope: Scope,
): Zone<SessionMemory> | null {
  const asked = addresses.some(
    ({ ssl: isSsl, servers }) => isSsl && servers.some((draft) => settingsOf(draft).verifyClient !== "off"),
  );
  return asked ? sessionZone(build, scope, "sessions of clients with certificates", verifiedBytes) : null;
}

function sessionZone(build: HttpBuild, scope: Scope, name: string, bytes: number): Zone<SessionMemory> {
  const zone = build.zones.add(scope, sessionZoneUse, name, bytes);
  zone.data ??= { worker: build.worker, table: null };
  return zone;
}

function readinessOf({ settings }: ServerDraft): Readiness {
  const { certificates, rejectHandshake } = settings.get(ssl) as SslServer;
  return { hasCertificates: certificates.length > 0, rejects: rejectHandshake };
}

function keyFile({ name, args: [path = ""] }: Directive, scope: Scope): Value {
  refuseKeyStore(scope, name, path);
  return valueOf(scope, path);
}

function sessionCache(scope: Scope, { args }: Directive): void {
  let cache: SessionCache = { shared: null, builtin: 0 };
  for (const arg of args) {
    const [isBuiltin, count] = /^builtin(?::(\d+))?$/.exec(arg) ?? [];
    if (arg === "off" || arg === "none") cache = { shared: null, builtin: 0 };
    else if (isBuiltin !== undefined) {
      cache = { ...cache, builtin: count === undefined ? builtinSessionsMax : Number(count) };
    } else cache = { ...cache, shared: sharedCache(scope, arg) };
  }
  scope.server(ssl).sessionCache = cache;
}

function sharedCache(scope: Scope, arg: string): Zone<SessionMemory> {
  const [, name, size = ""] = /^shared:([^:]+):([^:]+)$/.exec(arg) ?? [];
  const bytes = parseSize(size);
  if (name === undefined || bytes === null) return scope.fail(`invalid session cache "${arg}"`);
  if (bytes < zoneBytesMin) scope.fail(`session cache "${arg}" is too small`);
  return sessionZone(buildOf(scope), scope, name, bytes);
}
