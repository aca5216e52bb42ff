/** Bytes of a row: a cache line, so that no two threads write to the same one. */
const rowBytes = 64;
const columns = rowBytes / Float64Array.BYTES_PER_ELEMENT;

const accepted = 0;
const requests = 1;
const active = 2;
const reading = 3;
const writing = 4;
const waiting = 5;
const sockets = 6;

/** What `stub_status` tells. */
export interface Counts {
  readonly accepted: number;
  readonly requests: number;
  readonly active: number;
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
  /** Open ones, to clients and to servers; `stub_status` does not tell them. */
  readonly sockets: number;
}

/**
 * Connections and requests of all threads: a row for each, which that thread alone writes, and one number
 * that all draw from.
 */
export class Counters {
  private readonly serials: Uint32Array;
  private readonly rows: Float64Array;
  private readonly own: Float64Array;

  /** Bytes for so many threads. */
  static byteLength(threads: number): number {
    return (threads + 1) * rowBytes;
  }

  /** `row`: the number of the thread. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(Counters.byteLength(1)), row = 0) {
    this.serials = new Uint32Array(buffer, 0, 1);
    this.rows = new Float64Array(buffer, rowBytes);
    this.own = this.rows.subarray(row * columns, (row + 1) * columns);
  }

  /** A number that no other connection of the process has (until there were 2³² of them). */
  nextSerial(): number {
    return (Atomics.add(this.serials, 0, 1) + 1) >>> 0;
  }

  get requests(): number {
    return this.own[requests]!;
  }

  set requests(count: number) {
    this.own[requests] = count;
  }

  /** One more connection was accepted by this thread. */
  countAccepted(): void {
    this.own[accepted]! += 1;
  }

  /** How many connections of clients this thread has now. */
  setActive(count: number): void {
    this.own[active] = count;
  }

  /** Tells the others what this thread's connections do just now. */
  publish(counts: Pick<Counts, "reading" | "writing" | "waiting" | "sockets">): void {
    this.own[reading] = counts.reading;
    this.own[writing] = counts.writing;
    this.own[waiting] = counts.waiting;
    this.own[sockets] = counts.sockets;
  }

  /** Of all threads; what connections do is as of their last `publish`. */
  sum(): Counts {
    const column = (place: number): number => {
      let sum = 0;
      for (let at = place; at < this.rows.length; at += columns) sum += this.rows[at]!;
      return sum;
    };
    return {
      accepted: column(accepted),
      requests: column(requests),
      active: column(active),
      reading: column(reading),
      writing: column(writing),
      waiting: column(waiting),
      sockets: column(sockets),
    };
  }

  /** Takes over the totals of a thread that has ended, whose row is free from then on. */
  inherit(row: number): void {
    const ended = this.rows.subarray(row * columns, (row + 1) * columns);
    this.own[accepted]! += ended[accepted]!;
    this.own[requests]! += ended[requests]!;
    ended.fill(0);
  }
}
