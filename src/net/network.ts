import type { Clock } from "./clock.ts";
import type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "./connection.ts";

/** An IP address (never a name) with a port, of TCP or UDP. */
export interface TcpEndpoint {
  readonly kind: "tcp";
  readonly address: string;
  readonly port: number;
}

/** Where to listen or to connect: an IP address (never a name) with a port, or a unix socket's path. */
export type Endpoint = TcpEndpoint | { readonly kind: "unix"; readonly path: string };

/**
 * Key material and rules for one side of TLS, made ready by `Network.tlsContext`.
 * Opaque to everything above `net/`.
 */
export interface TlsContext {
  readonly isTlsContext: true;
}

/** Values as nginx's `ssl_*` and `proxy_ssl_*` directives give them; files are already read. */
export interface TlsContextOptions {
  readonly side: "server" | "client";
  /** PEM certificate chains with their keys; several for ECDSA beside RSA. */
  readonly certificates: readonly {
    readonly chain: Buffer;
    readonly key: Buffer;
    readonly passphrase?: string;
    /** Of the key: "ec", "rsa", … */
    readonly kind?: string;
  }[];
  /** Enabled versions: "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3". */
  readonly protocols: readonly string[];
  /** OpenSSL cipher list for TLS ≤ 1.2; null leaves the runtime's default. */
  readonly ciphers: string | null;
  /** Suites of TLS 1.3 as OpenSSL lists them; null leaves the runtime's default. OpenSSL only. */
  readonly cipherSuites: string | null;
  readonly preferServerCiphers: boolean;
  /** OpenSSL curve list; null leaves the runtime's default. */
  readonly curves: string | null;
  /** OpenSSL list; null leaves the runtime's default. */
  readonly signatureAlgorithms: string | null;
  /** Further `SSL_OP_*` flags of OpenSSL's; other libraries heed what they know. */
  readonly libraryFlags: number;
  readonly dhparam: Buffer | null;
  /** Trusted CA certificates, PEM; null trusts the runtime's store (dialing) or none (listening). */
  readonly ca: Buffer | null;
  /** Those of `ca` whose names are told to clients; null: all. BoringSSL always tells all. */
  readonly namedAuthorities: Buffer | null;
  readonly crl: Buffer | null;
  /** Lifetime of a resumable session. */
  readonly sessionTimeoutSeconds: number;
  /** Secrets of the session tickets, 48 bytes, shared by all workers; null lets each make its own. */
  readonly ticketKeys: Buffer | null;
  readonly sessionTickets: boolean;
  /** What else a session rests on: it is resumed under the same words only. */
  readonly sessionContext: string;
}

/** Options that ask for nothing. */
export const plainTlsOptions: TlsContextOptions = {
  side: "server",
  certificates: [],
  protocols: ["TLSv1.2", "TLSv1.3"],
  ciphers: null,
  cipherSuites: null,
  preferServerCiphers: false,
  curves: null,
  signatureAlgorithms: null,
  libraryFlags: 0,
  dhparam: null,
  ca: null,
  namedAuthorities: null,
  crl: null,
  sessionTimeoutSeconds: 300,
  ticketKeys: null,
  sessionTickets: true,
  sessionContext: "",
};

/** Sessions of clients that lie here instead of in tickets. Only where OpenSSL is below. */
export interface ServerSessions {
  /** `id`: hexadecimal. */
  get(id: string): Buffer | null;
  set(id: string, session: Buffer): void;
  /** Whether the connection's sessions may be kept: a resumed one is not looked at again. */
  accepts(tls: TlsInfo): boolean;
}

/** Null refuses the client's name; "unavailable" is a fault of this side, which the log tells. */
export type ContextChoice = TlsContext | "unavailable" | null;

/** Who speaks with whom. */
export interface ConnectionEnds {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
}

/**
 * TLS on a listener. The callbacks run for each handshake, so what they give may change at any time;
 * `contextFor(null)` may also be asked besides, and must be cheap.
 */
