import type { TlsInfo } from "../connection.ts";
import { certificateChain } from "../node/tls-info.ts";
import { curveOf, sessionIdOf } from "../tls-session.ts";
import type { BunSocket } from "./api.ts";

const none: Buffer[] = [];

/** The names of protocols and ciphers: a few, but Bun makes a string of each for every connection. */
const names = new Map<string, string>();

function shared(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, name);
  return name;
}

/** What a finished handshake on one of Bun's own sockets agreed on. */
export class BunTlsInfo implements TlsInfo {
  readonly protocol: string;
  readonly cipher: string;
  readonly serverName: string | null;
  readonly alpnProtocol: string | null;
  readonly sessionReused: boolean;
  /** Its sessions hold the whole chain, so it is looked at each time. */
  readonly sessionAccepted = false;
  /** Nobody sees it there: listeners that must read it are of `node:tls`. */
  readonly hello = null;
  readonly verifyError: string | null;
  private readonly socket: BunSocket;
  private readonly certificates: Buffer[];

  /** `verifyError`: what the handshake told about the peer's chain. */
  constructor(socket: BunSocket, serverName: string | null, dialed: boolean, verifyError: string | null) {
    this.socket = socket;
    this.protocol = shared(socket.getTLSVersion() ?? "");
    this.cipher = shared(socket.getCipher()?.name ?? "");
    this.serverName = serverName;
    this.alpnProtocol = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null;
    this.sessionReused = socket.isSessionReused();
    this.certificates = dialed ? certificateChain(socket.getPeerCertificate(false)) : none;
    this.verifyError = verifyError;
  }

  get sessionId(): string {
    return sessionIdOf(this.socket.getSession());
  }

  get curve(): string {
    return curveOf(this.socket.getSession());
  }

  peerCertificates(): Buffer[] {
    return this.certificates;
  }
}
