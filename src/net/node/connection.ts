import type { Socket } from "node:net";
import type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { SocketCount } from "../socket-count.ts";
import { writeCopy } from "./slab.ts";

/** More than this in the queue makes `send` return false: the runtimes' own high-water mark. */
const queuedBytesMax = 64 * 1024;

/** Stands in until the listener or the dial has named the first owner, and after the close. */
const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** Where a socket keeps its connection, so that listeners are shared instead of made for each socket. */
const user = Symbol("connection");

interface UsedSocket extends Socket {
  [user]?: NodeConnection;
}

function onEnd(this: UsedSocket): void {
  this[user]?.takeEnd();
}

function onDrain(this: UsedSocket): void {
  this[user]?.takeDrain();
}

function onError(this: UsedSocket, error: NodeJS.ErrnoException): void {
  this[user]?.takeError(error);
}

function onClose(this: UsedSocket): void {
  this[user]?.takeClose();
}

function onData(this: UsedSocket, bytes: Buffer): void {
  this[user]?.receive(bytes);
}

/** The connection of the socket that an `onread` callback was called on. */
export function connectionOf(socket: Socket): NodeConnection | undefined {
  return (socket as UsedSocket)[user];
}

/** An open socket, ready for use, with what is known of it: what `NodeConnection` is made from. */
export interface NodeConnectionInit {
  /** Where plaintext is read and written: the TCP or unix socket, or the TLS socket above it. */
  readonly socket: Socket;
  /** The TCP or unix socket itself. */
  readonly raw: Socket;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly tls: TlsInfo | null;
  readonly sockets: SocketCount;
  readonly onInternalError: InternalErrorHook;
}

/** A connection over node:net or node:tls, on either runtime. */
export class NodeConnection implements Connection {
  owner: ConnectionOwner = nobody;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly tls: TlsInfo | null;
  open = true;
  private readonly socket: Socket;
  private readonly raw: Socket;
  private readonly sockets: SocketCount;
  private readonly onInternalError: InternalErrorHook;
  private shutDown = false;
  private ended = false;
  private closed = false;
  private drainOwed = false;
  /** The connection was given up here, so the way it ends is no error. */
  private givenUp = false;
  private errorCode: string | null = null;

  constructor(init: NodeConnectionInit) {
    this.socket = init.socket;
    this.raw = init.raw;
    this.remote = init.remote;
    this.local = init.local;
    this.tls = init.tls;
    this.sockets = init.sockets;
    this.sockets.open += 1;
    this.onInternalError = init.onInternalError;
    const socket: UsedSocket = init.socket;
    socket[user] = this;
    socket.on("end", onEnd);
    socket.on("drain", onDrain);
    socket.on("finish", onDrain);
    socket.on("error", onError);
    socket.on("close", onClose);
  }

  /** Events flow to `owner` from now on. `streaming`: bytes come by "data", not by `receive`. */
  begin(owner: ConnectionOwner, streaming: boolean): void {
    this.owner = owner;
    if (streaming) this.socket.on("data", onData);
  }

  /** Bytes from the socket. */
  receive(bytes: Buffer): void {
    if (!this.open) return;
    try {
      this.owner.onData(bytes);
    } catch (error) {
      this.fail(error);
    }
  }

  /** An exception came out of an owner: this connection ends, nothing else does. */
  fail(error: unknown): void {
    this.reset();
    this.onInternalError(error);
  }

  get queued(): number {
    return this.socket.writableLength;
  }

  send(bytes: Buffer): boolean {
    if (!this.open || this.shutDown) return false;
    const socket = this.socket;
    writeCopy(socket, bytes);
    if (socket.writableLength < queuedBytesMax) return true;
    this.drainOwed = true;
    return false;
  }

  pause(): void {
    if (this.open) this.socket.pause();
  }

  resume(): void {
    if (this.open) this.socket.resume();
  }

  shutdown(): void {
    if (!this.open || this.shutDown) return;
    this.shutDown = true;
    this.socket.end();
  }

  reset(): void {
    if (!this.open) return;
    this.giveUp();
    if (this.socket === this.raw) this.destroyWithReset();
    // Node crashes when the socket below TLS goes away inside one of the TLS socket's callbacks.
    else setImmediate(() => this.destroyWithReset());
  }

  /** Only a TCP socket can be reset; a TLS socket above it is merely destroyed. */
  private destroyWithReset(): void {
    if (this.remote.family !== "unix") this.raw.resetAndDestroy();
    this.socket.destroy();
  }

  close(): void {
    if (!this.open) return;
    this.giveUp();
    this.socket.destroy();
  }

  /** The descriptor is free again now, although the socket tells its end later. */
  private giveUp(): void {
    this.open = false;
    this.givenUp = true;
    this.sockets.open -= 1;
  }

  setKeepAlive(enabled: boolean, idleSeconds = 0): void {
    if (this.open) this.raw.setKeepAlive(enabled, idleSeconds * 1000);
  }

  /** The socket's `end` event. */
  takeEnd(): void {
    // Bun also ends a socket that is destroyed.
    if (!this.open || this.ended || this.errorCode !== null) return;
    this.ended = true;
    try {
      this.owner.onEnd();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The socket's `drain` event, which is passed on only where `send` has returned false. */
  takeDrain(): void {
    if (!this.open || !this.drainOwed || this.socket.writableLength !== 0) return;
    this.drainOwed = false;
    try {
      this.owner.onDrain();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The socket's `error` event: noted, for the close that follows tells it. */
  takeError(error: NodeJS.ErrnoException): void {
    this.errorCode ??= error.code ?? "EUNKNOWN";
  }

  /** The socket's `close` event: the last, and the one that takes the connection off the count. */
  takeClose(): void {
    if (this.closed) return;
    // An end that both sides agreed on was not always told as such.
    if (this.open && this.errorCode === null) this.takeEnd();
    this.closed = true;
    if (this.open) this.sockets.open -= 1;
    this.open = false;
    const owner = this.owner;
    this.owner = nobody;
    try {
      owner.onClose(this.givenUp ? null : this.errorCode);
    } catch (error) {
      this.onInternalError(error);
    }
  }
}
