const words = 1024;
/** Times are kept in parts of a millisecond, as 32 bits count them: 59 hours until they come again. */
const partsPerMs = 10;
/** So much of the pace may be caught up at once. */
const catchUpMs = 50;

/**
 * What threads share that rebalance: when each upstream may lose a tunnel again, and how many tunnels are leaving each
 * peer just now. Two upstreams or peers that share a word are slower than they had to be, and nothing else.
 */
export class RebalanceMemory {
  private readonly dueAt: Int32Array;
  private readonly leavingBySlot: Int32Array;

  /** Bytes of the memory; full of zeros it says nothing. */
  static readonly byteLength = 2 * words * Int32Array.BYTES_PER_ELEMENT;

  constructor(buffer: ArrayBufferLike) {
    this.dueAt = new Int32Array(buffer, 0, words);
    this.leavingBySlot = new Int32Array(buffer, words * Int32Array.BYTES_PER_ELEMENT, words);
  }

  /** One tunnel more of an upstream may move. `nowMs` is of the clock that all threads share. */
  grant(upstream: string, perSecond: number, nowMs: number): boolean {
    const { dueAt } = this;
    const place = placeOf(upstream);
    const now = Math.floor((nowMs * partsPerMs) % 2 ** 32) | 0;
    const step = Math.max(1, Math.round((1000 * partsPerMs) / perSecond));
    for (;;) {
      const due = Atomics.load(dueAt, place);
      const early = (due - now) | 0;
      if (early > 0 && early <= step) return false;
      // What lies further ahead is of another time: the clock was set, or the pace.
      const from = early > 0 ? now : Math.max(early, -catchUpMs * partsPerMs) + now;
      const next = (from + step) | 0;
      if (Atomics.compareExchange(dueAt, place, due, next) === due) return true;
    }
  }

  /** Tunnels that are leaving the peer in this row. */
  leaving(slot: number): number {
    return Atomics.load(this.leavingBySlot, slot % words);
  }

  /** One more tunnel is leaving, or one less. @returns how many are then */
  count(slot: number, change: 1 | -1): number {
    return Atomics.add(this.leavingBySlot, slot % words, change) + change;
  }
}

function placeOf(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index++) hash = (hash * 31 + name.charCodeAt(index)) | 0;
  return (hash >>> 0) % words;
}
