import { closeSync, fchownSync, linkSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import net from "node:net";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { MessagePort, Transferable } from "node:worker_threads";
import type { BindOptions, KeptSocket, SocketKeeper } from "../kept-socket.ts";
import type { Endpoint, SocketHandle } from "../network.ts";
import { descriptorOf, socketBehind } from "./descriptors.ts";
import { openToAll, runtimePath } from "../unix-path.ts";

/**
 * Of a port that only root may bind, for a process that stops being root's: a thread that dies takes its
 * socket along, and so many may. They cost a descriptor each.
 */
const sparesPerPort = 16;

type BoundPlace = { readonly host: string; readonly port: number; readonly ipv6Only?: boolean };

function keyOf({ host, port }: BoundPlace): string {
  return `${host} ${port}`;
}

/** The first port that everybody may bind. */
function unprivilegedPort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "latin1"));
  } catch {
    return 1024;
  }
}

/**
 * Listening sockets on Node: bound with SO_REUSEPORT, one for each thread, and moved between threads in
 * the shape of a `net.Server`. Unix sockets cannot be moved.
 */
export class NodeSocketKeeper implements SocketKeeper {
  readonly bindsAhead = true;
  private readonly spares = new Map<string, net.BoundSocket[]>();

  crossesThreads(endpoint: Endpoint): boolean {
    return endpoint.kind === "tcp";
  }

  open(options: BindOptions, count: number, siblings: readonly KeptSocket[]): KeptSocket[] {
    const { endpoint, ipv6Only, backlog } = options;
    if (endpoint.kind === "unix") return [new NodeKeptPipe(endpoint.path, bindPipe(endpoint.path))];
    const where = { host: endpoint.address, port: endpoint.port, ipv6Only };
    // A socket of another program that shares its port is not to be joined.
    if (siblings.length === 0) new net.BoundSocket(where).close();
    const opened: NodeKeptSocket[] = [];
    try {
      while (opened.length < count) {
        opened.push(new NodeKeptSocket(this.bindShared(where, siblings.length > 0), backlog));
      }
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
    return opened;
  }

  reserve({ endpoint, ipv6Only }: BindOptions, uid: number): void {
    if (endpoint.kind === "unix" || endpoint.port >= unprivilegedPort()) return;
    const where = { host: endpoint.address, port: endpoint.port, ipv6Only };
    const spares: net.BoundSocket[] = [];
    while (spares.length < sparesPerPort) spares.push(new net.BoundSocket({ ...where, reusePort: true }));
    for (const spare of spares) fchownSync(spare.fd(), uid, -1);
    this.spares.set(keyOf(where), spares);
  }

  forget(endpoint: Endpoint): void {
    if (endpoint.kind === "unix") return;
    const key = keyOf({ host: endpoint.address, port: endpoint.port });
    for (const spare of this.spares.get(key) ?? []) spare.close();
    this.spares.delete(key);
  }

  private bindShared(where: BoundPlace, hasSiblings: boolean): net.BoundSocket {
    try {
      return new net.BoundSocket({ ...where, reusePort: true });
    } catch (error) {
      const isRefused = error instanceof Error && "code" in error && error.code === "EACCES";
      const spare = isRefused && hasSiblings ? this.spares.get(keyOf(where))?.pop() : undefined;
      if (spare === undefined) throw error;
      return spare;
    }
  }

  adopt({ endpoint, backlog }: BindOptions, descriptors: readonly number[]): KeptSocket[] {
    if (endpoint.kind === "tcp") return descriptors.map((fd) => new NodeKeptSocket(fd, backlog));
    // They share one queue, and one thread accepts.
    for (const fd of descriptors.slice(1)) closeSync(fd);
    return descriptors.slice(0, 1).map((fd) => new NodeKeptPipe(endpoint.path, fd));
  }
}

/** True where sockets can be bound apart from an event loop and share a port (Node 24 and later on Linux). */
export function keepsSockets(): boolean {
  return process.platform === "linux" && typeof net.BoundSocket === "function";
}

class NodeKeptSocket implements KeptSocket {
  private readonly backlog: number;
  /** What the kernel calls it: its descriptor changes when it moves. */
  private readonly id: string;
  /** Nobody has listened on it here; a number was inherited. */
  private bound: net.BoundSocket | number | null;
  private server: net.Server | null = null;
  /** Where it waits: a server that is on its way to a thread belongs to no event loop. */
  private shelved: MessagePort | null = null;

