import type { Http2Stream } from "./stream.ts";

/** Streams that we reset and still know as such. What was on its way when the reset left comes within a round trip. */
const resetsKnownMax = 128;

/** Gaps in a peer's numbers that we know as such. Clients count without gaps; what is older passes for closed. */
const gapsKnownMax = 16;

/** The open streams of a session, and which ids have been used. */
export class StreamTable {
  private readonly streams = new Map<number, Http2Stream>();
  private resets: Set<number> | null = null;
  /** Pairs of ids, the lowest and the highest of what the peer skipped; null while it has skipped none. */
  private gaps: number[] | null = null;
  /** See `lastPeerId`. */
  private lastOfPeer = 0;
  /** The next id of ours. */
  nextOwnId = 1;

  /** The highest id that the peer has opened. */
  get lastPeerId(): number {
    return this.lastOfPeer;
  }

  get size(): number {
    return this.streams.size;
  }

  /** The open stream with that id; null when there is none: it is idle or closed. */
  get(id: number): Http2Stream | null {
    return this.streams.get(id) ?? null;
  }

  /** Adds a stream, whose id is new. */
  add(stream: Http2Stream): void {
    this.streams.set(stream.id, stream);
  }

  /** Removes a stream; its id stays used. */
  remove(stream: Http2Stream): void {
    this.streams.delete(stream.id);
  }

  /** All of them; they may be removed meanwhile. */
  all(): IterableIterator<Http2Stream> {
    return this.streams.values();
  }

  /** The peer opens a stream, whose id is idle. Those between it and the last are closed by that, unused. */
  takePeerId(id: number): void {
    const skipped = this.lastOfPeer === 0 ? 2 - (id & 1) : this.lastOfPeer + 2;
    this.lastOfPeer = id;
    if (id === skipped) return;
    this.gaps ??= [];
    if (this.gaps.length >= 2 * gapsKnownMax) this.gaps.splice(0, 2);
    this.gaps.push(skipped, id - 2);
  }

  /** The peer went past that id without using it. */
  wasSkipped(id: number): boolean {
    const { gaps } = this;
    if (gaps === null) return false;
    for (let at = 0; at < gaps.length; at += 2) {
      if (gaps[at]! <= id && id <= gaps[at + 1]!) return true;
    }
    return false;
  }

  /** Nobody has used that id yet. */
  isIdle(id: number, isServer: boolean): boolean {
    const isPeers = (id & 1) === (isServer ? 1 : 0);
    if (!isPeers) return isServer || id >= this.nextOwnId;
    return id > this.lastPeerId;
  }

  /** Notes that we have reset that id, for `wasReset`. The oldest is forgotten when there are too many. */
  rememberReset(id: number): void {
    this.resets ??= new Set();
    if (this.resets.size >= resetsKnownMax) this.resets.delete(this.resets.values().next().value!);
    this.resets.add(id);
  }

  /** We reset it not long ago: the peer may not have known when it sent this. */
  wasReset(id: number): boolean {
    return this.resets?.has(id) ?? false;
  }
}
