/**
 * System calls that Bun's sockets lack, by way of bun:ffi. With them a TLS listener can look at a
 * connection's first byte before the TLS library takes it, and give plain text to a plain socket; and
 * a listening socket can be bound by one thread and used by others.
 */
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";

const solTcp = 6;
const tcpDeferAccept = 9;
const msgPeekDontWait = 0x02 | 0x40;
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const streamSocket = 0o2004001;

interface Ffi {
  dlopen(path: string, symbols: object): { readonly symbols: Symbols };
  ptr(view: NodeJS.ArrayBufferView): number;
  readonly read: { i32(pointer: number, offset: number): number };
}

interface Symbols {
  recv(fd: number, buffer: number, count: number, flags: number): bigint | number;
  dup(fd: number): number;
  close(fd: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, count: number): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: number, count: number): number;
  listen(fd: number, backlog: number): number;
  __errno_location(): number;
}

/** The system calls, by descriptor. One that is not said to throw keeps its failure to itself. */
export class Libc {
  private readonly ffi: Ffi;
  private readonly symbols: Symbols;
  private readonly peeked = new Uint8Array(1);

  constructor(ffi: Ffi, symbols: Symbols) {
    this.ffi = ffi;
    this.symbols = symbols;
  }

  /** The first byte that waits to be read, left where it is; null when there is none. */
  peekByte(fd: number): number | null {
    const count = Number(this.symbols.recv(fd, this.ffi.ptr(this.peeked), 1, msgPeekDontWait));
    return count === 1 ? (this.peeked[0] ?? null) : null;
  }

  /** Another descriptor of the same socket, or null. */
  duplicate(fd: number): number | null {
    const copy = this.symbols.dup(fd);
    return copy < 0 ? null : copy;
  }

  /** Gives the descriptor back. Only for those that Bun does not know of: it closes its own. */
  close(fd: number): void {
    this.symbols.close(fd);
  }

  /** A stream socket of an address family. @throws Error with the system's code. */
  socket(family: number): number {
    return this.checked("socket", this.symbols.socket(family, streamSocket, 0));
  }

  /** `address`: a sockaddr. @throws Error with the system's code. */
  bind(fd: number, address: Uint8Array): void {
    this.checked("bind", this.symbols.bind(fd, this.ffi.ptr(address), address.length));
  }

  /** @throws Error with the system's code. */
  listen(fd: number, backlog: number): void {
    this.checked("listen", this.symbols.listen(fd, backlog));
  }

  /** @throws Error with the system's code. */
  setOption(fd: number, level: number, option: number, value: number): void {
    const bytes = new Int32Array([value]);
    this.checked("setsockopt", this.symbols.setsockopt(fd, level, option, this.ffi.ptr(bytes), 4));
  }

  private checked(call: string, result: number): number {
    if (result >= 0) return result;
    const code = getSystemErrorName(-this.ffi.read.i32(this.symbols.__errno_location(), 0));
    throw Object.assign(new Error(`${call}() failed: ${code}`), { code });
  }

  /** Connections come out of `accept` with their first bytes, or after so many seconds without. */
  deferAccept(fd: number, seconds: number): void {
    const value = new Int32Array([seconds]);
    this.symbols.setsockopt(fd, solTcp, tcpDeferAccept, this.ffi.ptr(value), 4);
  }
}

/** Null where the C library cannot be reached that way (another runtime, system, or C library). */
export function openLibc(): Libc | null {
  if (process.platform !== "linux") return null;
  try {
    const ffi = createRequire(import.meta.url)("bun:ffi") as Ffi;
    const opened = ffi.dlopen("libc.so.6", {
      recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
      dup: { args: ["i32"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
      listen: { args: ["i32", "i32"], returns: "i32" },
      __errno_location: { args: [], returns: "ptr" },
      setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    });
    return new Libc(ffi, opened.symbols);
  } catch {
    return null;
  }
}
