import { ResponseHeadReader } from "../../http/response-head.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";

/** Where a connection waits that nobody uses. */
interface RestingPlace {
  /** Something has happened on it: it is of no use any more. */
  drop(pooled: PooledConnection): void;
}

/** What several exchanges have in common that use one connection at a time: it owns that connection. */
export interface SharedLink extends ConnectionOwner {
  /** One more exchange can begin now. */
  readonly hasRoom: boolean;
  /** Told once, when it is known how many exchanges the server takes at a time. */
  onReady: (() => void) | null;
  /** Told once, when the connection is gone. `code` as in `ConnectionOwner.onClose`. */
  onLost: ((code: string | null) => void) | null;
}

/**
 * A connection to an upstream server, with what its reuse depends on and what one request after the
 * other needs: they are made once per connection.
 */
export class PooledConnection implements ConnectionOwner, DeadlineOwner {
  readonly connection: Connection;
  readonly key: string;
  readonly openedMs: number;
  /** For reading while a request runs, for idling in between. */
  readonly deadline: Deadline;
  requests = 0;
  /** Of a connection that several exchanges use at a time; else null. */
  link: SharedLink | null = null;
  private reader: ResponseHeadReader | null = null;
  private readerBytes = 0;
  private pool: RestingPlace | null = null;

  constructor(connection: Connection, key: string, clock: Clock, user: DeadlineOwner) {
    this.connection = connection;
    this.key = key;
    this.openedMs = clock.now();
    this.deadline = new Deadline(clock, user);
  }

  /** The reader for the next answer's head, which may have `bytesMax`. */
  readerFor(bytesMax: number): ResponseHeadReader {
    const { reader } = this;
    if (reader !== null && this.readerBytes === bytesMax) {
      reader.reset();
      return reader;
    }
    this.reader = new ResponseHeadReader(bytesMax);
    this.readerBytes = bytesMax;
    return this.reader;
  }

  /** Closes it for good: it is in no pool. */
  close(): void {
    this.deadline.dispose();
    this.connection.close();
  }

  /**
   * Waits in a pool. While nobody uses it, it is its own owner, and any event is a reason to close it. A shared one
   * keeps its owner.
   */
  rest(pool: RestingPlace, idleTimeoutMs: number): void {
    this.pool = pool;
    if (this.link === null) this.connection.owner = this;
    this.deadline.owner = this;
    this.deadline.set(idleTimeoutMs);
    this.connection.resume();
  }

  onDeadline(): void {
    this.pool?.drop(this);
  }

  onData(): void {
    this.pool?.drop(this);
  }

  onEnd(): void {
    this.pool?.drop(this);
  }

  onDrain(): void {}

  onClose(): void {
    this.pool?.drop(this);
  }
}
