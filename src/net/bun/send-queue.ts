import type { BunSocket } from "./api.ts";

/** Small pieces are written together up to this size: one system call instead of many. */
const joinedBytesMax = 64 * 1024;

/** What the kernel did not take of a connection's bytes; never empty. */
export class SendQueue {
  bytes = 0;
  private readonly pieces: Buffer[] = [];

  /** Keeps a copy. */
  add(bytes: Buffer): void {
    this.pieces.push(Buffer.from(bytes));
    this.bytes += bytes.length;
  }

  /** Writes what the kernel takes; true when nothing is left. */
  flush(socket: BunSocket): boolean {
    const { pieces } = this;
    if (pieces.length > 1) joinSmallPieces(pieces);
    while (pieces.length > 0) {
      const piece = pieces[0]!;
      const taken = Math.max(0, socket.write(piece));
      this.bytes -= taken;
      if (taken < piece.length) {
        pieces[0] = piece.subarray(taken);
        return false;
      }
      pieces.shift();
    }
    return true;
  }
}

function joinSmallPieces(pieces: Buffer[]): void {
  let count = 0;
  let bytes = 0;
  for (const piece of pieces) {
    if (bytes + piece.length > joinedBytesMax) break;
    bytes += piece.length;
    count++;
  }
  if (count > 1) pieces.unshift(Buffer.concat(pieces.splice(0, count)));
}
