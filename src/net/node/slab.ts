/**
 * Memory for bytes on their way into a node socket.
 *
 * Whoever calls `send` reuses the memory at once, and node keeps a reference to what the kernel has
 * not taken. So bytes are copied into slabs shared by all sockets of the thread, and their room is used
 * again: the steady state is free of allocation, which for such large buffers would mean a full
 * collection every few megabytes.
 */
import type { Writable } from "node:stream";

/** Two full reads; small enough that a slow reader pins little. */
const slabBytes = 128 * 1024;

/** From here on a callback that tells when the room is free again costs less than new room. */
const largeBytes = 4 * 1024;

/** Slabs kept for the next burst, 2 MiB. */
const spareSlabsMax = 16;

let slab = Buffer.allocUnsafeSlow(slabBytes);
let used = 0;

/** A slab that knows which of its bytes are still needed. */
class CountedSlab {
  readonly bytes = Buffer.allocUnsafeSlow(slabBytes);
  used = 0;
  private underWay = 0;
  private spoiled = false;

  write(socket: Writable, bytes: Buffer): void {
    this.bytes.set(bytes, this.used);
    const start = this.used;
    this.used += bytes.length;
    this.underWay += 1;
    socket.write(this.bytes.subarray(start, this.used), this.written);
  }

  /** After an error nobody knows who still reads the bytes: the collector does. */
  private readonly written = (error?: Error | null): void => {
    this.underWay -= 1;
    if (error !== undefined && error !== null) this.spoiled = true;
    if (this.underWay > 0) return;
    if (!this.spoiled) this.used = 0;
    if (this !== current && !this.spoiled && spare.length < spareSlabsMax) spare.push(this);
  };
}

const spare: CountedSlab[] = [];
let current = new CountedSlab();

/** Writes a copy of `bytes`; the caller may reuse them on return. */
export function writeCopy(socket: Writable, bytes: Buffer): void {
  const count = bytes.length;
  if (count >= largeBytes) {
    writeLargeCopy(socket, bytes);
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

function writeLargeCopy(socket: Writable, bytes: Buffer): void {
  const count = bytes.length;
  if (count > slabBytes) {
    socket.write(Buffer.from(bytes));
    return;
  }
  if (current.used + count > slabBytes) current = spare.pop() ?? new CountedSlab();
  current.write(socket, bytes);
}
