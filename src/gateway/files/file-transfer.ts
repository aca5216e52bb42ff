import { closeSync, read, readSync } from "node:fs";
import type { ClientWatcher } from "../request/holders.ts";
import type { Request } from "../request/request.ts";

/** A piece of an answer's body: bytes at hand, or `[start, end)` of the file. */
export type BodyPart = { readonly bytes: Buffer } | { readonly start: number; readonly end: number };

/** Read at once, and how much a transfer holds in memory. */
const pieceBytes = 65_536;

/** For files that fit into one piece. Shared: nothing stays in it. */
const scratch = Buffer.allocUnsafeSlow(pieceBytes);

/**
 * Sends parts of a file as the body of an answer whose head is prepared, ends the answer, and closes the
 * descriptor. A small file goes out at once; a large one is read on as the client takes it.
 */
export function sendFile(request: Request, descriptor: number, parts: readonly BodyPart[]): void {
  const [only] = parts;
  if (parts.length !== 1 || only === undefined || "bytes" in only || only.end - only.start > pieceBytes) {
    new FileTransfer(request, descriptor, parts).next();
    return;
  }
  const size = only.end - only.start;
  let count: number;
  try {
    count = readWhole(descriptor, size, only.start);
  } finally {
    closeSync(descriptor);
  }
  if (count < size) return shortRead(request);
  request.response.write(scratch.subarray(0, size));
  request.response.end();
}

/** How many of the bytes there were. @throws Error of the system's */
function readWhole(descriptor: number, size: number, start: number): number {
  let count = 0;
  while (count < size) {
    const taken = readSync(descriptor, scratch, count, size - count, start + count);
    if (taken === 0) return count;
    count += taken;
  }
  return count;
}

/** The file became shorter since its length was told: the answer cannot be completed. */
function shortRead(request: Request): void {
  request.log("alert", "pread() read too few bytes: the file was truncated");
  request.response.abort();
}

class FileTransfer implements ClientWatcher {
  private readonly request: Request;
  private readonly descriptor: number;
  private readonly parts: readonly BodyPart[];
  private readonly piece = Buffer.allocUnsafe(pieceBytes);
  private index = 0;
  private position = 0;
  private reading = false;
  private over = false;

  constructor(request: Request, descriptor: number, parts: readonly BodyPart[]) {
    this.request = request;
    this.descriptor = descriptor;
    this.parts = parts;
    this.enterPart();
    request.watch(this);
  }

  onClientGone(): void {
    const { request } = this;
    if (request.writer.askerEnded) {
      request.log("info", "client prematurely closed connection while sending response to client");
    }
    this.finish();
    request.response.abort();
  }

  onRequestEnd(): void {
    this.finish();
  }

  /** Goes on with the next piece. */
  next(): void {
    if (this.over) return;
    const part = this.parts[this.index];
    if (part === undefined) {
      this.finish();
      this.request.response.end();
      return;
    }
    if ("bytes" in part) this.give(part.bytes);
    else this.readPiece(Math.min(pieceBytes, part.end - this.position));
  }

  private readPiece(count: number): void {
    this.reading = true;
    read(this.descriptor, this.piece, 0, count, this.position, (error, taken) => {
      this.reading = false;
      if (this.over) return closeSync(this.descriptor);
      try {
        this.onRead(error, taken);
      } catch (failure) {
        this.finish();
        this.request.response.crash(failure);
      }
    });
  }

  private onRead(error: Error | null, taken: number): void {
    if (error === null && taken > 0) {
      this.position += taken;
      this.give(this.piece.subarray(0, taken));
      return;
    }
    this.finish();
    if (error === null) return shortRead(this.request);
    this.request.log("crit", `pread() failed: ${error.message}`);
    this.request.response.abort();
  }

  /** Sends a piece, then goes on as soon as the client can take more. */
  private give(bytes: Buffer): void {
    const part = this.parts[this.index]!;
    if ("bytes" in part || this.position >= part.end) {
      this.index += 1;
      this.enterPart();
    }
    const { response } = this.request;
    if (response.write(bytes)) this.next();
    else response.onDrain = () => this.next();
  }

  private enterPart(): void {
    const part = this.parts[this.index];
    if (part !== undefined && "start" in part) this.position = part.start;
  }

  /** Closes the descriptor, but not under a read that is on its way. */
  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.request.unwatch(this);
    if (!this.reading) closeSync(this.descriptor);
  }
}
