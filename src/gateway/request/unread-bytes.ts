/** Bytes that came before their turn: kept in one piece of memory that grows as needed. */
export class UnreadBytes {
  private store: Buffer | null = null;
  private start = 0;
  private end = 0;

  get size(): number {
    return this.end - this.start;
  }

  /** Copies `bytes` behind what waits. */
  add(bytes: Buffer): void {
    const { store, size } = this;
    if (size === 0) {
      // What was taken is done with: its memory serves again.
      this.start = 0;
      this.end = 0;
    }
    if (store === null || this.end + bytes.length > store.length) {
      // Twice what is needed: many small pieces are then not copied again with each of them.
      const larger = Buffer.allocUnsafeSlow(store === null ? bytes.length : 2 * (size + bytes.length));
      store?.copy(larger, 0, this.start, this.end);
      this.store = larger;
      this.start = 0;
      this.end = size;
    }
    this.end += bytes.copy(this.store!, this.end);
  }

  /** Takes all that waits. The memory is good until the next `add`. */
  take(): Buffer {
    const bytes = this.store!.subarray(this.start, this.end);
    this.start = this.end;
    return bytes;
  }

  /** The last `count` bytes of what was taken wait on. */
  putBack(count: number): void {
    this.start = this.end - count;
  }

  /** Lets go of everything. */
  clear(): void {
    this.store = null;
    this.start = 0;
    this.end = 0;
  }
}
