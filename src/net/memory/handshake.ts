/**
 * The simulated TLS handshake: three messages in plain text, so that delays, stalls and resets hit it
 * as they hit a real one. After it the bytes flow as they are.
 *
 * A message is a type byte (22 handshake, 21 alert, as in TLS), four bytes of length, and JSON.
 */
import type { Timer } from "../clock.ts";
import type { ConnectionOwner, TlsInfo } from "../connection.ts";
import { closedWords } from "../tls-error.ts";
import type { ClientTls, ServerTls, ContextChoice } from "../network.ts";
import type { MemoryConnection, World } from "./connection.ts";
import { certificateCarries, commonVersion, memoryContext } from "./tls-context.ts";

const typeAlert = 21;
const typeHandshake = 22;
const headBytes = 5;

interface Hello {
  readonly serverName: string | null;
  readonly alpn: readonly string[];
  readonly protocols: readonly string[];
  readonly chain: readonly string[];
}

/** How a handshake ends; exactly one call. */
export interface HandshakeEvents {
  /** `rest`: bytes behind the handshake that have been read with it. */
  onDone(info: TlsInfo, rest: Buffer): void;
  /** The peer spoke plain text; `bytes` is all of it so far. Server only. */
  onPlain?(bytes: Buffer): void;
  onFailed(code: string, message: string): void;
}

class HandshakeFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Reads messages from a connection until the handshake has ended one way or the other. */
abstract class Handshake implements ConnectionOwner {
  protected readonly connection: MemoryConnection;
  protected readonly events: HandshakeEvents;
  private read = Buffer.alloc(0);
  private done = false;

  constructor(connection: MemoryConnection, events: HandshakeEvents) {
    this.connection = connection;
    this.events = events;
  }

  /** Acts on a message; returns what was agreed once it is the last one. */
  protected abstract take(message: unknown): TlsInfo | null;

  onData(bytes: Buffer): void {
    if (this.done) return;
    this.read = Buffer.concat([this.read, bytes]);
    const type = this.read[0] ?? 0;
    if (type !== typeHandshake && type !== typeAlert) this.takePlain();
    else if (this.read.length >= headBytes) this.takeMessage(type);
  }

  onEnd(): void {
    this.fail("ECONNRESET", closedWords(true));
  }

  onDrain(): void {}

  onClose(code: string | null): void {
    this.fail(code ?? "ECONNRESET", closedWords(true));
  }

  fail(code: string, message: string): void {
    if (this.done) return;
    this.done = true;
    this.connection.close();
    this.events.onFailed(code, message);
  }

  private takePlain(): void {
    if (this.events.onPlain === undefined) {
      this.fail("EPROTO", "packet length too long");
      return;
    }
    this.done = true;
    this.events.onPlain(this.read);
  }

  private takeMessage(type: number): void {
    const end = headBytes + this.read.readUInt32BE(1);
    if (this.read.length < end) return;
    const message: unknown = JSON.parse(this.read.toString("utf8", headBytes, end));
    this.read = this.read.subarray(end);
    if (type === typeAlert) this.fail("ERR_SSL_ALERT", `alert: ${String(message)}`);
    else this.act(message);
  }

  private act(message: unknown): void {
    try {
      const info = this.take(message);
      if (info === null) return;
      this.done = true;
      this.events.onDone(info, this.read);
    } catch (error) {
      if (!(error instanceof HandshakeFailure)) throw error;
      this.connection.send(messageOf(typeAlert, error.message));
      this.connection.shutdown();
      this.fail(error.code, error.message);
    }
  }
}

/** The dialing side: says hello, judges the server's certificate and says that it is done. */
export class ClientHandshake extends Handshake {
  private readonly tls: ClientTls;

  constructor(connection: MemoryConnection, tls: ClientTls, events: HandshakeEvents) {
    super(connection, events);
    this.tls = tls;
    const context = memoryContext(tls.context);
    const hello: Hello = {
      serverName: tls.serverName,
      alpn: tls.alpn,
      protocols: context.protocols,
      chain: context.chain.map((der) => der.toString("base64")),
    };
    connection.send(messageOf(typeHandshake, hello));
  }

