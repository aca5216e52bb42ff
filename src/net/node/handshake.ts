import type { Socket } from "node:net";
import tls from "node:tls";
import type { SocketAddress } from "../connection.ts";
import type { ListenerEvents, Prologue, ServerTls } from "../network.ts";
import type { InternalErrorHook } from "../guard.ts";
import { Deadline, type DeadlineOwner } from "../deadline.ts";
import type { SystemClock } from "./clock.ts";
import { closedWords, resetWords } from "../tls-error.ts";
import { helloBytesMax, readHello } from "../tls-client-hello.ts";
import type { HelloFacts } from "../tls-client-hello.ts";
import type { SocketCount } from "../socket-count.ts";
import { NodeConnection } from "./connection.ts";
import { KeptSessions } from "./kept-sessions.ts";
import { nodeContext } from "./tls-context.ts";
import { NodeTlsInfo } from "./tls-info.ts";

const noBytes = Buffer.alloc(0);

/** The alert that refuses a name: fatal, 112. */
const unrecognizedName = Buffer.from([0x15, 3, 3, 0, 2, 2, 112]);

/** The alert that there is a fault here: fatal, 80. */
const internalError = Buffer.from([0x15, 3, 3, 0, 2, 2, 80]);

/** What OpenSSL says when there is no certificate to be had. */
const noCertificate = "error:0A000179:SSL routines::cert cb error";

type SniCallback = NonNullable<tls.TLSSocketOptions["SNICallback"]>;

/** Where a socket keeps its handshake, so that listeners are shared instead of made for each; gone once it is done. */
const user = Symbol("handshake");

interface WatchedSocket extends Socket {
  [user]?: ServerHandshake | undefined;
}

function onReadable(this: WatchedSocket): void {
  this[user]?.takeFirstBytes();
}

function onError(this: WatchedSocket, error: NodeJS.ErrnoException): void {
  if (error.code === "ECONNRESET") this[user]?.peerReset();
  else this[user]?.fail(error.code ?? (this instanceof tls.TLSSocket ? "EPROTO" : "EUNKNOWN"), error.message);
}

function onGone(this: WatchedSocket): void {
  this[user]?.peerClosed();
}

function onRawEnd(this: WatchedSocket): void {
  this[user]?.rawEnded();
}

function onTlsError(this: tls.TLSSocket, error: Error): void {
  this.destroy(error);
}

function onSecure(this: WatchedSocket): void {
  this[user]?.secured();
}

/** A socket that was accepted and has yet to speak TLS: what `ServerHandshake` is made from. */
export interface HandshakeInit {
  readonly raw: Socket;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly serverTls: ServerTls;
  readonly events: ListenerEvents;
  readonly clock: SystemClock;
  readonly sockets: SocketCount;
  readonly onInternalError: InternalErrorHook;
}

/** The server's half of one TLS handshake, from the first byte to a connection or an error. */
export class ServerHandshake implements DeadlineOwner {
  private readonly init: HandshakeInit;
  private readonly deadline: Deadline;
  private socket: tls.TLSSocket | null = null;
  private serverName: string | null = null;
  private hello: HelloFacts | null = null;
  private sessions: KeptSessions | null = null;
  private done = false;
  /** The client has sent something. */
  private heard = false;
  private first: Buffer = noBytes;
  private readonly prologue: Prologue | null;
  private inPrologue: boolean;

  constructor(init: HandshakeInit) {
    this.init = init;
    init.sockets.open += 1;
    const { remote, local, serverTls } = init;
    this.prologue = serverTls.prologueFor?.(remote, local) ?? null;
    this.inPrologue = this.prologue !== null;
    const raw: WatchedSocket = init.raw;
    this.deadline = new Deadline(init.clock, this);
    this.deadline.set(init.serverTls.handshakeTimeoutMs);
    raw[user] = this;
    raw.on("error", onError);
    raw.on("close", onGone);
    raw.on("end", onRawEnd);
    raw.on("readable", onReadable);
  }

