import { DECLINED } from "../../gateway/request/handler.ts";
import type { PhaseHandler } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { VirtualServer } from "../../gateway/serve/virtual-server.ts";
import type { TlsInfo } from "../../net/connection.ts";
import { verifyReason } from "../../net/tls-error.ts";
import { isTooDeep, rootsIn, tooDeepCode } from "../../net/verify-depth.ts";
import type { SslServer } from "./settings.ts";

/** `optional_no_ca` lets these pass: the certificate is whole, only its issuer is not known. */
const issuerUnknown = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_UNTRUSTED",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Why the client's certificate is not trusted, as a code; null when it is, or there is none. */
export function verifyErrorOf(tls: TlsInfo, settings: SslServer): string | null {
  if (tls.verifyError !== null) return tls.verifyError;
  if (tls.sessionAccepted) return null;
  const known = depths.get(tls);
  const tooDeep = known?.settings === settings ? known.tooDeep : isChainTooDeep(tls, settings);
  depths.set(tls, { settings, tooDeep });
  return tooDeep ? tooDeepCode : null;
}

/** Found out once per connection: requests on it share the certificate. */
const depths = new WeakMap<TlsInfo, { readonly settings: SslServer; readonly tooDeep: boolean }>();

/** Read when the first client comes with a certificate. */
const roots = new WeakMap<SslServer, ReturnType<typeof rootsIn>>();

function isChainTooDeep(tls: TlsInfo, settings: SslServer): boolean {
  const trusted = roots.get(settings) ?? rootsIn(settings.options?.ca ?? null);
  roots.set(settings, trusted);
  return isTooDeep(tls.peerCertificates(), settings.verifyDepth, trusted);
}

/**
 * Refuses requests whose client showed no certificate, or none that is trusted, and those that name
 * another server than the handshake did: it may have been less strict.
 */
export function verifyHandler(settings: SslServer): PhaseHandler {
  const { verifyClient } = settings;
  return (request) => {
    const { tls } = request.origin;
    if (tls === null) return DECLINED;
    const other = negotiatedInstead(request, tls);
    if (other !== null) {
      request.server = other;
      request.location = other.root;
      tell(request, "client attempted to request the server name different from the one that was negotiated");
      return 421;
    }
    const present = tls.peerCertificates().length > 0;
    const code = present ? verifyErrorOf(tls, settings) : null;
    if (code !== null && !(verifyClient === "optional_no_ca" && issuerUnknown.has(code))) {
      const { number, words } = verifyReason(code) ?? unknownReason(code);
      tell(request, `client SSL certificate verify error: (${number}:${words})`);
      return 495;
    }
    if (!present && verifyClient === "on") {
      tell(request, "client sent no required SSL certificate");
      return 496;
    }
    return DECLINED;
  };
}

function tell(request: Request, message: string): void {
  request.log("info", `${message} while reading client request headers`);
}

/** The server that the handshake chose by its name, where the request names another one: it answers. */
function negotiatedInstead(request: Request, { serverName }: TlsInfo): VirtualServer | null {
  if (serverName === null || serverName === request.host) return null;
  const { choice } = request.client.listenSocket.serversFor(request.origin.local);
  const negotiated = choice.findNegotiated(serverName);
  return negotiated !== choice.defaultServer || hasName(negotiated, serverName) ? negotiated : null;
}

function hasName(server: VirtualServer, host: string): boolean {
  return server.names.some((name) => {
    if (name.kind === "exact") return name.text === host;
    if (name.kind === "head") return host.endsWith(name.text) || (name.bare && host === name.text.slice(1));
    return name.kind === "tail" ? host.startsWith(name.text) : name.regex.test(host);
  });
}

function unknownReason(code: string): { readonly number: number; readonly words: string } {
  return { number: 1, words: code };
}
