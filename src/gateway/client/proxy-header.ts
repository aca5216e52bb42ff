import type { ConnectionOwner, SocketAddress } from "../../net/connection.ts";
import type { Prologue } from "../../net/network.ts";
import { brokenHeader, readProxyHeader } from "../../net/proxy-protocol.ts";
import type { ProxiedConnection } from "../../net/proxy-protocol.ts";
import type { ClientConnection } from "./client-connection.ts";
import { endpointKey } from "../serve/listen-socket.ts";
import type { ListenSocket } from "../serve/listen-socket.ts";

const noBytes = Buffer.alloc(0);

/**
 * Takes the PROXY protocol's header off the beginning of a connection, in as many pieces as it comes, and
 * logs why there is none.
 */
export class ProxyHeaderReader implements Prologue {
  /** What the header told; null until it is there, and when it tells nothing. */
  connection: ProxiedConnection | null = null;
  private readonly listenSocket: ListenSocket;
  private readonly remote: SocketAddress;
  private readonly local: SocketAddress;
  private readonly serial: number;
  private came: Buffer = noBytes;

  /** `serial` is the connection's number in the error log. */
  constructor(listenSocket: ListenSocket, remote: SocketAddress, local: SocketAddress, serial: number) {
    this.listenSocket = listenSocket;
    this.remote = remote;
    this.local = local;
    this.serial = serial;
  }

  read(bytes: Buffer): number | "more" | "refused" {
    const before = this.came.length;
    const all = before === 0 ? bytes : Buffer.concat([this.came, bytes]);
    const header = readProxyHeader(all);
    if (header.kind === "partial") {
      this.came = before === 0 ? Buffer.from(bytes) : all;
      return "more";
    }
    this.came = noBytes;
    if (header.kind === "complete") {
      this.connection = header.connection;
      return header.length - before;
    }
    if (header.reason !== null) this.log("error", header.reason);
    return "refused";
  }

  onCut(why: "closed" | "timeout"): void {
    if (why === "timeout") this.log("info", "client timed out (110: Connection timed out)");
    else if (this.came.length === 0) this.log("info", "client closed connection");
    else this.log("error", brokenHeader(this.came));
  }

  private log(level: "error" | "info", message: string): void {
    const { core } = this.listenSocket.serversFor(this.local).choice.defaultServer.root;
    const client = this.remote.family === "unix" ? "unix:" : this.remote.address;
    const where = `client: ${client}, server: ${endpointKey(this.listenSocket.endpoint)}`;
    core.errorLog.write(level, `${message} while reading PROXY protocol, ${where}`, this.serial);
  }
}

/** Has a plain client's connection until its PROXY protocol header is over. */
export class ProxyHeaderOwner implements ConnectionOwner {
  private readonly client: ClientConnection;
  private readonly next: ConnectionOwner;
  private readonly reader: ProxyHeaderReader;

  /** `next` gets what follows the header. */
  constructor(client: ClientConnection, next: ConnectionOwner, reader: ProxyHeaderReader) {
    this.client = client;
    this.next = next;
    this.reader = reader;
  }

  onData(bytes: Buffer): void {
    const { client, reader } = this;
    if (!client.socket.open) return;
    const taken = reader.read(bytes);
    if (taken === "more") return;
    if (taken === "refused") return client.socket.close();
    client.takeProxyHeader(reader.connection);
    client.socket.owner = this.next;
    if (taken < bytes.length) this.next.onData(bytes.subarray(taken));
  }

  onEnd(): void {
    if (!this.client.socket.open) return;
    this.reader.onCut("closed");
    this.client.socket.close();
  }

  onDrain(): void {}

  onClose(code: string | null): void {
    if (code !== null) this.reader.onCut("closed");
    this.client.onClose(code);
  }
}
