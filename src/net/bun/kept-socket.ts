import { unlinkSync } from "node:fs";
import { parseIp } from "../address.ts";
import type { BindOptions, KeptSocket, SocketKeeper } from "../kept-socket.ts";
import type { Endpoint, SocketHandle } from "../network.ts";
import type { Libc } from "./libc.ts";
import { openToAll } from "../unix-path.ts";

const family = { unix: 1, ipv4: 2, ipv6: 10 } as const;
const solSocket = 1;
const soReuseAddress = 2;
const soReusePort = 15;
const ipProtocolIpv6 = 41;
const ipv6OnlyOption = 26;
/** sizeof(sun_path) */
const unixPathBytesMax = 108;

/**
 * Listening sockets on Bun: bound here through the C library, because Bun itself would accept at once and in
 * this thread; listeners get copies of the descriptor. TCP has a socket for each thread, with
 * SO_REUSEPORT; the threads share the queue of a unix socket.
 */
export class BunSocketKeeper implements SocketKeeper {
  readonly bindsAhead = true;
  private readonly libc: Libc;

  constructor(libc: Libc) {
    this.libc = libc;
  }

  /** A copy of a sibling does where nothing can be bound any more: none is lost with its thread. */
  reserve(): void {}

  forget(): void {}

  crossesThreads(): boolean {
    return true;
  }

  open(options: BindOptions, count: number, siblings: readonly KeptSocket[]): KeptSocket[] {
    const opened: KeptSocket[] = [];
    // A socket of another program that shares its port is not to be joined.
    if (siblings.length === 0 && options.endpoint.kind === "tcp") this.libc.close(this.bind(options, false));
    try {
      while (opened.length < count) opened.push(this.openOne(options, opened[0] ?? siblings[0]));
    } catch (error) {
      for (const socket of opened) socket.close(false);
      throw error;
    }
    return opened;
  }

  adopt({ endpoint }: BindOptions, descriptors: readonly number[]): KeptSocket[] {
    return descriptors.map((fd, index) => {
      return new BunKeptSocket(this.libc, fd, endpoint.kind === "unix" && index === 0 ? endpoint.path : null);
    });
  }

  private openOne(options: BindOptions, sibling: KeptSocket | undefined): KeptSocket {
    const { endpoint, backlog } = options;
    if (endpoint.kind === "unix" && sibling instanceof BunKeptSocket) return sibling.copy();
    const fd = this.bindBeside(options, sibling);
    if (fd instanceof BunKeptSocket) return fd;
    try {
      this.libc.listen(fd, backlog);
      if (endpoint.kind === "unix") openToAll(endpoint.path);
    } catch (error) {
      this.libc.close(fd);
      throw error;
    }
    return new BunKeptSocket(this.libc, fd, endpoint.kind === "unix" ? endpoint.path : null);
  }

  private bindBeside(options: BindOptions, sibling: KeptSocket | undefined): number | BunKeptSocket {
    try {
      return this.bind(options, true);
    } catch (error) {
      const isRefused = error instanceof Error && "code" in error && error.code === "EACCES";
      // A port below 1024, in a process that is root's no more: the two share a queue.
      if (isRefused && sibling instanceof BunKeptSocket) return sibling.copy();
      throw error;
    }
  }

  private bind({ endpoint, ipv6Only }: BindOptions, shared: boolean): number {
    const address = socketAddress(endpoint);
    const fd = this.libc.socket(address[0]!);
    try {
      if (endpoint.kind === "tcp") this.libc.setOption(fd, solSocket, soReuseAddress, 1);
      if (endpoint.kind === "tcp" && shared) this.libc.setOption(fd, solSocket, soReusePort, 1);
      if (address[0] === family.ipv6) {
        this.libc.setOption(fd, ipProtocolIpv6, ipv6OnlyOption, ipv6Only ? 1 : 0);
      }
      this.libc.bind(fd, address);
      return fd;
    } catch (error) {
      this.libc.close(fd);
      throw error;
    }
  }
}

class BunKeptSocket implements KeptSocket {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly path: string | null;

  constructor(libc: Libc, fd: number, path: string | null) {
    this.libc = libc;
    this.fd = fd;
    this.path = path;
  }

  lend(): { handle: SocketHandle; transfer: readonly object[] } {
    return { handle: this.duplicate(), transfer: [] };
  }

  takeBack(): void {}

  shelve(): void {}

  descriptor(): number {
    return this.fd;
  }

  survives(): boolean {
    return true;
  }

  close(leaveFile: boolean): void {
    this.libc.close(this.fd);
    if (this.path === null || leaveFile) return;
    try {
      unlinkSync(Buffer.from(this.path, "latin1"));
    } catch {
      // Somebody else has taken it away.
    }
  }

  /** Another that shares the queue; the file goes with this one. */
  copy(): BunKeptSocket {
    return new BunKeptSocket(this.libc, this.duplicate(), null);
  }

  private duplicate(): number {
    const copy = this.libc.duplicate(this.fd);
    if (copy === null) throw Object.assign(new Error("dup() failed"), { code: "EMFILE" });
    return copy;
  }
}

/** The file descriptor that was lent, for `BunListenOptions.fd`. Only for handles of this adapter. */
export function bunDescriptor(handle: SocketHandle): number {
  return handle as number;
}

/** The endpoint as a sockaddr. @throws Error with `code` */
function socketAddress(endpoint: Endpoint): Uint8Array {
  if (endpoint.kind === "unix") return unixAddress(endpoint.path);
  const ip = parseIp(endpoint.address);
  if (ip === null) throw Object.assign(new Error("not an address"), { code: "EINVAL" });
  // The family in the machine's order, the port in the network's, then (IPv6) the flow.
  const bytes = new Uint8Array(ip.length === 4 ? 16 : 28);
  bytes[0] = ip.length === 4 ? family.ipv4 : family.ipv6;
  bytes[2] = endpoint.port >> 8;
  bytes[3] = endpoint.port & 255;
  bytes.set(ip, ip.length === 4 ? 4 : 8);
  return bytes;
}

function unixAddress(path: string): Uint8Array {
  const name = Buffer.from(path, "latin1");
  if (name.length >= unixPathBytesMax) {
    throw Object.assign(new Error("the path is too long"), { code: "ENAMETOOLONG" });
  }
  const bytes = new Uint8Array(2 + name.length + 1);
  bytes[0] = family.unix;
  bytes.set(name, 2);
  return bytes;
}