  protected take(message: unknown): TlsInfo {
    const answer = message as Hello;
    const chain = answer.chain.map((der) => Buffer.from(der, "base64"));
    const verifyError = memoryContext(this.tls.context).verify(chain);
    this.check(chain, verifyError);
    this.connection.send(messageOf(typeHandshake, "finished"));
    return agreed(answer.protocols[0] ?? "", this.tls.serverName, answer.alpn[0] ?? null, chain, verifyError);
  }

  private check(chain: readonly Buffer[], verifyError: string | null): void {
    const { verifyName } = this.tls;
    if (verifyName === null) return;
    if (verifyError !== null) throw new HandshakeFailure(verifyError, "certificate verify failed");
    if (certificateCarries(chain[0], verifyName)) return;
    throw new HandshakeFailure("ERR_TLS_CERT_ALTNAME_INVALID", `certificate does not carry ${verifyName}`);
  }
}

/** The accepting side: answers the hello, chooses context, version and protocol, and has a time limit. */
export class MemoryServerHandshake extends Handshake {
  private readonly tls: ServerTls;
  private readonly world: World;
  private readonly timer: Timer;
  private info: TlsInfo | null = null;

  constructor(connection: MemoryConnection, tls: ServerTls, world: World, events: HandshakeEvents) {
    super(connection, events);
    this.tls = tls;
    this.world = world;
    this.timer = world.clock.timer(tls.handshakeTimeoutMs, () => {
      this.fail("HANDSHAKE_TIMEOUT", "client timed out in SSL handshake");
    });
  }

  /** Called when the outcome is known. */
  stopTimer(): void {
    this.timer.cancel();
  }

  protected take(message: unknown): TlsInfo | null {
    if (this.info !== null) return this.info;
    const hello = message as Hello;
    const serverName = hello.serverName?.toLowerCase() ?? null;
    const chosen = this.ask(() => this.tls.contextFor(serverName, null));
    const context = chosen === null || chosen === "unavailable" ? null : memoryContext(chosen);
    if (context === null) throw new HandshakeFailure("ERR_SSL_REJECTED", "handshake rejected");
    const protocol = commonVersion(context.protocols, hello.protocols);
    if (protocol === null) throw new HandshakeFailure("ERR_SSL_UNSUPPORTED_PROTOCOL", "unsupported protocol");
    const alpn = this.chooseProtocol(serverName, hello.alpn);
    const shown = this.tls.requestCertificate ? hello.chain.map((der) => Buffer.from(der, "base64")) : [];
    const verifyError = shown.length > 0 ? context.verify(shown) : null;
    this.info = agreed(protocol, serverName, alpn, shown, verifyError);
    const answer: Hello = {
      serverName,
      alpn: alpn === null ? [] : [alpn],
      protocols: [protocol],
      chain: context.chain.map((der) => der.toString("base64")),
    };
    this.connection.send(messageOf(typeHandshake, answer));
    return null;
  }

  private chooseProtocol(serverName: string | null, offered: readonly string[]): string | null {
    const wanted = this.ask(() => this.tls.alpnFor(serverName, null)) ?? [];
    if (wanted.length === 0 || offered.length === 0) return null;
    const chosen = wanted.find((protocol) => offered.includes(protocol));
    if (chosen !== undefined) return chosen;
    throw new HandshakeFailure("ERR_SSL_NO_APPLICATION_PROTOCOL", "no application protocol");
  }

  /** Runs a callback of the listener's owner; its exception refuses the handshake. */
  private ask<T extends ContextChoice | readonly string[]>(callback: () => T | null): T | null {
    try {
      return callback();
    } catch (error) {
      this.world.onInternalError(error);
      throw new HandshakeFailure("ERR_SSL_REJECTED", "handshake rejected");
    }
  }
}

function agreed(
  protocol: string,
  serverName: string | null,
  alpnProtocol: string | null,
  chain: Buffer[],
  verifyError: string | null,
): TlsInfo {
  return {
    protocol,
    cipher: protocol === "TLSv1.3" ? "TLS_AES_128_GCM_SHA256" : "ECDHE-ECDSA-AES128-GCM-SHA256",
    serverName,
    alpnProtocol,
    sessionReused: false,
    sessionAccepted: false,
    sessionId: "",
    curve: "X25519",
    hello: null,
    verifyError,
    peerCertificates: () => chain,
  };
}

function messageOf(type: number, value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value), "utf8");
  const head = Buffer.alloc(headBytes);
  head[0] = type;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}
