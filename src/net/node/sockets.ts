/**
 * How plain sockets are read.
 *
 * On Node a socket reads into one buffer shared by the whole thread ("onread"), which saves an
 * allocation and a trip through the stream machinery per chunk. Accepted sockets have no public
 * option for it, so their handle is moved to a socket that has. On Bun each chunk is fresh memory
 * anyway, and plain "data" events are as fast.
 */
import net from "node:net";
import { beginEvent, endEvent } from "./clock.ts";
import { runsOnBun } from "./runtime.ts";
import { connectionOf } from "./connection.ts";

/** The kernel rarely has more ready at once, and larger reads bring nothing. */
const readBytes = 64 * 1024;

const readBuffer = Buffer.allocUnsafeSlow(readBytes);

/** True when plain sockets get their bytes by `onread` rather than by "data". */
export const readsIntoSharedBuffer = !runsOnBun;

/** The `onread` option of all plain sockets. Node calls the callback as a method of the socket. */
export const sharedOnread: net.OnReadOpts = {
  buffer: readBuffer,
  callback(this: unknown, count: number, buffer: Uint8Array): boolean {
    beginEvent();
    try {
      connectionOf(this as net.Socket)?.receive((buffer as Buffer).subarray(0, count));
    } finally {
      endEvent();
    }
    return true;
  },
};

/** Node's private face of a socket: the handle that can be moved. */
interface HandleHolder {
  _handle: object | null;
}

/** Moves an accepted, not yet reading socket's handle to a socket that reads by `onread`. */
export function withOnread(accepted: net.Socket): net.Socket | null {
  const holder = accepted as unknown as HandleHolder;
  const handle = holder._handle;
  if (handle === null || handle === undefined) return null;
  holder._handle = null;
  accepted.destroy();
  const options = { handle, allowHalfOpen: true, onread: sharedOnread };
  return new net.Socket(options as net.SocketConstructorOpts);
}
