import type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import { ipAddress, unnamedUnixAddress } from "../node/address.ts";
import type { BunSocket, SocketError, BunSocketUser } from "./api.ts";
import { SendQueue } from "./send-queue.ts";

const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** An open socket, ready for use, with what is known of it: what `BunConnection` is made from. */
export interface BunConnectionInit {
  readonly socket: BunSocket;
  readonly remote: SocketAddress;
  /** Null: asked of the socket when it is wanted, which for dialed connections is hardly ever. */
  readonly local: SocketAddress | null;
  readonly tls: TlsInfo | null;
  readonly onInternalError: InternalErrorHook;
}

/**
 * A connection over one of Bun's own sockets. These keep nothing that the kernel did not take, so the
 * queue is here; and they close from inside `close()` and `terminate()`, so `onClose` is deferred.
 */
export class BunConnection implements Connection, BunSocketUser {
  owner: ConnectionOwner = nobody;
  readonly remote: SocketAddress;
  readonly tls: TlsInfo | null;
  /** False as soon as it is given up here: the way it ends is no error then. */
  open = true;
  private knownLocal: SocketAddress | null;
  private readonly socket: BunSocket;
  private readonly onInternalError: InternalErrorHook;
  /** What the kernel did not take; null while there is nothing, which is nearly always. */
  private queue: SendQueue | null = null;
  private paused = false;
  private shutDown = false;
  private endTold = false;
  private gone = false;

  constructor(init: BunConnectionInit) {
    this.socket = init.socket;
    this.remote = init.remote;
    this.knownLocal = init.local;
    this.tls = init.tls;
    this.onInternalError = init.onInternalError;
    init.socket.data = this;
  }

  get local(): SocketAddress {
    this.knownLocal ??= localOf(this.socket);
    return this.knownLocal;
  }

  get queued(): number {
    return this.queue === null ? 0 : this.queue.bytes;
  }

  opened(): void {}

  handshaken(): void {}

  connectFailed(): void {}

  /** Names the first owner; an exception while it is chosen resets the connection. */
  begin(chooseOwner: () => ConnectionOwner): void {
    try {
      this.owner = chooseOwner();
    } catch (error) {
      this.fail(error);
    }
  }

  send(bytes: Buffer): boolean {
    if (!this.open || this.shutDown) return false;
    const count = bytes.length;
    if (count === 0) return true;
    let taken = 0;
    if (this.queue === null) {
      taken = Math.max(0, this.socket.write(bytes));
      if (taken === count) return true;
      this.queue = new SendQueue();
    }
    this.queue.add(bytes.subarray(taken));
    return false;
  }

  pause(): void {
    if (!this.open || this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.open || !this.paused) return;
    this.paused = false;
    this.socket.resume();
  }

  shutdown(): void {
    if (!this.open || this.shutDown) return;
    this.shutDown = true;
    // Bun's own shutdown must not overtake the queue.
    if (this.queue === null) this.socket.shutdown();
  }

  reset(): void {
    if (!this.open) return;
    this.giveUp();
    this.socket.terminate();
  }

  close(): void {
    if (!this.open) return;
    const stalled = this.queue !== null;
    this.giveUp();
    // What TLS has encrypted would keep the socket for 12 seconds with a peer that does not read (measured).
    if (stalled && this.tls !== null) this.socket.terminate();
    else this.socket.close();
  }

  setKeepAlive(enabled: boolean, idleSeconds = 0): void {
    if (this.open) this.socket.setKeepAlive(enabled, idleSeconds * 1000);
  }

  receive(bytes: Buffer): void {
    if (!this.open) return;
    try {
      this.owner.onData(bytes);
    } catch (error) {
      this.fail(error);
    }
  }

  ended(): void {
    if (!this.open || this.endTold) return;
    this.endTold = true;
    try {
      this.owner.onEnd();
    } catch (error) {
      this.fail(error);
    }
  }

  writable(): void {
    // Bun also tells this where nothing was waiting.
    if (this.queue === null || !this.queue.flush(this.socket)) return;
    this.queue = null;
    if (this.shutDown) this.socket.shutdown();
    if (!this.open) return;
    try {
      this.owner.onDrain();
    } catch (error) {
      this.fail(error);
    }
  }

  closed(error: SocketError | undefined): void {
    if (this.gone) return;
    this.gone = true;
    const code = !this.open || error === undefined ? null : (error.code ?? "EUNKNOWN");
    process.nextTick(finishClose, this, code);
  }

  /** The deferred part of the close. */
  finish(code: string | null): void {
    // After our own shutdown Bun tells the peer's end as a mere close.
    if (code === null && this.open) this.ended();
    const { owner } = this;
    this.giveUp();
    this.owner = nobody;
    try {
      owner.onClose(code);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  private giveUp(): void {
    this.open = false;
    this.queue = null;
  }

  private fail(error: unknown): void {
    this.reset();
    this.onInternalError(error);
  }
}

function localOf(socket: BunSocket): SocketAddress {
  const { localAddress } = socket;
  return localAddress === undefined ? unnamedUnixAddress : ipAddress(localAddress, socket.localPort ?? 0);
}

function finishClose(connection: BunConnection, code: string | null): void {
  connection.finish(code);
}
