import type { HeadFailure } from "../http/head-failure.ts";
import type { Http2Failure } from "./error-code.ts";
import type { Http2RequestHead } from "./request-head.ts";
import type { PeerSettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";

/** What a session tells its owner. */
export interface Http2SessionEvents {
  /** Server: a request; `ended` when it has no body. The stream's owner is to be set in the call. */
  onRequest(stream: Http2Stream, head: Http2RequestHead, ended: boolean): void;
  /**
   * Server: a request that is not to be served. It may be answered with the failure's status, or reset; what still comes
   * of it is thrown away. `head`: what is known of it, not checked.
   */
  onRefused(stream: Http2Stream, failure: HeadFailure, head: Http2RequestHead): void;
  /** The peer's settings, and each time that they change. */
  onSettings(settings: PeerSettings): void;
  /** The peer knows ours. Whoever wants them known by a deadline sets a timer until then. */
  onSettingsAck(): void;
  /** The answer to `ping(number)`. */
  onPong(number: number): void;
  /** The peer takes no new streams, or none with an id above. */
  onGoAway(lastStreamId: number, code: number): void;
  /** A stream has left the session, after all of its own events. */
  onStreamClosed(stream: Http2Stream): void;
  /** Client: `open` may be worth a try again. */
  onCapacity(): void;
  /** After `drain` or `goAway`: the last stream is gone, and all output is with the sink. */
  onDrained(): void;
  /** There is output, and nothing that would flush it: `flush` is to be called at the turn's end. */
  onOutput(): void;
  /** The connection has to end: GOAWAY is written, every stream's owner knows. The last event. */
  onFailure(failure: Http2Failure): void;
}
