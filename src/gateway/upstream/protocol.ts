import type { ResponseHead } from "../../http/response-head.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { Failure } from "../failure/failure.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";
import type { PooledConnection, SharedLink } from "./pooled-connection.ts";
import type { Payload } from "./payload.ts";

/** Where an answer's body goes: the client's answer, a buffer, a file, or several of them. */
export interface AnswerSink {
  /** The answer's head was taken, and its body begins. */
  prepareHead(): void;
  /** The memory may be used again on return. False: stop until `onDrain`. */
  write(bytes: Buffer): boolean;
  /** What has come together was written: it may be held back for more, or not, as the answer wants it. */
  passOn(): void;
  /** The body is whole. */
  end(): void;
  /** Called once when the sink takes more after `write` returned false. */
  onDrain: (() => void) | null;
}

/** Limits of one try, as the directives of its protocol's module set them. */
export interface TrySettings {
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Bytes that an answer's head may have. */
  readonly bufferSize: number;
}

/** What a try has moved, for `$upstream_bytes_…`. */
export interface TryCount {
  bytesSent: number;
  bytesReceived: number;
  bodyBytes: number;
}

/** What becomes of an answer whose head has come: its body is read, both sides go on as a tunnel, or the try is over. */
export type HeadOutcome = "body" | "switched" | "over";

/** On whose behalf a server is asked: knows the request and the other servers, and decides what a failure means. */
export interface TryOwner {
  readonly clock: Clock;
  readonly settings: TrySettings;
  /** The request's body; null where nothing is sent. */
  readonly payload: Payload | null;
  /** Where a connection goes that can serve again; null: it is closed. */
  readonly pool: KeepalivePool | null;
  readonly state: TryCount;
  /** What is being done, for "… while reading response header from upstream" in log lines. */
  activity: string;
  /** Bytes of the request went out on some connection. */
  requestSent: boolean;
  /** A server may answer that both sides speak another protocol from now on. */
  readonly maySwitch: boolean;
  /** An answer's head, but for interim ones. */
  takeHead(head: ResponseHead): HeadOutcome;
  /** Nobody asked for more than the head. */
  readonly wantsHeadOnly: boolean;
  fail(failure: Failure): void;
  /** The server does not take the request in this way, of which it has seen nothing: it is asked in the plan's other. */
  fallBack(): void;
  /** The failure of a time that ran out. */
  timeout(kind: "sendTimedOut" | "readTimedOut"): Failure;
  /** A programming error met on the way. */
  crash(error: unknown): void;
  log(level: "error" | "warn", message: string): void;
  /** The answer was read whole; `reusable` may serve again. */
  complete(reusable: PooledConnection | null): void;
  /** Both sides speak another protocol from now on; `early` came behind the head. */
  switched(connection: Connection, early: Buffer | null): void;
}

/** A request that is put to one server, on a connection that others may use at the same time. */
export interface SharedTry {
  /** Sends the request. */
  start(): void;
  /**
   * Lets go of the connection; nothing that happens on it concerns the owner any more.
   *
   * @param blameless the server did no wrong: the connection may be kept if the answer is over
   */
  drop(blameless: boolean): void;
}

/** A request that is put to one server, on one connection, which belongs to it from `start` on. */
export interface UpstreamTry extends SharedTry, ConnectionOwner {}

/** How a request is put to a server, and what comes back: HTTP/1, HTTP/2, FastCGI, … */
export interface UpstreamProtocol {
  /** One that does not own its connection is for protocols with `share` only. */
  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): UpstreamTry | SharedTry;
  /**
   * Makes of a new connection one that several exchanges use at a time. Absent where each has one to itself.
   *
   * @param pool where others find it; null: it is for one exchange alone
   */
  share?(connection: PooledConnection, pool: KeepalivePool | null): SharedLink;
}
