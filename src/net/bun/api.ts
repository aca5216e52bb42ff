/**
 * The part of Bun's socket API that the adapter uses, undocumented members included. Declared here
 * because the sources are compiled without Bun's types, and to have in one place what an upgrade of
 * Bun may break.
 */

/**
 * A TCP, unix or TLS socket of Bun's. It has handlers of its kind, not of its own; who it belongs to is in
 * `data`.
 */
export interface BunSocket {
  data: BunSocketUser;
  readonly fd: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly alpnProtocol: string | false | null;
  /** Bytes that the kernel took; -1 when the socket is closed or shut down. Keeps nothing. */
  write(bytes: Uint8Array, offset?: number, length?: number): number;
  pause(): void;
  resume(): void;
  /** FIN (TLS: close_notify before it). */
  shutdown(): void;
  /** Closes at once; the close event comes from inside the call. */
  close(): void;
  /** Closes with RST; the close event comes from inside the call. */
  terminate(): void;
  setKeepAlive(enabled: boolean, initialDelayMs: number): void;
  setKeyCert(context: unknown): void;
  getTLSVersion(): string | null;
  getCipher(): { name?: string } | undefined;
  isSessionReused(): boolean;
  getSession(): Buffer | undefined;
  /** Before the handshake: a session to resume. */
  setSession(session: Buffer): void;
  getPeerCertificate(abbreviated?: boolean): unknown;
}

/**
 * What Bun says of a socket that failed: `code` is the system's ("ECONNRESET", …) or the TLS library's, where
 * there is one.
 */
export interface SocketError extends Error {
  readonly code?: string;
}

/** Whoever has a socket at a time; the adapter keeps it in the socket's `data`. */
export interface BunSocketUser {
  opened(socket: BunSocket): void;
  /** The bytes are fresh memory, never used again by Bun. */
  receive(bytes: Buffer): void;
  ended(): void;
  /** May also be called without cause. */
  writable(): void;
  /** Inside `close()` and `terminate()`, too. */
  closed(error: SocketError | undefined): void;
  handshaken(ok: boolean, error: SocketError | null): void;
  connectFailed(error: SocketError): void;
  /** Dialed TLS sockets: a session that may be resumed, during the handshake or behind it. */
  keepSession?(session: Buffer): void;
  /** TLS listeners' sockets: a native context, or an Error to refuse the handshake. */
  chooseContext?(name: string): unknown;
  /** TLS listeners' sockets. `wire`: the offered protocols as ALPN sends them. */
  chooseProtocol?(wire: Uint8Array): string | undefined;
}

/** The callbacks that all sockets of a listener, or of one kind of dial, share; they find the owner in `data`. */
export interface SocketHandlers {
  readonly binaryType: "buffer";
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Buffer): void;
  end(socket: BunSocket): void;
  drain(socket: BunSocket): void;
  close(socket: BunSocket, error: SocketError | undefined): void;
  error(socket: BunSocket, error: unknown): void;
  connectError(socket: BunSocket, error: SocketError): void;
  session?(socket: BunSocket, session: Buffer): void;
  handshake?(socket: BunSocket, ok: boolean, error: SocketError | null): void;
  /** Only for clients that send a name. `data` is the listener's. */
  serverName?(data: BunSocketUser, name: string, socket: BunSocket): unknown;
  alpnCallback?(socket: BunSocket, name: unknown, wire: Uint8Array): string | undefined;
}

/** Key material and rules of TLS, in Bun's terms: made from a `TlsContext`'s options by `bunTlsOptions`. */
export interface BunTlsOptions {
  cert?: Buffer[];
  key?: (Buffer | string)[];
  ca?: Buffer | string[];
  /** Version numbers as on the wire: 0x301 to 0x304. */
  minVersion: number;
  maxVersion: number;
  ciphers?: string;
  secureOptions: number;
  serverName?: string;
  requestCert?: boolean;
  rejectUnauthorized: boolean;
  /** In wire format. */
  ALPNProtocols?: Buffer;
}

/**
 * What `listen` takes: either `hostname` and `port`, or `unix`, or the descriptor `fd` of a socket that is
 * bound already.
 */
export interface BunListenOptions {
  hostname?: string;
  port?: number;
  unix?: string;
  fd?: number;
  reusePort?: boolean;
  ipv6Only?: boolean;
  exclusive?: boolean;
  allowHalfOpen: true;
  tls?: BunTlsOptions;
  data: BunSocketUser;
  socket: SocketHandlers;
}

/**
 * What `connect` takes: either `hostname` and `port`, or `unix`, or the descriptor `fd` of a socket that is
 * connected already. Bun binds to `localAddress` and `localPort` before, where they are given.
 */
export interface BunConnectOptions {
  hostname?: string;
  port?: number;
  unix?: string;
  fd?: number;
  localAddress?: string;
  localPort?: number;
  allowHalfOpen: true;
  tls?: BunTlsOptions;
  data: BunSocketUser;
  socket: SocketHandlers;
}

/**
 * A listening socket of Bun's. `port` is the one that the system chose where 0 was asked for; none on unix
 * sockets.
 */
export interface BunListener {
  readonly port: number | undefined;
  readonly hostname: string | undefined;
  readonly fd: number;
  stop(): void;
}

/** The functions of the global `Bun` that are used here. */
export interface BunApi {
  listen(options: BunListenOptions): BunListener;
  connect(options: BunConnectOptions): Promise<unknown>;
  /** `force`: collects all garbage before it returns; else some time later, or not. */
  gc(force: boolean): void;
}

/** Bun's API, or null on another runtime. */
export const bunApi: BunApi | null = (globalThis as unknown as { Bun?: BunApi }).Bun ?? null;

/** Bun's API, for those who cannot do without. @throws Error on another runtime */
export function requireBun(): BunApi {
  if (bunApi === null) throw new Error("the bun network needs Bun");
  return bunApi;
}
