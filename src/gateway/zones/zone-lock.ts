/** How often the lock is tried before the thread goes to sleep: its holder is done in a microsecond or two. */
const spinsMax = 100;

/** A sleeper looks again after so many milliseconds, should nobody wake it. */
const napMs = 50;

/**
 * A lock that did not change hands for so many naps, five seconds, belongs to a thread that is gone. Naps
 * are counted, not the time: in a process that was stopped for long, everybody gets a turn first.
 */
const napsBeforeDeath = 100;

const stateMask = 3;
const free = 0;
const held = 1;
/** Held, and somebody may sleep for it. */
const wanted = 2;
/** Counts up in the bits above the state each time the lock changes hands. */
const turn = 4;

/**
 * A lock between threads, for moments: nothing that can wait or throw may happen under it.
 *
 * Two words in shared memory: state and turn in one, the holder's number in the other. The turn is part of
 * the word that is compared and exchanged, so a lock that was taken from a thread believed dead cannot be
 * let go by it when it was only slow.
 */
export class ZoneLock {
  private readonly words: Int32Array;
  private readonly at: number;
  private readonly owner: number;
  private readonly napsMax: number;
  /** The word as this thread has set it. */
  private mine = 0;

  /** `owner`: number of this thread. */
  constructor(words: Int32Array, at: number, owner: number, napsMax = napsBeforeDeath) {
    this.words = words;
    this.at = at;
    this.owner = owner;
    this.napsMax = napsMax;
  }

  /** True when the lock was taken from a thread that died with it: what it guards may be half changed. */
  acquire(): boolean {
    const { words, at } = this;
    const word = Atomics.load(words, at);
    const own = next(word, held);
    if ((word & stateMask) === free && Atomics.compareExchange(words, at, word, own) === word) {
      this.mine = own;
      words[at + 1] = this.owner;
      return false;
    }
    return this.acquireSlowly();
  }

  /**
   * Lets the lock go and wakes who sleeps for it. Nothing happens when it was taken from this thread
   * meanwhile.
   */
  release(): void {
    const { words, at, mine } = this;
    const open = mine & ~stateMask;
    if ((mine & stateMask) === held && Atomics.compareExchange(words, at, mine, open) === mine) return;
    const contended = open | wanted;
    if (Atomics.compareExchange(words, at, contended, open) === contended) Atomics.notify(words, at, 1);
  }

  /** Takes the lock from a thread that has ended, if that held it; true as for `acquire`. */
  takeFrom(owner: number): boolean {
    const { words, at } = this;
    const word = Atomics.load(words, at);
    return (word & stateMask) !== free && words[at + 1] === owner && this.exchange(word, wanted);
  }

  private acquireSlowly(): boolean {
    const { words, at } = this;
    for (let spins = 0; spins < spinsMax; spins++) {
      const word = Atomics.load(words, at);
      if ((word & stateMask) === free && this.exchange(word, held)) return false;
    }
    let naps = 0;
    let seen = 0;
    for (;;) {
      let word = Atomics.load(words, at);
      if ((word & stateMask) === free) {
        // Others may be asleep: who takes the lock from here on wakes one of them in the end.
        if (this.exchange(word, wanted)) return false;
        continue;
      }
      if ((word & stateMask) === held) {
        const marked = (word & ~stateMask) | wanted;
        if (Atomics.compareExchange(words, at, word, marked) !== word) continue;
        word = marked;
      }
      naps = word === seen ? naps + 1 : 0;
      seen = word;
      if (naps === this.napsMax && this.exchange(word, wanted)) return true;
      Atomics.wait(words, at, word, napMs);
    }
  }

  private exchange(word: number, state: number): boolean {
    const own = next(word, state);
    if (Atomics.compareExchange(this.words, this.at, word, own) !== word) return false;
    this.mine = own;
    this.words[this.at + 1] = this.owner;
    return true;
  }
}

function next(word: number, state: number): number {
  return ((word & ~stateMask) + turn) | state | 0;
}
