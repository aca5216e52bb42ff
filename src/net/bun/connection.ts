import type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import { ipAddress, unnamedUnixAddress } from "../node/address.ts";
import type { DialSession } from "../session-store.ts";
import type { BunSocket, SocketError, SocketUser } from "./api.ts";

const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** Small queued pieces are written together up to this size: one system call instead of many. */
const joinedBytesMax = 64 * 1024;

export interface BunConnectionInit {
  readonly socket: BunSocket;
  readonly remote: SocketAddress;
  /** Null: asked of the socket when it is wanted, which for dialed connections is hardly ever. */
  readonly local: SocketAddress | null;
  readonly tls: TlsInfo | null;
  /** Where sessions of a dialed connection are kept. */
  readonly session?: DialSession | null;
  readonly onInternalError: InternalErrorHook;
}

/**
 * A connection over one of Bun's own sockets. These keep nothing that the kernel did not take, so the
 * queue is here; and they close from inside `close()` and `terminate()`, so `onClose` is deferred.
 */
export class BunConnection implements Connection, SocketUser {
  owner: ConnectionOwner = nobody;
  readonly remote: SocketAddress;
  readonly tls: TlsInfo | null;
  open = true;
  private knownLocal: SocketAddress | null;
  private readonly socket: BunSocket;
  private readonly session: DialSession | null;
  private readonly onInternalError: InternalErrorHook;
  /** What the kernel did not take; null while there is nothing, which is nearly always. */
  private queue: Buffer[] | null = null;
  private queuedBytes = 0;
  private paused = false;
  private shutDown = false;
  private endTold = false;
  private drainOwed = false;
  private gone = false;
  /** The connection was given up here, so the way it ends is no error. */
  private givenUp = false;

  constructor(init: BunConnectionInit) {
    this.socket = init.socket;
    this.remote = init.remote;
    this.knownLocal = init.local;
    this.tls = init.tls;
    this.session = init.session ?? null;
    this.onInternalError = init.onInternalError;
    init.socket.data = this;
  }

  get local(): SocketAddress {
    this.knownLocal ??= localOf(this.socket);
    return this.knownLocal;
  }

  get queued(): number {
    return this.queuedBytes;
  }

  keepSession(session: Buffer): void {
    this.session?.keep(session);
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
    if (this.queuedBytes === 0) {
      taken = Math.max(0, this.socket.write(bytes));
      if (taken === count) return true;
    }
    this.queue ??= [];
    this.queue.push(Buffer.from(bytes.subarray(taken)));
    this.queuedBytes += count - taken;
    this.drainOwed = true;
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
    if (this.queuedBytes === 0) this.socket.shutdown();
  }

  reset(): void {
    if (!this.open) return;
    this.giveUp();
    this.socket.terminate();
  }

  close(): void {
    if (!this.open) return;
    const stalled = this.queuedBytes > 0;
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
    if (this.queuedBytes === 0 || !this.open) return;
    this.flush();
    if (this.queuedBytes > 0) return;
    if (this.shutDown) this.socket.shutdown();
    if (!this.drainOwed || !this.open) return;
    this.drainOwed = false;
    try {
      this.owner.onDrain();
    } catch (error) {
      this.fail(error);
    }
  }

  closed(error: SocketError | undefined): void {
    if (this.gone) return;
    this.gone = true;
    const code = this.givenUp || error === undefined ? null : (error.code ?? "EUNKNOWN");
    process.nextTick(finishClose, this, code);
  }

  /** The deferred part of the close. */
  finish(code: string | null): void {
    // After our own shutdown Bun tells the peer's end as a mere close.
    if (code === null && !this.givenUp) this.ended();
    const { owner } = this;
    this.giveUp();
    this.owner = nobody;
    try {
      owner.onClose(code);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  private flush(): void {
    const { queue } = this;
    if (queue === null) return;
    if (queue.length > 1) joinSmallPieces(queue);
    while (queue.length > 0) {
      const piece = queue[0]!;
      const taken = Math.max(0, this.socket.write(piece));
      this.queuedBytes -= taken;
      if (taken < piece.length) {
        queue[0] = piece.subarray(taken);
        return;
      }
      queue.shift();
    }
    this.queue = null;
  }

  private giveUp(): void {
    this.open = false;
    this.givenUp = true;
    this.queue = null;
    this.queuedBytes = 0;
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

function joinSmallPieces(queue: Buffer[]): void {
  let count = 0;
  let bytes = 0;
  for (const piece of queue) {
    if (bytes + piece.length > joinedBytesMax) break;
    bytes += piece.length;
    count++;
  }
  if (count > 1) queue.unshift(Buffer.concat(queue.splice(0, count)));
}

function finishClose(connection: BunConnection, code: string | null): void {
  connection.finish(code);
}
