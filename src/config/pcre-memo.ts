/** A memo may hold 4 MiB: 128 places of a pattern over a subject of 256 KiB. Beyond there is none. */
const memoWordsMax = 1 << 20;

/** Places of a pattern, each with a position in the subject, that a match has been at. */
export class PlaceMemo {
  /** A bit for each; kept from match to match. */
  private words: Uint32Array = new Uint32Array(0);
  private positions = 0;

  /** Knows none any more. False where they would be too many to remember. */
  begin(places: number, subjectLength: number): boolean {
    this.positions = subjectLength + 1;
    const needed = ((places * this.positions) >>> 5) + 1;
    if (needed > memoWordsMax) return false;
    if (this.words.length < needed) this.words = new Uint32Array(needed);
    else this.words.fill(0, 0, needed);
    return true;
  }

  /** False when the match has been there before. */
  enter(place: number, position: number): boolean {
    const { words } = this;
    const bit = place * this.positions + position;
    const mask = 1 << (bit & 31);
    const word = words[bit >>> 5]!;
    if ((word & mask) !== 0) return false;
    words[bit >>> 5] = word | mask;
    return true;
  }
}
