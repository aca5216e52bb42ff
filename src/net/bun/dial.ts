import tls, { type PeerCertificate } from "node:tls";
import type { TlsInfo } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { ClientTls, Dial, DialEvents, DialOptions } from "../network.ts";
import { addressOfEndpoint, unnamedUnixAddress } from "../node/address.ts";
import { exceedsDepth, nodeContext } from "../node/tls-context.ts";
import {
  type BunConnectOptions,
  type BunSocket,
  requireBun,
  type SocketError,
  type SocketHandlers,
  type BunSocketUser,
} from "./api.ts";
import { BunConnection } from "./connection.ts";
import type { BunConnectionInit } from "./connection.ts";
import { BunTlsInfo } from "./tls-info.ts";
import type { SocketCount } from "../socket-count.ts";
import { DialSession } from "../session-store.ts";
import { tooDeepCode } from "../verify-depth.ts";
import { alpnWire, bunTlsOptions } from "./tls-options.ts";
import { runtimePath } from "../unix-path.ts";

/** Bun's word for a name that does not match; names are checked here, not there. */
const wrongName = "ERR_TLS_CERT_ALTNAME_INVALID";

/** One attempt to connect with Bun's own sockets. */
export class BunDial implements Dial, BunSocketUser {
  private readonly options: DialOptions;
  private readonly events: DialEvents;
  private readonly sockets: SocketCount;
  private readonly onInternalError: InternalErrorHook;
  private connecting = true;
  private socket: BunSocket | null = null;
  private session: DialSession | null = null;
  private done = false;

  constructor(
    options: DialOptions,
    events: DialEvents,
    handlers: SocketHandlers,
    sockets: SocketCount,
    onInternalError: InternalErrorHook,
  ) {
    this.sockets = sockets;
    sockets.open += 1;
    this.options = options;
    this.events = events;
    this.onInternalError = onInternalError;
    const { tls: clientTls, endpoint } = options;
    if (clientTls?.reuseSessions === true)
      this.session = new DialSession(nodeContext(clientTls.context).sessions, endpoint, clientTls);
    try {
      const failed = (error: SocketError): void => this.connectFailed(error);
      requireBun().connect(this.connectOptions(handlers)).catch(failed);
    } catch (error) {
      this.connectFailed(error as SocketError);
    }
  }

  /** A connect that waits for an answer cannot be taken back: it is dropped when it comes. */
  abort(): void {
    if (this.done) return;
    this.done = true;
    this.socket?.terminate();
  }

  opened(socket: BunSocket): void {
    this.connected();
    if (this.done) {
      socket.terminate();
      return;
    }
    this.socket = socket;
    const known = this.session?.get();
    if (known !== undefined) socket.setSession(known);
    if (this.options.tls === null) this.succeed(socket, null);
    else this.events.onHandshake?.();
  }

  keepSession(session: Buffer): void {
    this.session?.keep(session);
  }

  handshaken(_ok: boolean, error: SocketError | null): void {
    const { socket } = this;
    const { tls: clientTls } = this.options;
    if (this.done || socket === null || clientTls === null) return;
    // Without a version there was no handshake: the error is not about the certificate.
    const protocol = error === null ? "" : socket.getTLSVersion();
    if (error !== null && isTransportError(error, protocol)) {
      this.connectFailed(error);
      return;
    }
    const chainError = error === null || error.code === wrongName ? null : (error.code ?? "EPROTO");
    const info = new BunTlsInfo(socket, clientTls.serverName, true, chainError);
    const refusal = refusalOf(clientTls, socket, info);
    if (refusal !== null) this.connectFailed(refusal);
    else this.succeed(socket, info);
  }

  /** Deferred: Bun knows of some failures before `connect` has returned. */
  connectFailed(error: SocketError): void {
    this.connected();
    process.nextTick(() => this.fail(error));
  }

  private fail(error: SocketError): void {
    if (this.done) return;
    this.done = true;
    this.session?.forget();
    this.socket?.terminate();
    try {
      this.events.onFailed(error.code ?? "EUNKNOWN", error.message);
    } catch (thrown) {
      this.onInternalError(thrown);
    }
  }

  closed(error: SocketError | undefined): void {
    this.connectFailed(error ?? failure("ECONNRESET", "peer closed connection"));
  }

  ended(): void {
    this.connectFailed(failure("ECONNRESET", "peer closed connection"));
  }

  receive(): void {}

  writable(): void {}

  /** Connected or not: from now on the socket itself is counted, if there is one. */
  private connected(): void {
    if (!this.connecting) return;
    this.connecting = false;
    this.sockets.open -= 1;
  }

  private connectOptions(handlers: SocketHandlers): BunConnectOptions {
    const { endpoint, localAddress, localPort, tls: clientTls } = this.options;
    const options: BunConnectOptions = { allowHalfOpen: true, data: this, socket: handlers };
    if (endpoint.kind === "unix") {
      options.unix = runtimePath(endpoint.path);
    } else {
      options.hostname = endpoint.address;
      options.port = endpoint.port;
    }
    if (localAddress !== undefined) options.localAddress = localAddress;
    if (localPort !== undefined) options.localPort = localPort;
    if (clientTls !== null) options.tls = clientOptions(clientTls);
    return options;
  }

  private succeed(socket: BunSocket, info: TlsInfo | null): void {
    this.done = true;
    this.session?.accept();
    const { endpoint } = this.options;
    const init: BunConnectionInit = {
      socket,
      remote: addressOfEndpoint(endpoint),
      local: endpoint.kind === "unix" ? unnamedUnixAddress : null,
      tls: info,
      onInternalError: this.onInternalError,
    };
    const connection =
      this.session === null ? new BunConnection(init) : new ResumableConnection(init, this.session);
    connection.begin(() => this.events.onConnected(connection));
  }
}

/** A connection whose TLS sessions are kept for those that follow. */
class ResumableConnection extends BunConnection {
  private readonly session: DialSession;

  constructor(init: BunConnectionInit, session: DialSession) {
    super(init);
    this.session = session;
  }

  keepSession(session: Buffer): void {
    this.session.keep(session);
  }
}

function clientOptions(clientTls: ClientTls): NonNullable<BunConnectOptions["tls"]> {
  const options = bunTlsOptions(nodeContext(clientTls.context).options);
  // Left out, Bun would send the address.
  options.serverName = clientTls.serverName ?? "";
  if (clientTls.alpn.length > 0) options.ALPNProtocols = alpnWire(clientTls.alpn);
  return options;
}

/** Certificate errors have names of OpenSSL's verifier; these come from elsewhere. */
function isTransportError(error: SocketError, protocol: string | null): boolean {
  return protocol === null || /^(EPROTO|ECONN|ERR_SSL|EPIPE)/.test(error.code ?? "EPROTO");
}

function refusalOf(clientTls: ClientTls, socket: BunSocket, info: TlsInfo): SocketError | null {
  const { verifyName } = clientTls;
  if (verifyName === null) return null;
  if (info.verifyError !== null) return failure(info.verifyError, "certificate verify failed");
  if (exceedsDepth(clientTls, info)) return failure(tooDeepCode, "certificate chain too long");
  const certificate = socket.getPeerCertificate(false) as PeerCertificate;
  return tls.checkServerIdentity(verifyName, certificate) ?? null;
}

function failure(code: string, message: string): SocketError {
  return Object.assign(new Error(message), { code });
}
