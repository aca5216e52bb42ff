/**
 * One of several threads does what need be done only once. It says so again and again; when it no longer does,
 * another takes its place.
 */
export class Lease {
  static readonly byteLength = 8;
  /** Owner (0: nobody) and the second until when the lease is his. */
  private readonly words: Int32Array;
  private readonly owner: number;
  private readonly seconds: number;

  /** `thread`: its number, from 0. */
  constructor(memory: SharedArrayBuffer, thread: number, seconds: number) {
    this.words = new Int32Array(memory);
    this.owner = thread + 1;
    this.seconds = seconds;
  }

  /** True when the lease is this thread's, be it from now on; it is prolonged. */
  take(nowMs: number): boolean {
    const { words } = this;
    const now = Math.floor(nowMs / 1000);
    const owner = Atomics.load(words, 0);
    if (owner !== this.owner) {
      if (owner !== 0 && Atomics.load(words, 1) - now > 0) return false;
      if (Atomics.compareExchange(words, 0, owner, this.owner) !== owner) return false;
    }
    Atomics.store(words, 1, now + this.seconds);
    return true;
  }

  /** Lets another thread take it at once. */
  release(): void {
    Atomics.compareExchange(this.words, 0, this.owner, 0);
  }
}