export interface ServerTls {
  /**
   * Key material by SNI name (lower case; null when the client sent none); null refuses the handshake. `ends`: of
   * the connection, told where `readsHello` is.
   */
  contextFor(serverName: string | null, ends: ConnectionEnds | null): ContextChoice;
  /** Where sessions for this name are kept; null leaves them to tickets, or nobody keeps them. */
  sessionsFor?(serverName: string | null, ends: ConnectionEnds | null): ServerSessions | null;
  /** Protocols offered by ALPN to this name, best first. Empty: no ALPN. `ends` as in `contextFor`. */
  alpnFor(serverName: string | null, ends: ConnectionEnds | null): readonly string[];
  /** True when some server behind this listener asks for client certificates (never enforced here). */
  readonly requestCertificate: boolean;
  /**
   * The name decides on more than the certificate (versions, ciphers, refusal), or the client's offers are to be
   * told: the hello must be read before the TLS library begins. Listeners without this may be faster.
   */
  readonly readsHello?: boolean;
  /** From the connection's beginning, so for a prologue too. */
  readonly handshakeTimeoutMs: number;
  /**
   * What a connection must begin with, ahead of the handshake; null for one that has none. Listeners without
   * this may be faster.
   */
  prologueFor?(remote: SocketAddress, local: SocketAddress): Prologue | null;
}

/** Reads what a client of a TLS listener sends before TLS begins. */
export interface Prologue {
  /**
   * Bytes arrived, valid only during the call. Returns how many of them end the prologue; the handshake
   * begins behind them. "more" has taken all of them; "refused" drops the connection.
   */
  read(bytes: Buffer): number | "more" | "refused";
  /** It ended inside the prologue, or the handshake's time did. The connection is closed or about to be. */
  onCut(why: "closed" | "timeout"): void;
}

/** Where and how to listen. Options that are left out are as the system has them. */
export interface ListenOptions {
  readonly endpoint: Endpoint;
  readonly tls: ServerTls | null;
  /** Advisory: Bun always uses 512. */
  readonly backlog?: number;
  readonly reusePort?: boolean;
  readonly ipv6Only?: boolean;
  /** An open socket to accept on, as `KeptSocket.lend` gives it; nothing is bound then. */
  readonly handle?: SocketHandle;
}

/** A listening socket between two event loops; crosses threads in a message. Opaque to everything above `net/`. */
export type SocketHandle = object | number;

/** What a listener tells. */
export interface ListenerEvents {
  /**
   * Asked for each connection that comes in, before anything else: false closes it unanswered. Without
   * this callback all are welcome.
   */
  admits?(): boolean;
  /**
   * A connection is ready for use (TLS: after the handshake). Returns its first owner. `prologue` is what
   * `prologueFor` gave for it.
   */
  onConnection(connection: Connection, prologue: Prologue | null): ConnectionOwner;
  /**
   * A TLS handshake failed. `code` is the runtime's code ("ERR_SSL_HTTP_REQUEST", "HANDSHAKE_TIMEOUT", …, and
   * "ECONNRESET" for a client that left, however: nginx's words are in `message`); `message` is for the log. The connection is closed or about to be.
   */
  onHandshakeError(remote: SocketAddress, local: SocketAddress, code: string, message: string): void;
  /**
   * A client of a TLS listener spoke plain text instead. Its bytes, from the first on, come by
   * `onData` of the returned owner. Without this callback the connection is closed and
   * `onHandshakeError` gets "ERR_SSL_HTTP_REQUEST".
   */
  onPlainOnTls?(connection: Connection, prologue: Prologue | null): ConnectionOwner;
}

/** A listening socket that was bound by `Network.listen`. */
export interface Listener {
  /** The bound address; tells the port that was chosen when 0 was asked for. */
  readonly address: SocketAddress;
  /** Stops accepting. Connections that were accepted live on. Resolves when the port is free. */
  stop(): Promise<void>;
  /**
   * Stops accepting and gives the socket away, open, with the connections that wait in its queue. Null
   * when there is nothing to give, because `KeptSocket` itself still has it. Only for sockets that came
   * as a `handle`.
   */
  release?(): SocketHandle | null;
}

