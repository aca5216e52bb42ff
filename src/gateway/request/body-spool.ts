import type { BodyFile } from "./body-file.ts";

/** Who puts a body into a file. */
export interface SpoolOwner {
  /** What was added is written: more may come. */
  onSpoolDrained(): void;
  /** All of the body is written. */
  onSpoolEnd(): void;
  /** @param failure what the error log is to say */
  onSpoolFailed(failure: string): void;
}

/** Written at once. As much as Node reads at once. */
const pieceBytes = 65_536;
/** Pieces of memory that are kept for the next bytes: a rush of uploads would leave all it was to the collector. */
const sparesMax = 16;
const spares: Buffer[] = [];

/** Memory, and how much of it is filled. */
interface Piece {
  readonly memory: Buffer;
  size: number;
}

/** Writes a body into a file as it comes. Holds what came while it writes: its source is to pause meanwhile. */
export class BodySpool {
  private readonly file: BodyFile;
  private readonly owner: SpoolOwner;
  private readonly pending: Piece[] = [];
  private writing = false;
  private ended = false;
  private stopped = false;

  constructor(file: BodyFile, owner: SpoolOwner) {
    this.file = file;
    this.owner = owner;
  }

  /** @param bytes are copied */
  add(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      let piece = this.pending.at(-1);
      if (piece === undefined || piece.size === pieceBytes) {
        piece = { memory: spares.pop() ?? Buffer.allocUnsafeSlow(pieceBytes), size: 0 };
        this.pending.push(piece);
      }
      const count = bytes.copy(piece.memory, piece.size, from);
      piece.size += count;
      from += count;
    }
    if (!this.writing) this.writeOn();
  }

  /** Nothing more comes. */
  end(): void {
    this.ended = true;
    if (!this.writing) this.writeOn();
  }

  /** The body is not wanted any more; the owner hears nothing from now on. */
  stop(): void {
    this.stopped = true;
    for (const piece of this.pending.splice(0)) spare(piece);
  }

  private writeOn(): void {
    const piece = this.pending.shift();
    if (piece === undefined) {
      if (this.ended) this.owner.onSpoolEnd();
      else this.owner.onSpoolDrained();
      return;
    }
    this.writing = true;
    this.file.append(piece.memory.subarray(0, piece.size), (failure) => {
      this.writing = false;
      spare(piece);
      if (this.stopped) return;
      if (failure === null) this.writeOn();
      else this.owner.onSpoolFailed(failure);
    });
  }
}

function spare({ memory }: Piece): void {
  if (spares.length < sparesMax) spares.push(memory);
}
