import type { BodyFilter, BodyOutput } from "../../../gateway/request/body-filter.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { startSubrequest } from "../../../gateway/request/subrequest.ts";

/** Puts the answers of subrequests before and behind a body, which waits meanwhile. */
export class AdditionFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly request: Request;
  private readonly before: string;
  private readonly after: string;
  private readonly next: BodyOutput;
  private state: "new" | "before" | "body" | "after" = "new";
  /** The subrequest under way. */
  private subrequest: Request | null = null;
  private closed = false;
  /** What came of the body before its turn. */
  private held: Buffer | null = null;
  private ended = false;
  /** What the output said last. */
  private flowing = true;
  /** The source was told to stop until `onDrain`. */
  private sourceWaits = false;
  /** Asked for before it was the body's turn. */
  private flushWaits = false;
  private onFlushed: (() => void) | undefined = undefined;

  /** `before` and `after` are URIs; "" for none. */
  constructor(request: Request, before: string, after: string, next: BodyOutput) {
    this.request = request;
    this.before = before;
    this.after = after;
    this.next = next;
  }

  write(bytes: Buffer): boolean {
    if (this.state === "body") return this.next.write(bytes);
    // Copied before anything else runs, which may use the same memory.
    this.held = this.held === null ? Buffer.from(bytes) : Buffer.concat([this.held, bytes]);
    if (this.state === "new") this.begin();
    if (this.passes()) return this.flowing;
    this.sourceWaits = true;
    return false;
  }

  flush(done?: () => void): void {
    this.flushWaits = true;
    this.onFlushed = done;
    if (this.state === "new") this.begin();
    else if (this.state === "body") this.flushBody();
  }

  end(): void {
    this.ended = true;
    if (this.state === "new") this.begin();
    else if (this.state === "body") this.finish();
  }

  fail(error: Error): void {
    this.next.fail(error);
  }

  resume(): void {
    if (this.subrequest !== null) this.subrequest.response.takeDrain();
    else this.onDrain();
  }

  close(): void {
    this.closed = true;
    const { subrequest } = this;
    this.subrequest = null;
    if (subrequest === null || subrequest.finished) return;
    subrequest.tellClientGone("closed");
    if (!subrequest.finished) subrequest.response.abort();
  }

  /** A subrequest may have its answer at once. */
  private passes(): boolean {
    return this.state === "body";
  }

  private begin(): void {
    this.state = "before";
    if (this.before === "") this.passBody();
    else this.add(this.before, () => this.passBody());
  }

  private passBody(): void {
    this.state = "body";
    const { held } = this;
    this.held = null;
    if (held !== null) this.flowing = this.next.write(held);
    if (this.flushWaits) this.flushBody();
    if (this.ended) return this.finish();
    if (!this.sourceWaits) return;
    this.sourceWaits = false;
    if (this.flowing) this.onDrain();
  }

  private flushBody(): void {
    this.flushWaits = false;
    const done = this.onFlushed;
    this.onFlushed = undefined;
    this.next.flush(done);
  }

  private finish(): void {
    this.state = "after";
    if (this.after === "") this.next.end();
    else this.add(this.after, () => this.next.end());
  }

  private add(uri: string, then: () => void): void {
    let over = false;
    const subrequest = startSubrequest(this.request, {
      uri,
      args: null,
      method: "GET",
      withBody: false,
      output: (bytes) => this.closed || this.next.write(bytes),
      onFlush: () => this.closed || this.next.flush(),
      // One that breaks off breaks nothing else off, as in nginx.
      onEnd: () => {
        over = true;
        this.subrequest = null;
        if (!this.closed) then();
      },
    });
    if (subrequest === null) this.request.response.abort();
    else if (!over) this.subrequest = subrequest;
  }
}
