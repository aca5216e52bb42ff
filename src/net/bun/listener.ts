import type { SocketAddress } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { ListenOptions, Listener, ListenerEvents } from "../network.ts";
import { addressOfEndpoint, ipAddress, isAnyAddress, unnamedUnixAddress } from "../node/address.ts";
import {
  type BunListener,
  type BunListenOptions,
  type BunSocket,
  requireBun,
  type SocketHandlers,
  type BunSocketUser,
} from "./api.ts";
import { BunConnection } from "./connection.ts";
import { bunDescriptor } from "./kept-socket.ts";
import { openToAll, runtimePath } from "../unix-path.ts";

/** A socket before it has a connection: none of its events matter. */
export abstract class BunAcceptor implements BunSocketUser {
  abstract opened(socket: BunSocket): void;

  receive(): void {}

  ended(): void {}

  writable(): void {}

  closed(): void {}

  handshaken(): void {}

  connectFailed(): void {}
}

/** A plain listening socket of Bun's own. */
export class BunPlainListener extends BunAcceptor implements Listener {
  address: SocketAddress;
  private readonly events: ListenerEvents;
  private readonly onInternalError: InternalErrorHook;
  private readonly anyAddress: boolean;
  private readonly listener: BunListener;

  /** @throws Error with the system's code. */
  constructor(
    options: ListenOptions,
    events: ListenerEvents,
    handlers: SocketHandlers,
    onInternalError: InternalErrorHook,
  ) {
    super();
    this.events = events;
    this.onInternalError = onInternalError;
    this.anyAddress = isAnyAddress(options.endpoint);
    this.listener = requireBun().listen({ ...bunListenOptions(options), data: this, socket: handlers });
    this.address = boundAddress(options, this.listener);
    // Who bound a socket for others has opened it to all, and may have given up the right to since.
    const { endpoint, handle } = options;
    if (handle === undefined && endpoint.kind === "unix") openToAll(endpoint.path);
  }

  async stop(): Promise<void> {
    this.listener.stop();
  }

  release(): null {
    this.listener.stop();
    return null;
  }

  opened(socket: BunSocket): void {
    const admitted = this.events.admits?.() !== false;
    const addresses = admitted ? endsOf(socket, this.address, this.anyAddress) : null;
    if (addresses === null) {
      socket.close();
      return;
    }
    const connection = new BunConnection({
      socket,
      ...addresses,
      tls: null,
      onInternalError: this.onInternalError,
    });
    connection.begin(() => this.events.onConnection(connection, null));
  }
}

/** Where to listen, in Bun's terms. */
export function bunListenOptions(options: ListenOptions): Omit<BunListenOptions, "data" | "socket"> {
  const { endpoint, handle } = options;
  if (handle !== undefined) return { fd: bunDescriptor(handle), allowHalfOpen: true };
  if (endpoint.kind === "unix") return { unix: runtimePath(endpoint.path), allowHalfOpen: true };
  return {
    hostname: endpoint.address,
    port: endpoint.port,
    allowHalfOpen: true,
    reusePort: options.reusePort === true,
    exclusive: options.reusePort !== true,
    ...(options.ipv6Only === undefined ? {} : { ipv6Only: options.ipv6Only }),
  };
}

/** The address that a listener has got: as asked for, with the system's port where 0 was. */
export function boundAddress(options: ListenOptions, listener: BunListener): SocketAddress {
  const { endpoint } = options;
  if (endpoint.kind === "unix") return addressOfEndpoint(endpoint);
  return ipAddress(endpoint.address, listener.port ?? endpoint.port);
}

/**
 * Both ends of an accepted socket; null when the peer is gone already. As nginx does, the kernel is
 * asked for the local one only where the listener's own address leaves it open.
 */
export function endsOf(
  socket: BunSocket,
  listening: SocketAddress,
  anyAddress: boolean,
): { remote: SocketAddress; local: SocketAddress } | null {
  if (listening.family === "unix") return { remote: unnamedUnixAddress, local: listening };
  const { remoteAddress } = socket;
  if (remoteAddress === undefined) return null;
  const remote = ipAddress(remoteAddress, socket.remotePort ?? 0);
  if (!anyAddress) return { remote, local: listening };
  const { localAddress } = socket;
  return localAddress === undefined
    ? null
    : { remote, local: ipAddress(localAddress, socket.localPort ?? 0) };
}