/** TLS towards a server that is dialed. */
export interface ClientTls {
  readonly context: TlsContext;
  /** SNI name to send, or null for none. */
  readonly serverName: string | null;
  /** Refuse the peer when its certificate is not trusted or does not carry this name; null: accept any. */
  readonly verifyName: string | null;
  /** Certificates between the peer's and a trusted one, at most, where it is verified; any number by default. */
  readonly verifyDepth?: number;
  /** Sessions are resumed, and kept with the context. Not by default. */
  readonly reuseSessions?: boolean;
  readonly alpn: readonly string[];
}

/** Where to dial, and from where: `localAddress` is an IP address, the system's choice by default. */
export interface DialOptions {
  readonly endpoint: Endpoint;
  readonly localAddress?: string;
  /** The port beside it; one of the system's by default. */
  readonly localPort?: number;
  readonly tls: ClientTls | null;
}

/** The outcome of a dial: exactly one of `onConnected` and `onFailed`, always asynchronous, none after `abort()`. */
export interface DialEvents {
  /** The peer is reached; what follows is TLS. */
  onHandshake?(): void;
  /** Connected (TLS: handshake done). Returns the connection's first owner. */
  onConnected(connection: Connection): ConnectionOwner;
  /** `code`: "ECONNREFUSED", "ENOENT", "EHOSTUNREACH", a certificate's verify code, … */
  onFailed(code: string, message: string): void;
}

/** A connection, or TLS handshake, on its way. Its outcome goes to the `DialEvents`. */
export interface Dial {
  /** Gives up. There is no connect timeout in the seam: the caller's timer calls this. */
  abort(): void;
}

/** What happens on a `DatagramPeer`. */
export interface DatagramEvents {
  /** A datagram of that peer arrived; the bytes are valid only during the call. */
  onDatagram(bytes: Buffer): void;
  /** Something that was sent did not arrive ("ECONNREFUSED", …), or there is no socket. May come again. */
  onFailed(code: string): void;
}

/** Datagrams to and from one UDP endpoint, by a port of our own that others cannot foresee. */
export interface DatagramPeer {
  /** The bytes may be used again only when they have been sent: never change them. May be lost on the way. */
  send(bytes: Buffer): void;
  /** No event follows. Idempotent. */
  close(): void;
}

/** One adapter's face: sockets, names and time of one world. */
export interface Network {
  readonly name: "node" | "bun" | "memory";
  /** Whose options and words TLS has. */
  readonly tlsLibrary: "openssl" | "boringssl";
  readonly clock: Clock;
  /**
   * Sockets of this network that are open, accepted and dialed ones, with handshakes and dials that are
   * under way: each holds a descriptor.
   */
  readonly openSockets: number;
  /** From 0 to below 1, by chance. Not for secrets. */
  random(): number;
  /** From 0 to 65,535, not to be guessed: for questions to name servers. */
  randomId(): number;
  /** Resolves when bound; rejects with an Error that carries `code` ("EADDRINUSE", "EACCES", …). */
  listen(options: ListenOptions, events: ListenerEvents): Promise<Listener>;
  dial(options: DialOptions, events: DialEvents): Dial;
  /** Events are always asynchronous. An open socket keeps the process alive. */
  datagrams(endpoint: TcpEndpoint, events: DatagramEvents): DatagramPeer;
  /** @throws Error with the TLS library's words when key material or a rule is unusable. */
  tlsContext(options: TlsContextOptions): TlsContext;
  /** All addresses of a host name, IPv4 first as the system orders them. Rejects with `code`. */
  resolve(hostname: string): Promise<string[]>;
  /**
   * Much has been made and let go of: the runtime collects it and gives memory back, which takes it
   * milliseconds. Nothing happens where it offers no way to that. `thoroughly`: the memory is worth a pause of
   * twice or three times the length.
   */
  giveBackMemory(thoroughly: boolean): void;
}
