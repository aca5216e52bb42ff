import type { SocketAddress, TlsInfo } from "../../net/connection.ts";
import type { ProxiedConnection } from "../../net/proxy-protocol.ts";

/**
 * Where a request comes from. A connection's requests share one, until realip gives a request another: what it
 * makes of one request's fields must not be seen by the others.
 */
export class Origin {
  /** The peer's address, or what realip has made of it. */
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /** What the PROXY protocol told of the client. */
  readonly proxied: ProxiedConnection | null;
  readonly tls: TlsInfo | null;

  constructor(
    remote: SocketAddress,
    local: SocketAddress,
    proxied: ProxiedConnection | null,
    tls: TlsInfo | null,
  ) {
    this.remote = remote;
    this.local = local;
    this.proxied = proxied;
    this.tls = tls;
  }

  /** The client's address as logs show it. */
  get remoteText(): string {
    return this.remote.family === "unix" ? "unix:" : this.remote.address;
  }

  /** The same from another address. */
  withRemote(remote: SocketAddress): Origin {
    return new Origin(remote, this.local, this.proxied, this.tls);
  }
}
