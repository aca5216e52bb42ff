import type { PeerKeeper, PeerOutcome, Selection, ServeTimes } from "../balance/balancer.ts";
import type { Peer } from "../balance/peer.ts";

/** A search for a peer that begins with the one to which the session is bound. */
export class StickySelection implements Selection {
  /** The peer that was tried last. */
  peer: Peer | null = null;
  private readonly inner: Selection;
  private readonly onServed: ((peer: Peer) => void) | null;
  private readonly route: string | null;

  /** `route`: of the session's peer, null for a session without one. `onServed`: a peer has served. */
  constructor(inner: Selection, route: string | null, onServed: ((peer: Peer) => void) | null = null) {
    this.inner = inner;
    this.route = route;
    this.onServed = onServed;
  }

  get tries(): number {
    return this.inner.tries;
  }

  set tries(count: number) {
    this.inner.tries = count;
  }

  get keeper(): PeerKeeper {
    return this.inner.keeper;
  }

  avoid(names: ReadonlySet<string>): void {
    this.inner.avoid(names);
  }

  next(): Peer | null {
    const bound = this.route === null ? null : this.inner.takeBound(this.route);
    const peer = bound ?? this.inner.next();
    if (peer !== null) this.peer = peer;
    return peer;
  }

  takeBound(route: string): Peer | null {
    return this.inner.takeBound(route);
  }

  answered(peer: Peer, times: ServeTimes): void {
    this.inner.answered?.(peer, times);
  }

  release(peer: Peer, outcome: PeerOutcome, times?: ServeTimes): boolean {
    if (outcome === "ok") this.onServed?.(peer);
    return this.inner.release(peer, outcome, times);
  }
}