  constructor(bound: net.BoundSocket | number, backlog: number) {
    this.bound = bound;
    this.backlog = backlog;
    this.id = socketBehind(typeof bound === "number" ? bound : bound.fd());
  }

  lend(): { handle: SocketHandle; transfer: readonly object[] } {
    const { bound, backlog } = this;
    this.unshelve();
    let { server } = this;
    if (bound !== null) {
      // From here on it accepts, in this thread's loop: it must be on its way before that turns.
      server = net.createServer();
      server.listen(typeof bound === "number" ? { fd: bound, backlog } : { handle: bound, backlog });
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
  shelve(): void {
    const { server } = this;
    if (server === null) return;
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(server, [server as unknown as Transferable]);
    this.server = null;
    this.shelved = port2;
  }

  descriptor(): number | null {
    return descriptorOf(this.id);
  }

  survives(): boolean {
    return this.bound !== null || this.server !== null || this.shelved !== null;
  }

  close(): void {
    this.unshelve();
    if (typeof this.bound === "number") closeSync(this.bound);
    else this.bound?.close();
    this.server?.close();
  }

  private unshelve(): void {
    if (this.shelved === null) return;
    const received = receiveMessageOnPort(this.shelved) as { message: net.Server } | undefined;
    this.server = received?.message ?? null;
    this.shelved.close();
    this.shelved = null;
  }
}

/** A unix socket, for the thread that bound it. */
class NodeKeptPipe implements KeptSocket {
  private readonly path: string;
  private id: string;
  private handle: SocketHandle | null;
  private shelved = false;

  constructor(path: string, handle: net.BoundSocket | number) {
    this.path = path;
    this.id = socketBehind(typeof handle === "number" ? handle : handle.fd());
    this.handle = handle;
  }

  lend(): { handle: SocketHandle; transfer: readonly object[] } {
    if (this.shelved) this.replace();
    const { handle } = this;
    if (handle === null) throw new Error("the socket is lent already");
    this.handle = null;
    return { handle, transfer: [] };
  }

  takeBack(handle: SocketHandle | null): void {
    this.handle = handle;
  }

  /** It cannot be kept without accepting: only the process that inherited it has it then. */
  shelve(): void {
    if (this.handle instanceof net.Server) this.handle.close();
    this.handle = null;
    this.shelved = true;
  }

  descriptor(): number | null {
    return descriptorOf(this.id);
  }

  survives(): boolean {
    return true;
  }

  close(leaveFile: boolean): void {
    if (this.handle instanceof net.BoundSocket || this.handle instanceof net.Server) this.handle.close();
    else if (typeof this.handle === "number") closeSync(this.handle);
    if (leaveFile) return;
    try {
      unlinkSync(runtimePath(this.path));
    } catch {
      // Somebody else has taken it away.
    }
  }

  /** Takes the name over from the process that has it. */
  private replace(): void {
    const bound = bindPipe(this.path, true);
    this.id = socketBehind(bound.fd());
    this.handle = bound;
    this.shelved = false;
  }
}

/**
 * Binds under another name first: Node takes away the name that it has bound when it closes the socket, also
 * when another process has inherited it. `instead` of whatever has the name.
 * @throws Error with `code`
 */
function bindPipe(path: string, instead = false): net.BoundSocket {
  const name = runtimePath(path);
  const other = `${name}.${process.pid}`;
  // The declarations do not know this option yet.
  const bound = new net.BoundSocket({ path: other } as net.BoundSocketOptions);
  try {
    if (instead) renameSync(other, name);
    else takeName(other, name);
  } catch (error) {
    bound.close();
    throw error;
  }
  openToAll(path);
  return bound;
}

/** As bind() does: whatever has the name already, be it a link that leads nowhere, keeps it. */
function takeName(other: string, name: string): void {
  try {
    linkSync(other, name);
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw isTaken ? Object.assign(new Error("the name is taken"), { code: "EADDRINUSE" }) : error;
  }
  unlinkSync(other);
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
