import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Deadline, DeadlineOwner } from "../../net/deadline.ts";
import type { ClientHolder } from "./client.ts";
import type { SendRate } from "./rate-filter.ts";
import type { Request } from "./request.ts";
import type { Response } from "./response.ts";

/** What a tunnel gets of the connection that it takes over. */
export interface HandedOver {
  /** What the client has sent already beyond its request. */
  readonly ahead: Buffer | null;
  readonly deadline: Deadline;
  readonly clientEnded: boolean;
}

/**
 * How an answer reaches who asked for it: over an HTTP/1 connection, as a stream of HTTP/2, or as a part of the
 * answer to another request. A response gives it head, body and end; framing and bytes are its own business.
 *
 * A writer may serve one request after the other. `begin` names the one that the calls after it are about.
 */
export interface AnswerWriter {
  /** Who asked can still be answered. */
  readonly open: boolean;
  /** Who asked will send nothing more. */
  readonly askerEnded: boolean;
  /** The location that serves the request was found: it may decide what becomes of the connection. */
  locationFound(request: Request): void;
  /**
   * An interim answer ahead of the head, to askers that can tell it apart.
   *
   * @param fieldLines with their line ends
   */
  interim(request: Request, status: 100 | 103, fieldLines: string): void;
  /** The head is settled, and may leave at once or with the first bytes of the body. Chooses the framing. */
  begin(response: Response): void;
  /** What is sent goes out at this rate; null: as fast as it can. */
  limitTo(rate: SendRate | null): void;
  /** A piece of the body. The memory may be used again on return. False: stop until `Response.takeDrain`. */
  write(bytes: Buffer): boolean;
  /** A head that has not left yet leaves now. False as in `write`. */
  sendHead(): boolean;
  /** What was written so far should not wait for more, wherever it has come to. */
  flush(): void;
  /** Nothing more follows; `whole` false: although more was promised. `Response.written` is called once all is on its way. */
  end(whole: boolean): void;
  /** Drops a head that has not left: another answer comes in its place. */
  forget(): void;
  /** The way to who asked, as a connection: for the tunnel that `handOver` then gives it to. */
  connect(): Connection;
  /**
   * After a head that switches protocols: who asked, and the timer for it, belong to a tunnel from now on. Its own
   * side of the tunnel gets what comes.
   */
  handOver(tunnel: ClientHolder & DeadlineOwner, side: ConnectionOwner): HandedOver;
  /** The answer is complete, and the request over. */
  finish(request: Request): void;
  /** The answer cannot be completed: who asked must see that. */
  abort(request: Request): void;
}

/** For a request of which only log lines are left to be written: whatever it says reaches nobody. */
export const lostWriter: AnswerWriter = {
  open: false,
  askerEnded: true,
  locationFound: () => undefined,
  interim: () => undefined,
  begin: () => undefined,
  limitTo: () => undefined,
  write: () => true,
  sendHead: () => true,
  flush: () => undefined,
  end: () => undefined,
  forget: () => undefined,
  connect: () => {
    throw new Error("there is no connection to anybody");
  },
  handOver: () => {
    throw new Error("there is no connection to hand over");
  },
  finish: () => undefined,
  abort: () => undefined,
};