  onDeadline(): void {
    this.fail("HANDSHAKE_TIMEOUT", "client timed out in SSL handshake");
  }

  /** The client has gone, or ended its side, before the handshake was done. */
  peerClosed(): void {
    this.fail("ECONNRESET", closedWords(this.heard));
  }

  /** The client has reset the connection before the handshake was done. */
  peerReset(): void {
    this.fail("ECONNRESET", resetWords(this.heard));
  }

  /** Once TLS is there, it is told of the end by its own socket. */
  rawEnded(): void {
    if (this.socket === null) this.peerClosed();
  }

  /** Collects bytes until it is known who is to have the connection. */
  takeFirstBytes(): void {
    const { raw } = this.init;
    const bytes = raw.read() as Buffer | null;
    // Null at the end of the stream: "end" follows.
    if (bytes === null || this.done) return;
    this.heard = true;
    const rest = this.inPrologue ? this.readPrologue(bytes) : bytes;
    if (rest.length === 0) return;
    this.first = this.first.length === 0 ? rest : Buffer.concat([this.first, rest]);
    const plain = !startsTls(this.first[0] ?? 0);
    const offers = this.init.serverTls.readsHello === true;
    const hello = plain ? "unreadable" : readHello(this.first, offers);
    if (hello === "incomplete" && this.first.length < helloBytesMax) return;
    raw.off("readable", onReadable);
    raw.unshift(this.first);
    this.first = noBytes;
    if (plain) this.handOverPlain();
    else this.guarded(() => this.negotiate(typeof hello === "string" ? null : hello));
  }

  /** Returns what comes behind the prologue. */
  private readPrologue(bytes: Buffer): Buffer {
    let taken: ReturnType<Prologue["read"]> = "refused";
    try {
      taken = this.prologue!.read(bytes);
    } catch (error) {
      this.init.onInternalError(error);
    }
    if (taken === "more") return noBytes;
    if (taken === "refused") {
      this.finish();
      this.drop();
      return noBytes;
    }
    this.inPrologue = false;
    return bytes.subarray(taken);
  }

  /** `hello`: what the client named; null when only the TLS library can tell. */
  private negotiate(hello: HelloFacts | null): void {
    const { raw, serverTls } = this.init;
    this.serverName = hello?.serverName?.toLowerCase() ?? null;
    this.hello = hello;
    const context = serverTls.contextFor(this.serverName, this.init);
    if (context === null || context === "unavailable") {
      this.reject(context === null ? unrecognizedName : internalError);
      return;
    }
    this.sessions = KeptSessions.of(serverTls, this.serverName, this.init);
    const socket: tls.TLSSocket & WatchedSocket = new tls.TLSSocket(raw, {
      isServer: true,
      secureContext: nodeContext(context).secure,
      requestCert: serverTls.requestCertificate,
      rejectUnauthorized: false,
      // Not the usual way: of a context that comes this late, Node takes one certificate only.
      ...(hello === null ? { SNICallback: this.chooseContext } : {}),
      ...(this.sessions === null ? {} : { server: this.sessions.events }),
      ...this.alpnOptions(),
    });
    if (hello !== null) this.sessions?.offer(socket, hello.session);
    this.socket = socket;
    socket[user] = this;
    socket.on("error", onError);
    socket.on("close", onGone);
    socket.on("secure", onSecure);
    socket.on("end", onGone);
  }

  /** The TLS library has finished the handshake. */
  secured(): void {
    this.guarded(() => this.succeed());
  }

  private reject(alert: Buffer): void {
    this.init.raw.write(alert);
    this.fail("ERR_SSL_REJECTED", alert === internalError ? noCertificate : "handshake rejected");
  }

  private alpnOptions(): tls.TLSSocketOptions {
    const { serverTls } = this.init;
    // With a callback, no choice is a fatal alert: nginx's way, but wrong where nothing is offered.
    if (serverTls.alpnFor(this.serverName, this.init).length === 0) return {};
    return { ALPNCallback: ({ servername, protocols }) => this.chooseProtocol(servername, protocols) };
  }

