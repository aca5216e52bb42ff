import type { Http2Stream } from "./stream.ts";

/** Streams that we reset and still know as such. What was on its way when the reset left comes within a round trip. */
const resetsKnownMax = 128;

/** The open streams of a session, and which ids have been used. */
export class StreamTable {
  private readonly streams = new Map<number, Http2Stream>();
  private resets: Set<number> | null = null;
  /** The highest id that the peer has opened. */
  lastPeerId = 0;
  /** The next id of ours. */
  nextOwnId = 1;

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
