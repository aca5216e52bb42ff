import type { Timer } from "../clock.ts";
import type { SocketAddress } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { ListenerEvents, ServerTls } from "../network.ts";
import type { SystemClock } from "../node/clock.ts";
import { nodeContext } from "../node/tls-context.ts";
import type { BunSocket, BunSocketUser, SocketError } from "./api.ts";
import { BunConnection } from "./connection.ts";
import { closedWords, resetWords } from "../tls-error.ts";
import { alpnNames } from "./tls-options.ts";
import { BunTlsInfo } from "./tls-info.ts";

/** A socket that was accepted and has yet to speak TLS: what `BunHandshake` is made from. */
export interface BunHandshakeInit {
  readonly socket: BunSocket;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly serverTls: ServerTls;
  readonly events: ListenerEvents;
  readonly clock: SystemClock;
  readonly onInternalError: InternalErrorHook;
}

/** The server's half of one TLS handshake on Bun's own socket. */
export class BunHandshake implements BunSocketUser {
  private readonly init: BunHandshakeInit;
  private readonly timer: Timer;
  private name: string | null = null;
  /** The client has sent something; whoever makes this knows, for the socket does not tell. */
  heard = true;
  private done = false;

  constructor(init: BunHandshakeInit) {
    this.init = init;
    init.socket.data = this;
    this.timer = init.clock.timer(init.serverTls.handshakeTimeoutMs, () => {
      this.fail("HANDSHAKE_TIMEOUT", "client timed out in SSL handshake");
    });
  }

  chooseContext(name: string): unknown {
    this.name = name.toLowerCase();
    try {
      const context = this.init.serverTls.contextFor(this.name, null);
      return context === null || context === "unavailable"
        ? new Error("handshake rejected")
        : nodeContext(context).secure.context;
    } catch (error) {
      this.init.onInternalError(error);
      return new Error("handshake rejected", { cause: error });
    }
  }

  chooseProtocol(wire: Uint8Array): string | undefined {
    try {
      const offered = alpnNames(wire);
      return this.init.serverTls.alpnFor(this.name, null).find((protocol) => offered.includes(protocol));
    } catch (error) {
      this.init.onInternalError(error);
      return undefined;
    }
  }

  handshaken(ok: boolean, error: SocketError | null): void {
    // "Client network socket disconnected before secure TLS connection was established" for a mere end.
    if (!ok && error?.code === "ECONNRESET") this.fail("ECONNRESET", closedWords(this.heard));
    else if (!ok) this.fail(error?.code ?? "EPROTO", error?.message ?? "handshake failed");
    if (this.done) return;
    this.finish();
    const { socket, remote, local, events, onInternalError } = this.init;
    const tls = new BunTlsInfo(socket, this.name, false, null);
    const connection = new BunConnection({ socket, remote, local, tls, onInternalError });
    connection.begin(() => events.onConnection(connection, null));
  }

  closed(error: SocketError | undefined): void {
    if (error?.code === "ECONNRESET") this.fail("ECONNRESET", resetWords(this.heard));
    else this.fail(error?.code ?? "ECONNRESET", closedWords(this.heard));
  }

  ended(): void {
    this.fail("ECONNRESET", closedWords(this.heard));
  }

  opened(): void {}

  receive(): void {}

  writable(): void {}

  connectFailed(): void {}

  /** Gives the handshake up without a word: the connection lives on elsewhere. */
  abandon(): void {
    this.finish();
    this.init.socket.close();
  }

  /** Ends the handshake as failed. */
  refuse(code = "ERR_SSL_REJECTED", message = "handshake rejected"): void {
    this.fail(code, message);
  }

  private fail(code: string, message: string): void {
    if (this.done) return;
    this.finish();
    const { socket, remote, local, events, onInternalError } = this.init;
    try {
      events.onHandshakeError(remote, local, code, message);
    } catch (error) {
      onInternalError(error);
    }
    socket.close();
  }

  private finish(): void {
    this.done = true;
    this.timer.cancel();
  }
}
