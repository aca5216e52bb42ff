/**
 * The seam between Longhaul and the world's sockets.
 *
 * Everything above `net/` sees a connection only through these interfaces. Three adapters honour
 * them (`node`, `bun`, `memory`), and one contract suite holds all three to the same promises.
 */

/** One end of a connection. For unix sockets `port` is 0 and `address` is the path ("" if unnamed). */
export interface SocketAddress {
  readonly family: "ipv4" | "ipv6" | "unix";
  readonly address: string;
  readonly port: number;
}

/** What a client offered in its first message, by the numbers of the registries. */
export interface ClientHello {
  readonly ciphers: readonly number[];
  readonly curves: readonly number[];
  readonly signatureAlgorithms: readonly number[];
}

/** What TLS agreed on; null on plain connections. */
export interface TlsInfo {
  /** "TLSv1.2", "TLSv1.3", … */
  readonly protocol: string;
  /** OpenSSL's name of the cipher suite. */
  readonly cipher: string;
  /** The SNI name that the client sent, lower case, or null. */
  readonly serverName: string | null;
  /** The protocol agreed by ALPN, or null. */
  readonly alpnProtocol: string | null;
  readonly sessionReused: boolean;
  /** The session was resumed, and is one that was kept because the peer had been accepted. */
  readonly sessionAccepted: boolean;
  /** Hexadecimal session id, "" where the runtime does not tell. */
  readonly sessionId: string;
  /** The client's (or, on dialed connections, the server's) certificate chain in DER, own first. */
  peerCertificates(): Buffer[];
  /** OpenSSL's name of the group that the key was agreed in; "" where there was none. */
  readonly curve: string;
  /** What a client offered; null where nobody reads it. */
  readonly hello: ClientHello | null;
  /** Why the peer's certificate is not trusted, as an OpenSSL code; null when it is or there is none. */
  readonly verifyError: string | null;
}

/**
 * Who gets a connection's events. A connection has one owner at a time; ownership changes by
 * assigning `connection.owner`, and takes effect with the next event.
 */
export interface ConnectionOwner {
  /**
   * Bytes arrived. `bytes` belongs to the adapter and is valid only during the call: copy what must
   * be kept. At most one more call may come after `pause()` (a reset that delivers what was unread).
   */
  onData(bytes: Buffer): void;
  /** The peer will send nothing more. At most once, never after `onClose`. */
  onEnd(): void;
  /** The queue is empty again after `send` returned false. Exactly once for each such run. */
  onDrain(): void;
  /**
   * The connection is gone. Exactly once, always asynchronously (never from inside a call that the
   * owner made). `code` is null for an orderly end and after `close` or `reset` on this side, else an
   * error code such as "ECONNRESET". A reset by the peer while paused may come to light only after
   * `resume` or with the next `send`.
   */
  onClose(code: string | null): void;
}

/** An open byte stream, plain or TLS. */
export interface Connection {
  owner: ConnectionOwner;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly tls: TlsInfo | null;
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly queued: number;
  /** True until close, reset or loss: afterwards every method is a harmless no-op. */
  readonly open: boolean;
  /**
   * Takes all of `bytes`, at once or into its own queue; the caller may reuse the memory on return.
   * False means: stop producing; one `onDrain` follows unless the connection closes first.
   */
  send(bytes: Buffer): boolean;
  /** Stops `onData`. Idempotent. */
  pause(): void;
  /** Lets `onData` flow again. Idempotent. */
  resume(): void;
  /** After the last queued byte: FIN (TLS: close_notify, then FIN). Reading goes on. Idempotent. */
  shutdown(): void;
  /** Ends the connection with RST; queued bytes are dropped. */
  reset(): void;
  /** Drops the connection now; nothing queued is guaranteed to arrive. */
  close(): void;
  /** TCP_NODELAY is set on every connection from the start; keep-alive probes are not. */
  setKeepAlive(enabled: boolean, idleSeconds?: number): void;
}
