import { unlink } from "node:fs/promises";
import net from "node:net";
import type { SocketAddress } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { ListenOptions, Listener, ListenerEvents, SocketHandle } from "../network.ts";
import {
  addressOfEndpoint,
  ipAddress,
  isAnyAddress,
  localOf,
  remoteOf,
  unnamedUnixAddress,
} from "./address.ts";
import type { SystemClock } from "./clock.ts";
import { NodeConnection } from "./connection.ts";
import { ServerHandshake } from "./handshake.ts";
import type { SocketCount } from "../socket-count.ts";
import { adoptSocket } from "./kept-socket.ts";
import { runsOnBun } from "./runtime.ts";
import { openToAll, runtimePath } from "../unix-path.ts";
import { readsIntoSharedBuffer, withOnread } from "./sockets.ts";

/** A listening socket over node:net; TLS, where asked for, is put on top of each accepted socket. */
export class NodeListener implements Listener {
  address: SocketAddress;
  private readonly options: ListenOptions;
  private readonly events: ListenerEvents;
  private readonly clock: SystemClock;
  private readonly sockets: SocketCount;
  private readonly onInternalError: InternalErrorHook;
  private readonly server: net.Server;
  private readonly anyAddress: boolean;

  constructor(
    options: ListenOptions,
    events: ListenerEvents,
    clock: SystemClock,
    sockets: SocketCount,
    onInternalError: InternalErrorHook,
  ) {
    this.options = options;
    this.events = events;
    this.clock = clock;
    this.sockets = sockets;
    this.onInternalError = onInternalError;
    this.address = addressOfEndpoint(options.endpoint);
    this.anyAddress = isAnyAddress(options.endpoint);
    this.server = net.createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: options.tls === null && readsIntoSharedBuffer },
      (socket) => this.accept(socket),
    );
  }

  /** Resolves when bound; rejects with the system's code. */
  start(): Promise<void> {
    const server = this.server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const listening = (): void => {
        server.off("error", reject);
        server.on("error", this.onInternalError);
        const bound = server.address();
        if (bound !== null && typeof bound === "object") this.address = ipAddress(bound.address, bound.port);
        // Who bound a socket for others has opened it to all, and may have given up the right to since.
        const { endpoint, handle } = this.options;
        if (handle === undefined && endpoint.kind === "unix") openToAll(endpoint.path);
        resolve();
      };
      const { handle } = this.options;
      if (handle === undefined) server.listen(listenOptions(this.options), listening);
      else adoptSocket(server, handle, this.options.backlog, listening);
    });
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    // The callback would wait for every connection; the port itself is free at once.
    this.server.close();
    if (this.options.handle !== undefined) return;
    if (this.options.endpoint.kind === "unix")
      await removeSocketFile(runtimePath(this.options.endpoint.path));
  }

  /** On Bun, whoever lent the socket has it still. */
  release(): SocketHandle | null {
    if (!runsOnBun) return this.server;
    this.server.close();
    return null;
  }

  private accept(accepted: net.Socket): void {
    if (this.events.admits?.() === false) {
      accepted.destroy();
      return;
    }
    const local = this.localOf(accepted);
    const remote = this.address.family === "unix" ? unnamedUnixAddress : remoteOf(accepted);
    // A peer that is gone already has no address.
    if (remote === undefined || local === undefined) accepted.destroy();
    else if (this.options.tls === null) this.acceptPlain(accepted, remote, local);
    else {
      new ServerHandshake({
        raw: accepted,
        remote,
        local,
        serverTls: this.options.tls,
        events: this.events,
        clock: this.clock,
        sockets: this.sockets,
        onInternalError: this.onInternalError,
      });
    }
  }

  private acceptPlain(accepted: net.Socket, remote: SocketAddress, local: SocketAddress): void {
    const moved = readsIntoSharedBuffer ? withOnread(accepted) : null;
    const socket = moved ?? accepted;
    const connection = new NodeConnection({
      socket,
      raw: socket,
      remote,
      local,
      tls: null,
      sockets: this.sockets,
      onInternalError: this.onInternalError,
    });
    try {
      connection.begin(this.events.onConnection(connection, null), moved === null);
    } catch (error) {
      connection.fail(error);
    }
  }

  /** As nginx does, the kernel is asked only where the listener's own address leaves it open. */
  private localOf(accepted: net.Socket): SocketAddress | undefined {
    return this.anyAddress ? localOf(accepted) : this.address;
  }
}

function listenOptions(options: ListenOptions): net.ListenOptions {
  const { endpoint } = options;
  const common: net.ListenOptions = { exclusive: true };
  if (options.backlog !== undefined) common.backlog = options.backlog;
  if (endpoint.kind === "unix") return { ...common, path: runtimePath(endpoint.path) };
  common.host = endpoint.address;
  common.port = endpoint.port;
  if (options.reusePort === true) common.reusePort = true;
  if (options.ipv6Only !== undefined) common.ipv6Only = options.ipv6Only;
  return common;
}

async function removeSocketFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
