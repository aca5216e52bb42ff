import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { Http2Link } from "./http2-link.ts";
import type { SettingsWaiter } from "./http2-link.ts";
import { Http2Try } from "./http2-try.ts";
import type { Http2UpstreamRequest } from "./http2-try.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, SharedTry, TryOwner } from "./protocol.ts";

/**
 * An extended CONNECT on a connection by HTTP/2, which must not be sent before the server has announced that it takes one
 * (RFC 8441, section 3). Where it does not, or has gone without a word, the owner falls back to another way.
 */
export class ConnectTry implements SharedTry, SettingsWaiter, DeadlineOwner {
  private readonly owner: TryOwner;
  private readonly link: Http2Link;
  private readonly asking: Http2Try;
  private readonly deadline: Deadline;
  private phase: "waiting" | "asking" | "over" = "waiting";

  /** `connection`: one that an `Http2Link` owns. */
  constructor(
    owner: TryOwner,
    connection: PooledConnection,
    request: Http2UpstreamRequest,
    sink: AnswerSink,
  ) {
    if (!(connection.link instanceof Http2Link)) throw new Error("not a connection by HTTP/2");
    this.owner = owner;
    this.link = connection.link;
    this.asking = new Http2Try(owner, connection, request, sink);
    this.deadline = new Deadline(owner.clock, this);
  }

  /** Sends the request as soon as the server's settings are known. */
  start(): void {
    if (this.link.ready) return this.onServerSettings();
    this.link.awaitSettings(this);
    this.deadline.set(this.owner.settings.readTimeoutMs);
  }

  /** The stream is reset unless it has ended; the connection goes on. */
  drop(): void {
    const { phase } = this;
    this.phase = "over";
    this.deadline.dispose();
    if (phase === "asking") this.asking.drop();
    else if (phase === "waiting") this.link.leave(this);
  }

  onServerSettings(): void {
    this.deadline.dispose();
    try {
      if (!this.link.session.peer.enableConnectProtocol) return this.owner.fallBack();
      this.phase = "asking";
      this.asking.start();
    } catch (error) {
      this.owner.crash(error);
    }
  }

  onServerLost(): void {
    try {
      this.owner.fallBack();
    } catch (error) {
      this.owner.crash(error);
    }
  }

  onDeadline(): void {
    const { owner, link } = this;
    owner.activity = "reading response header from upstream";
    // A server that says nothing would keep those that come after as well.
    link.distrust();
    owner.fail(owner.timeout("readTimedOut"));
  }
}
