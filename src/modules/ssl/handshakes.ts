import { createHash } from "node:crypto";
import type { ServerDraft } from "../../gateway/build/drafts.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { Zone } from "../../gateway/zones/zones.ts";
import type { TlsInfo } from "../../net/connection.ts";
import { handshakeRequest } from "../../gateway/request/handshake-request.ts";
import type { HandshakeScene } from "../../gateway/request/handshake-request.ts";
import type { Handshakes } from "../../gateway/serve/virtual-server.ts";
import type { Network, ServerSessions, TlsContext, TlsContextOptions } from "../../net/network.ts";
import { VariableCertificates } from "./variable-certificates.ts";
import { endpointKey } from "../../gateway/serve/listen-socket.ts";
import { commonTicketKey, makeContext } from "./context.ts";
import type { Address } from "./listen-check.ts";
import type { SessionMemory } from "./session-table.ts";
import type { SslServer } from "./settings.ts";
import { verifyErrorOf } from "./verify.ts";

/** Sessions that `builtin` keeps without a number: OpenSSL's own. */
export const builtinSessionsMax = 20 * 1024;

type SettingsOf = (draft: ServerDraft) => SslServer;

/**
 * Makes ready what handshakes behind an address use. Timeout, cache and keys of sessions are the default server's,
 * as in nginx, so that a session of one name is good for the others. But sessions that say something of a client's
 * certificate are resumed only where just the same is asked of it.
 *
 * @param verified where sessions of such clients are kept that nginx would put into tickets
 * @throws ConfigError
 */
export function prepareHandshakes(
  address: Address,
  settingsOf: SettingsOf,
  build: HttpBuild,
  verified: Zone<SessionMemory> | null,
): void {
  const { defaultServer, servers } = address;
  const common = settingsOf(defaultServer);
  const asks = servers.some((draft) => settingsOf(draft).verifyClient !== "off");
  const sessionTickets = common.options?.sessionTickets ?? common.sessionTickets;
  const ticketKeys =
    common.options?.ticketKeys ?? commonTicketKey(build, certificatesOf(address, settingsOf));
  const inCache = cacheOf(common);
  for (const draft of servers) {
    const settings = settingsOf(draft);
    if (settings.options === null) continue;
    const isVerified = settings.verifyClient !== "off";
    // A ticket cannot tell how long the chain was that it rests on; what is kept here was accepted.
    const intoTickets = sessionTickets && !(isVerified && build.network.tlsLibrary === "openssl");
    const options: TlsContextOptions = {
      ...settings.options,
      sessionTimeoutSeconds: common.sessionTimeoutSeconds,
      sessionTickets: intoTickets,
      ticketKeys: ticketKeys ?? settings.options.ticketKeys,
      sessionContext: asks ? trustOf(settings) : "",
    };
    const kept = sessionTickets && isVerified ? shared(verified) : inCache;
    draft.server!.tls.behind.set(defaultServer.server!, {
      server: draft.server!,
      varies: settings.pairs.length > 0,
      contextFor: contextChooser(settings, options, build.network),
      sessions:
        intoTickets || kept === null ? null : { ...kept, accepts: (tls) => isAccepted(tls, settings) },
    });
    draft.server!.tls.rules = rulesOf(options);
    if (settings.pairs.length > 0) draft.server!.tls.readsHello = true;
  }
}

/** The same context for all, or what variables tell of the one at hand. @throws ConfigError */
function contextChooser(
  settings: SslServer,
  options: TlsContextOptions,
  network: Network,
): Handshakes["contextFor"] {
  const { pairs, fullName, passphrases, certificateCache: cache } = settings;
  if (pairs.length === 0) {
    const context = makeContext(network, options, fullName(settings.certificates[0]!.text));
    return () => context;
  }
  const certificates = new VariableCertificates({ network, options, pairs, fullName, passphrases, cache });
  return (scene) => (scene === null ? null : namedContext(certificates, scene));
}

function namedContext(certificates: VariableCertificates, scene: HandshakeScene): TlsContext | "unavailable" {
  const request = handshakeRequest(scene);
  const tell = (level: "error" | "info", reason: string): void => {
    const { errorLog } = scene.server.root.core;
    const where = `client: ${request.client.origin.remoteText}, server: ${endpointKey(scene.listenSocket.endpoint)}`;
    errorLog.write(level, `${reason} while SSL handshaking, ${where}`, request.client.serial);
  };
  // The name may become part of a path; none that is a host's has these.
  if (/[/\0]/.test(scene.name ?? "")) {
    tell("info", "client sent invalid server name");
    return "unavailable";
  }
  return certificates.contextFor(request, (reason) => tell("error", reason)) ?? "unavailable";
}

type Store = Pick<ServerSessions, "get" | "set">;

const stores = new WeakMap<SslServer["sessionCache"], Store>();

function cacheOf({ sessionCache }: SslServer): Store | null {
  if (sessionCache.shared !== null) return shared(sessionCache.shared);
  if (sessionCache.builtin === 0) return null;
  const known = stores.get(sessionCache) ?? builtin(sessionCache.builtin);
  stores.set(sessionCache, known);
  return known;
}

function shared(zone: Zone<SessionMemory> | null): Store | null {
  if (zone === null) return null;
  return {
    get: (id) => zone.data!.table!.get(id),
    set: (id, session) => zone.data!.table!.set(id, session),
  };
}

/** For one worker: the session that came first makes room. */
function builtin(sessionsMax: number): Store {
  const sessions = new Map<string, Buffer>();
  return {
    get: (id) => sessions.get(id) ?? null,
    set(id, session) {
      if (sessions.size >= sessionsMax) sessions.delete(sessions.keys().next().value ?? "");
      sessions.set(id, session);
    },
  };
}

function isAccepted(tls: TlsInfo, settings: SslServer): boolean {
  if (settings.verifyClient === "off" || tls.peerCertificates().length === 0) return true;
  return verifyErrorOf(tls, settings) === null;
}

/** Where one of these differs, a session is worth nothing. */
function trustOf({ verifyClient, verifyDepth, options }: SslServer): string {
  if (verifyClient === "off") return "none asked for";
  const digest = (part: Buffer | null): string =>
    part === null ? "" : createHash("sha256").update(part).digest("base64");
  return JSON.stringify([verifyClient, verifyDepth, digest(options!.ca), digest(options!.crl)]);
}

/** What the name decides on besides certificates: not every listener can change these within a handshake. */
function rulesOf(options: TlsContextOptions): string {
  const { protocols, ciphers, cipherSuites, preferServerCiphers, curves, signatureAlgorithms } = options;
  return JSON.stringify([
    protocols,
    ciphers,
    cipherSuites,
    preferServerCiphers,
    curves,
    signatureAlgorithms,
    options.libraryFlags,
    options.crl !== null,
  ]);
}

function certificatesOf(
  { defaultServer, servers }: Address,
  settingsOf: SettingsOf,
): TlsContextOptions["certificates"] {
  const own = settingsOf(defaultServer).options;
  if (own !== null) return own.certificates;
  return servers.flatMap((draft) => settingsOf(draft).options?.certificates ?? []);
}
