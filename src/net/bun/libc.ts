/**
 * Three system calls that Bun's sockets lack, by way of bun:ffi. With them a TLS listener can look at
 * a connection's first byte before the TLS library takes it, and give plain text to a plain socket.
 */
import { createRequire } from "node:module";

const solTcp = 6;
const tcpDeferAccept = 9;
const msgPeekDontWait = 0x02 | 0x40;

interface Ffi {
  dlopen(path: string, symbols: object): { readonly symbols: Symbols };
  ptr(view: NodeJS.ArrayBufferView): number;
}

interface Symbols {
  recv(fd: number, buffer: number, count: number, flags: number): bigint | number;
  dup(fd: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, count: number): number;
}

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
      setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    });
    return new Libc(ffi, opened.symbols);
  } catch {
    return null;
  }
}
