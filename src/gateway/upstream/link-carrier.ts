import type { Clock } from "../../net/clock.ts";
import type { StreamCarrier } from "../tunnel/stream-connection.ts";
import type { Http2Link } from "./http2-link.ts";

/** Who writes a bug of ours to the error log. */
export interface BugReporter {
  reportInternalError(error: unknown): void;
}

/** A connection to a server as its tunnels know it. It holds nothing of their requests, which are over. */
export class LinkCarrier implements StreamCarrier {
  readonly clock: Clock;
  private readonly link: Http2Link;
  private readonly reporter: BugReporter;

  constructor(link: Http2Link, clock: Clock, reporter: BugReporter) {
    this.link = link;
    this.clock = clock;
    this.reporter = reporter;
  }

  get socket(): StreamCarrier["socket"] {
    return this.link.socket;
  }

  get lostBy(): string | null {
    return this.link.lostBy;
  }

  /** Writes a bug of ours to the error log. */
  reportInternalError(error: unknown): void {
    this.reporter.reportInternalError(error);
  }
}
