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

/** Writes a body into a file as it comes. Holds what came while it writes: its source is to pause meanwhile. */
export class BodySpool {
  private readonly file: BodyFile;
  private readonly owner: SpoolOwner;
  private pending: Buffer[] = [];
  private writing = false;
  private ended = false;
  private stopped = false;

  constructor(file: BodyFile, owner: SpoolOwner) {
    this.file = file;
    this.owner = owner;
  }

  /** @param bytes stay as they are until they are written */
  add(bytes: Buffer): void {
    this.pending.push(bytes);
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
    this.pending = [];
  }

  private writeOn(): void {
    const { pending } = this;
    if (pending.length === 0) {
      if (this.ended) this.owner.onSpoolEnd();
      else this.owner.onSpoolDrained();
      return;
    }
    this.pending = [];
    this.writing = true;
    this.file.append(pending.length === 1 ? pending[0]! : Buffer.concat(pending), (failure) => {
      this.writing = false;
      if (this.stopped) return;
      if (failure === null) this.writeOn();
      else this.owner.onSpoolFailed(failure);
    });
  }
}
