import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { ClientHello, TlsInfo } from "../connection.ts";
import { curveOf, sessionIdOf } from "../tls-session.ts";

/** Longer chains are not followed; OpenSSL's own limit is 100, no real chain has 10. */
const chainLengthMax = 16;

/** What the handshake does not tell. */
interface KnownBeforehand {
  /** As this side knows it: sent, or received by SNI. */
  readonly serverName: string | null;
  readonly certificatesWanted: boolean;
  readonly sessionAccepted?: boolean;
  readonly hello?: ClientHello | null;
}

/** What a finished handshake agreed on. */
export class NodeTlsInfo implements TlsInfo {
  readonly protocol: string;
  readonly cipher: string;
  readonly serverName: string | null;
  readonly alpnProtocol: string | null;
  readonly sessionReused: boolean;
  readonly sessionAccepted: boolean;
  readonly hello: ClientHello | null;
  readonly verifyError: string | null;
  private readonly certificates: Buffer[];
  private readonly socket: TLSSocket;
  private sessionIdRead: string | null = null;

  constructor(socket: TLSSocket, known: KnownBeforehand) {
    const { serverName, certificatesWanted } = known;
    this.sessionAccepted = known.sessionAccepted ?? false;
    this.hello = known.hello ?? null;
    this.socket = socket;
    this.protocol = socket.getProtocol() ?? "";
    this.cipher = cipherName(socket);
    this.serverName = serverName;
    this.alpnProtocol = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null;
    this.sessionReused = socket.isSessionReused();
    this.certificates = certificatesWanted ? certificateChain(socket.getPeerCertificate(true)) : [];
    this.verifyError = this.certificates.length > 0 ? verifyErrorOf(socket) : null;
  }

  get sessionId(): string {
    this.sessionIdRead ??= sessionIdOf(this.socket.getSession());
    return this.sessionIdRead;
  }

  get curve(): string {
    return curveOf(this.socket.getSession());
  }

  peerCertificates(): Buffer[] {
    return this.certificates;
  }
}

/** OpenSSL's name; Bun reports the RFC's name for TLS 1.2 under `standardName` only. */
function cipherName(socket: TLSSocket): string {
  const cipher = socket.getCipher() as { name: string } | undefined;
  return cipher?.name ?? "";
}

/** The chain in DER, own first, out of the runtimes' linked certificate objects. */
export function certificateChain(own: unknown): Buffer[] {
  const chain: Buffer[] = [];
  const seen = new Set<unknown>();
  let certificate = own as Partial<DetailedPeerCertificate> | undefined;
  while (certificate?.raw !== undefined && !seen.has(certificate) && chain.length < chainLengthMax) {
    seen.add(certificate);
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

/** A server socket that no tls.Server made has no `authorizationError` on Node: its handle tells. */
interface VerifyingHandle {
  readonly _handle?: { verifyError?(): { code?: string } | null | undefined } | null;
}

function verifyErrorOf(socket: TLSSocket): string | null {
  if (socket.authorized) return null;
  const told: unknown = socket.authorizationError;
  if (typeof told === "string") return told;
  if (told instanceof Error) return (told as NodeJS.ErrnoException).code ?? told.message;
  return (socket as unknown as VerifyingHandle)._handle?.verifyError?.()?.code ?? null;
}
