/** Memory that all worker threads see, by name: what the zones of a configuration lie in. */
export interface SharedMemory {
  /**
   * The memory of a zone: that of the configuration before where name and size agree, contents and all;
   * else new and full of zeros. Two calls with one name give the same memory.
   */
  region(name: string, byteLength: number): SharedArrayBuffer;
}

/** The regions of one configuration, made over those of the one before. */
export class SharedRegions implements SharedMemory {
  /** What the configuration has asked for. */
  readonly used = new Map<string, SharedArrayBuffer>();
  private readonly before: ReadonlyMap<string, SharedArrayBuffer>;

  constructor(before: ReadonlyMap<string, SharedArrayBuffer> = new Map()) {
    this.before = before;
  }

  region(name: string, byteLength: number): SharedArrayBuffer {
    const known = this.used.get(name) ?? this.before.get(name);
    const memory = known?.byteLength === byteLength ? known : new SharedArrayBuffer(byteLength);
    this.used.set(name, memory);
    return memory;
  }
}
