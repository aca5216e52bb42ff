/**
 * Memory for bytes on their way into a node socket.
 *
 * Whoever calls `send` reuses the memory at once, and node keeps a reference to what the kernel has
 * not taken. So bytes are copied into a slab shared by all sockets of the thread; room is given up
 * only when something was left over, which keeps the steady state free of allocation.
 */
import type { Writable } from "node:stream";

/** Two full reads; small enough that a slow reader pins little. */
const slabBytes = 128 * 1024;

let slab = Buffer.allocUnsafeSlow(slabBytes);
let used = 0;

/** Writes a copy of `bytes`; the caller may reuse them on return. */
export function writeCopy(socket: Writable, bytes: Buffer): void {
  const count = bytes.length;
  if (count > slabBytes) {
    socket.write(Buffer.from(bytes));
    return;
  }
  if (used + count > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    used = 0;
  }
  slab.set(bytes, used);
  const start = used;
  // Claimed before the write: a callback inside it may send on another socket.
  used += count;
  socket.write(slab.subarray(start, start + count));
  if (socket.writableLength === 0 && used === start + count) used = start;
}
