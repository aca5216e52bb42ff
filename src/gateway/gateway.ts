import type { Connection, ConnectionOwner } from "../net/connection.ts";
import type { ListenerEvents, Network } from "../net/network.ts";
import { plainTlsMessage } from "../net/tls-error.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ErrorLog } from "./error-log.ts";
import type { ListenSocket } from "./listen-socket.ts";

/** A tunnel, as far as the gateway as a whole must know it. */
export interface OpenTunnel {
  /** Ends it: what is queued for either side still goes out, and the line is logged. */
  close(reason: string): void;
  /** The same at once. */
  drop(reason: string): void;
}

/**
 * The running proxy of one thread: its connections and tunnels, and what they share. It outlives
 * configurations; those reach it through the listening sockets' servers.
 */
export class Gateway {
  readonly network: Network;
  readonly connections = new Set<ClientConnection>();
  readonly tunnels = new Set<OpenTunnel>();
  readonly upstreamsClosing = new Set<() => void>();
  /** No connection is kept after the request that it serves: the process is on its way out. */
  stopping = false;
  requestsTotal = 0;
  acceptedTotal = 0;
  private readonly log: ErrorLog;
  private serial = 0;
  private whenIdle: (() => void) | null = null;

  constructor(network: Network, log: ErrorLog) {
    this.network = network;
    this.log = log;
  }

  nextSerial(): number {
    this.serial += 1;
    return this.serial;
  }

  /** What a listener on this socket calls. */
  acceptor(listenSocket: ListenSocket): ListenerEvents {
    return {
      onConnection: (connection) => this.accept(connection, listenSocket, false),
      onPlainOnTls: (connection) => this.accept(connection, listenSocket, true),
      onHandshakeError: (remote, local, code, message) => {
        const server = listenSocket.serversFor(local).choice.defaultServer;
        const address = remote.family === "unix" ? "unix:" : remote.address;
        const reason =
          code === "ECONNRESET"
            ? "peer closed connection in SSL handshake"
            : `SSL_do_handshake() failed (SSL: ${plainTlsMessage(message)})`;
        const where = `while SSL handshaking, client: ${address}, server: ${addressText(local)}`;
        server.root.core.errorLog.write("info", `${reason} ${where}`, this.nextSerial());
      },
    };
  }

  /** Ends every connection that serves no request; the others end with theirs. Resolves when all are gone. */
  async stopGracefully(): Promise<void> {
    this.stopping = true;
    for (const connection of this.connections) if (connection.idle) connection.close();
    if (this.connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.whenIdle = resolve;
    });
  }

  /** Drops everything. */
  stopNow(): void {
    this.stopping = true;
    for (const tunnel of this.tunnels) tunnel.drop("the process is stopping");
    for (const connection of this.connections) connection.socket.close();
  }

  forget(connection: ClientConnection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.whenIdle?.();
  }

  reportInternalError(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.write("alert", `internal error: ${detail}`);
  }

  private accept(connection: Connection, listenSocket: ListenSocket, plainOnTls: boolean): ConnectionOwner {
    this.acceptedTotal += 1;
    return new ClientConnection(this, connection, listenSocket, plainOnTls);
  }
}

function addressText(local: { family: string; address: string; port: number }): string {
  if (local.family === "unix") return `unix:${local.address}`;
  return local.family === "ipv6" ? `[${local.address}]:${local.port}` : `${local.address}:${local.port}`;
}
