import { unlinkSync } from "node:fs";
import net from "node:net";
import type { BindOptions, KeptSocket, SocketKeeper } from "../kept-socket.ts";
import type { Endpoint, SocketHandle } from "../network.ts";

/**
 * Listening sockets on Node: bound with SO_REUSEPORT, one for each thread, and moved between threads in
 * the shape of a `net.Server`. Unix sockets cannot be moved.
 */
export class NodeSocketKeeper implements SocketKeeper {
  crossesThreads(endpoint: Endpoint): boolean {
    return endpoint.kind === "tcp";
  }

  open(options: BindOptions, count: number, siblings: readonly KeptSocket[]): KeptSocket[] {
    const { endpoint, ipv6Only, backlog } = options;
    if (endpoint.kind === "unix") return [new NodeKeptPipe(endpoint.path)];
    const where = { host: endpoint.address, port: endpoint.port, ipv6Only };
    // A socket of another program that shares its port is not to be joined.
    if (siblings.length === 0) new net.BoundSocket(where).close();
    const opened: NodeKeptSocket[] = [];
    try {
      while (opened.length < count) {
        opened.push(new NodeKeptSocket(new net.BoundSocket({ ...where, reusePort: true }), backlog));
      }
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
    return opened;
  }
}

/** True where sockets can be bound apart from an event loop and share a port (Node 24 and later on Linux). */
export function keepsSockets(): boolean {
  return process.platform === "linux" && typeof net.BoundSocket === "function";
}

class NodeKeptSocket implements KeptSocket {
  private readonly backlog: number;
  private bound: net.BoundSocket | null;
  private server: net.Server | null = null;

  constructor(bound: net.BoundSocket, backlog: number) {
    this.bound = bound;
    this.backlog = backlog;
  }

  lend(): { handle: SocketHandle; transfer: readonly object[] } {
    const { bound, backlog } = this;
    let { server } = this;
    if (bound !== null) {
      // From here on it accepts, in this thread's loop: it must be on its way before that turns.
      server = net.createServer();
      server.listen({ handle: bound, backlog });
    }
    if (server === null) throw new Error("the socket is lent already");
    this.bound = null;
    this.server = null;
    return { handle: server, transfer: [server] };
  }

  takeBack(handle: SocketHandle | null): void {
    this.server = handle as net.Server | null;
  }

  /** A server that nobody listens to would accept all the same. */
  park(): void {
    this.server?.close();
    this.server = null;
  }

  survives(): boolean {
    return this.bound !== null || this.server !== null;
  }

  close(): void {
    this.bound?.close();
    this.server?.close();
  }
}

/** A unix socket, for the thread that bound it. */
class NodeKeptPipe implements KeptSocket {
  private readonly path: string;
  private handle: SocketHandle | null;

  constructor(path: string) {
    this.path = path;
    // The declarations do not know this option yet.
    this.handle = new net.BoundSocket({ path } as net.BoundSocketOptions);
  }

  lend(): { handle: SocketHandle; transfer: readonly object[] } {
    const { handle } = this;
    if (handle === null) throw new Error("the socket is lent already");
    this.handle = null;
    return { handle, transfer: [] };
  }

  takeBack(handle: SocketHandle | null): void {
    this.handle = handle;
  }

  park(): void {}

  survives(): boolean {
    return true;
  }

  close(): void {
    if (this.handle instanceof net.BoundSocket || this.handle instanceof net.Server) this.handle.close();
    try {
      unlinkSync(this.path);
    } catch {
      // Gone with the handle.
    }
  }
}

/** Makes a server accept on a socket that was lent. */
export function adoptSocket(
  server: net.Server,
  handle: SocketHandle,
  backlog: number | undefined,
  listening: () => void,
): void {
  if (typeof handle === "number") server.listen({ fd: handle }, listening);
  else if (handle instanceof net.BoundSocket) {
    server.listen({ handle, ...(backlog === undefined ? {} : { backlog }) }, listening);
  } else server.listen(handle, backlog, listening);
}
