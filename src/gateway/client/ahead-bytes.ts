import type { Client } from "../request/client.ts";
import { UnreadBytes } from "../request/unread-bytes.ts";

/** Bytes that a client may send ahead of the answer it waits for; reading stops there. Many requests, but no body. */
const aheadBytesMax = 16_384;

/** Requests of one client that are begun in one go; then other connections have their turn, a few milliseconds later. */
const turnRequestsMax = 128;

/** Whose client has sent more than is wanted now. */
export interface AheadOwner {
  readonly client: Client;
  /** What the client sends is read as requests. */
  readonly listens: boolean;
  /** Takes what it can of `bytes` and sets the rest aside; tells whether anything was taken. */
  consume(bytes: Buffer, aside: true): boolean;
  /** Nothing waits any more. */
  onAheadTaken(): void;
}

/** What a client has sent behind the head or body that is being read, until it is its turn. */
export class AheadBytes extends UnreadBytes {
  private readonly owner: AheadOwner;
  private working = false;
  /** What waits goes on when others have had their turn. */
  private yielding = false;

  constructor(owner: AheadOwner) {
    super();
    this.owner = owner;
  }

  /** More than these shall not wait. */
  get full(): boolean {
    return this.size > aheadBytesMax;
  }

  /** Works it off, as far as the current request wants it. */
  work(): void {
    if (this.working || this.yielding) return;
    this.working = true;
    const { owner } = this;
    const { client } = owner;
    const turnEnd = client.requests + turnRequestsMax;
    let goesOn = true;
    while (goesOn && client.requests < turnEnd && this.size > 0 && owner.listens)
      goesOn = owner.consume(this.take(), true);
    this.working = false;
    if (!owner.listens) return;
    if (this.size > 0) {
      if (client.requests >= turnEnd) this.yieldTurn();
      return;
    }
    this.clear();
    owner.onAheadTaken();
  }

  /** The same when what goes on now is over. */
  workSoon(): void {
    if (!this.working) this.owner.client.gateway.network.clock.soon(() => this.work());
  }

  private yieldTurn(): void {
    this.yielding = true;
    this.owner.client.gateway.network.clock.timer(0, () => {
      this.yielding = false;
      this.work();
    });
  }
}