  private readonly chooseContext: SniCallback = (name, done) => {
    this.serverName = name.toLowerCase();
    try {
      const context = this.init.serverTls.contextFor(this.serverName, this.init);
      if (context === null || context === "unavailable") done(new Error("handshake rejected"));
      else done(null, nodeContext(context).secure);
    } catch (error) {
      this.init.onInternalError(error);
      done(new Error("handshake rejected", { cause: error }));
    }
  };

  /** Node gives `false` for a name when the client sent none. */
  private chooseProtocol(name: string | false, offered: string[]): string | undefined {
    try {
      const { init } = this;
      const known = name === false || name === "" ? null : name.toLowerCase();
      const wanted = init.serverTls.alpnFor(known, init);
      return wanted.find((protocol) => offered.includes(protocol));
    } catch (error) {
      this.init.onInternalError(error);
      return undefined;
    }
  }

  private succeed(): void {
    const { socket } = this;
    if (this.done || socket === null) return;
    this.finish();
    const { prologue } = this;
    const { raw, remote, local, serverTls, events, sockets, onInternalError } = this.init;
    // Node keeps what breaks the protocol from now on to itself, unless its own server made the socket.
    socket.on("_tlsError", onTlsError);
    const info = new NodeTlsInfo(socket, {
      serverName: this.serverName,
      certificatesWanted: serverTls.requestCertificate,
      sessionAccepted: this.sessions !== null && socket.isSessionReused(),
      hello: this.hello?.offers ?? null,
    });
    this.sessions?.settle(info);
    const connection = new NodeConnection({
      socket,
      raw,
      remote,
      local,
      tls: info,
      sockets,
      onInternalError,
    });
    begin(connection, onInternalError, () => events.onConnection(connection, prologue));
  }

  private handOverPlain(): void {
    const { prologue } = this;
    const { raw, remote, local, events, sockets, onInternalError } = this.init;
    const takePlain = events.onPlainOnTls?.bind(events);
    if (takePlain === undefined) {
      this.fail("ERR_SSL_HTTP_REQUEST", "http request");
      return;
    }
    this.finish();
    const connection = new NodeConnection({
      socket: raw,
      raw,
      remote,
      local,
      tls: null,
      sockets,
      onInternalError,
    });
    begin(connection, onInternalError, () => takePlain(connection, prologue));
  }

  private finish(): void {
    this.done = true;
    this.init.sockets.open -= 1;
    this.deadline.dispose();
    const raw: WatchedSocket = this.init.raw;
    raw[user] = undefined;
    const socket: WatchedSocket | null = this.socket;
    if (socket !== null) socket[user] = undefined;
  }

  /** Ends the handshake, closes the socket and tells why, once; `message` is for the log. */
  fail(code: string, message: string): void {
    if (this.done) return;
    this.finish();
    this.drop();
    const { remote, local, events } = this.init;
    try {
      if (this.inPrologue) this.prologue!.onCut(code === "HANDSHAKE_TIMEOUT" ? "timeout" : "closed");
      else events.onHandshakeError(remote, local, code, message);
    } catch (error) {
      this.init.onInternalError(error);
    }
  }

  private drop(): void {
    // The TLS library's alert, if any, has been written already.
    this.socket?.destroy();
    this.init.raw.destroy();
  }

  private guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.init.onInternalError(error);
      this.fail("ERR_SSL_REJECTED", "handshake rejected");
    }
  }
}

/** nginx's test: a TLS record of type handshake, or an SSLv2 hello. */
export function startsTls(firstByte: number): boolean {
  return firstByte === 0x16 || (firstByte & 0x80) !== 0;
}

function begin(
  connection: NodeConnection,
  onInternalError: InternalErrorHook,
  name: () => ReturnType<ListenerEvents["onConnection"]>,
): void {
  try {
    connection.begin(name(), true);
  } catch (error) {
    connection.reset();
    onInternalError(error);
  }
}
