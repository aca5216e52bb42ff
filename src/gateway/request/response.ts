import { RegexFailure } from "../../config/regex.ts";
import type { Clock } from "../../net/clock.ts";
import { Fields } from "../../http/fields.ts";
import { wireStatus } from "../../http/status.ts";
import { answerWithErrorPage } from "./error-page.ts";
import { BodyFilters, UnreadableBody } from "./body-filter.ts";
import type { BodyFilterMaker } from "./body-filter.ts";
import type { SendRate } from "./rate-filter.ts";
import type { Request } from "./request.ts";

/**
 * The answer to a request: what the head will say, then the body as it comes.
 *
 * Fields that nginx keeps in a place of their own (Content-Type, Content-Length, Last-Modified) have
 * one here too, because they stand at a fixed place in the head; all others go out in `fields`' order.
 */
export class Response {
  readonly request: Request;
  status = 0;
  /** Status line of an upstream server, passed on as it came ("404 Nothing Here"). */
  statusText: string | null = null;
  fields = new Fields();
  contentType: string | null = null;
  /** Bytes, or -1 when unknown beforehand. */
  contentLength = -1;
  /** Last-Modified of a file, seconds since the epoch; -1 for none. */
  lastModifiedSeconds = -1;
  /** Set when `fields` carries a Server or Date of the upstream server that shall be passed on. */
  ownServer = true;
  ownDate = true;
  /** A Location that begins with "/" gets scheme and host; not one that an upstream server sent so. */
  locationIsOurs = true;
  /** Names a "Trailer"-worthy section after the last chunk. */
  trailers: Fields | null = null;
  /** Trailers may come although the length is known: the last byte of the body may not be the end. */
  trailersMayFollow = false;
  /** Fills in what is only known once the body is complete. */
  beforeTrailers: (() => void) | null = null;
  headSent = false;
  /** The answer consists of a head only (HEAD, 204, 304). */
  headOnly = false;
  /** The writer tells the body's end by chunks. */
  chunked = false;
  complete = false;
  /** It ended before it was whole. */
  aborted = false;
  /** Bytes that went out, head included: `$bytes_sent`. Counted by the writer. */
  bytesSent = 0;
  headBytes = 0;
  /** Bytes per second that `$limit_rate` was given; null leaves it to the directive. */
  limitRate: number | null = null;
  /** The character set that an upstream server asks for (X-Accel-Charset); "" for none. */
  overrideCharset = "";
  /** Called once when the connection can take more after `write` returned false. */
  onDrain: (() => void) | null = null;
  /** A status line of "101" was sent and the connection is a tunnel now. */
  upgraded = false;
  /** Filters may hold bytes back until there are more: `proxy_buffering` and X-Accel-Buffering. */
  mayHoldBack = true;
  /** The body depends on Accept-Encoding: "Vary" says so. */
  variesByEncoding = false;
  private filterMakers: BodyFilterMaker[] | null = null;
  private filters: BodyFilters | null = null;
  private headFiltered = false;
  /** `limit_rate`, as the header filters have found it. */
  private rate: SendRate | null = null;
  private ended = false;
  /** The end is missing, and what there is of the body is on its way. */
  private breaking = false;
  private crashed = false;

  constructor(request: Request) {
    this.request = request;
  }

  get clock(): Clock {
    return this.request.client.gateway.network.clock;
  }

  /** Body bytes as the client counts them: `$body_bytes_sent`. */
  get bodyBytesSent(): number {
    return Math.max(0, this.bytesSent - this.headBytes);
  }

  /** Forgets status and entity, for an error page instead; other fields stay, as in nginx. */
  reset(): void {
    this.status = 0;
    this.statusText = null;
    this.contentType = null;
    this.contentLength = -1;
    this.lastModifiedSeconds = -1;
    this.ownServer = true;
    this.ownDate = true;
    this.locationIsOurs = true;
    this.headOnly = false;
    this.trailersMayFollow = false;
    this.mayHoldBack = true;
    this.unfilter();
  }

  /**
   * Runs the header filters, unless they have run: by themselves when what they leave of the head decides
   * whether it is sent at all.
   */
  filterHead(): void {
    if (this.headFiltered) return;
    const { request } = this;
    const { heartbeat } = request.client.gateway;
    const before = heartbeat.enter(request);
    this.headFiltered = true;
    if (request.errorStatus !== 0) {
      this.status = wireStatus(request.errorStatus);
      this.statusText = null;
    }
    if (request.isHead) this.headOnly = true;
    const ownHead = request.parent === null;
    if (ownHead && this.statusText === null && this.status === 204) this.dropEntity();
    if (this.status === 304 || this.status === 204) this.headOnly = true;
    for (const filter of request.location.headerFilters) filter(request);
    heartbeat.leave(before);
  }

  /** Runs the header filters and makes the head ready; it leaves with the first body bytes or `flush`. */
  prepareHead(): void {
    if (this.headSent) return;
    this.headSent = true;
    this.filterHead();
    const { writer } = this.request;
    writer.begin(this);
    if (this.rate !== null) writer.limitTo(this.rate);
    if (this.filterMakers !== null) this.insertFilters(this.filterMakers);
  }

  /**
   * For header filters: the body is changed on its way. What was known of it is not true any more.
   * Filters are passed in the order in which they were added.
   */
  transformBody(make: BodyFilterMaker): void {
    this.addBodyFilter(make);
    this.contentLength = -1;
    this.fields.remove("accept-ranges");
  }

  /** The same for a filter that passes the body on as it is. */
  addBodyFilter(make: BodyFilterMaker): void {
    this.filterMakers ??= [];
    this.filterMakers.push(make);
  }

  /** For header filters: head and body go out at this rate. */
  limitTo(rate: SendRate): void {
    this.rate = rate;
  }

  /** The same for a filter that all others come after. */
  addFirstBodyFilter(make: BodyFilterMaker): void {
    this.filterMakers ??= [];
    this.filterMakers.unshift(make);
  }

  /** ETag of a body that was changed: still the same document, but other bytes. */
  weakenEtag(): void {
    const etag = this.fields.get("etag");
    if (etag === null || etag.startsWith("W/")) return;
    if (etag.startsWith('"')) this.fields.set("ETag", `W/${etag}`);
    else this.fields.remove("etag");
  }

  /**
   * Sends a piece of the body. The memory may be reused on return.
   * False: stop producing until `onDrain` is called.
   */
  write(bytes: Buffer): boolean {
    if (this.filters === null || this.complete) return this.writeOut(bytes);
    if (bytes.length === 0) return true;
    const { heartbeat } = this.request.client.gateway;
    const before = heartbeat.enter(this.request);
    const goesOn = this.filters.first.write(bytes);
    heartbeat.leave(before);
    return goesOn;
  }

  /** The body is whole: ends the answer and, with it, the request. */
  end(): void {
    if (this.filters === null || this.complete) this.endOut();
    else this.filters.first.end();
  }

  /** What has come together was written: it goes on at once, unless it may be held back for more. */
  passOn(): void {
    if (this.mayHoldBack) this.flush();
    else this.flushBody();
  }

  /** What was written should reach the client now, even if more of it together would be cheaper. */
  flushBody(): void {
    if (this.filters === null) this.flushWire();
    else this.filters.first.flush();
  }

  private flushWire(done?: () => void): void {
    this.flush();
    this.request.writer.flush();
    done?.();
  }

  private writeOut(bytes: Buffer): boolean {
    if (this.headOnly || this.complete || bytes.length === 0) return this.flush();
    return this.request.writer.write(bytes);
  }

  /** Sends what is prepared but not on its way yet. */
  flush(): boolean {
    return this.complete || this.request.writer.sendHead();
  }

  private endOut(): void {
    if (this.complete || this.ended) return;
    this.ended = true;
    if (!this.headOnly) this.beforeTrailers?.();
    this.request.writer.end(true);
  }

  /** Called by the writer: all that was given to it is on its way. */
  written(): void {
    if (this.breaking) return this.abort();
    this.complete = true;
    this.request.writer.finish(this.request);
  }

  /** A whole answer with a body at hand. */
  sendWhole(body: Buffer): void {
    this.contentLength = body.length;
    this.prepareHead();
    this.write(body);
    this.end();
  }

  /** Answers with a redirect to a location that may lack scheme and host. */
  redirect(status: number, location: string): void {
    this.fields.set("Location", location);
    this.fail(status);
  }

  /**
   * Ends the request with a status: the error page of the location when it has one, else the built-in
   * page. Also the way of `return 404` and of redirects. Without an answer for 444, 499 and errors.
   */
  fail(status: number): void {
    const { request } = this;
    if (request.finished) return;
    const { writer, body } = request;
    const gone = !writer.open || (writer.askerEnded && !body.complete);
    if (status < 100 || status === 444 || status === 499 || status === 408 || gone) {
      if (status >= 100 && !this.headSent) this.status = status;
      this.abort();
      return;
    }
    if (this.headSent) return this.breakOff();
    this.unfilter();
    try {
      answerWithErrorPage(request, status);
    } catch (error) {
      this.crash(error);
    }
  }

  /** The answer cannot be completed, but what has come of it reaches the client before the connection is closed. */
  private breakOff(): void {
    if (this.breaking) return;
    this.breaking = true;
    const close = (): void => {
      if (this.complete || this.ended) return;
      this.ended = true;
      this.request.writer.end(false);
    };
    if (this.filters === null) close();
    else this.filters.first.flush(close);
  }

  /** Ends the request by dropping the connection: the answer cannot be completed. */
  abort(): void {
    this.filters?.close();
    this.complete = true;
    this.aborted = true;
    this.request.keepAlive = false;
    this.request.writer.abort(this.request);
  }

  /** As in nginx, an answer whose body turns out to be unreadable is cut off, if it has begun or not. */
  private giveUp(reason: string): void {
    if (this.request.finished) return;
    this.request.log("error", reason);
    this.abort();
  }

  /**
   * A programming error met while serving, logged whole, or a regular expression that could not be matched:
   * answered with 500 if that is still possible.
   */
  crash(error: unknown): void {
    if (error instanceof UnreadableBody) return this.giveUp(error.message);
    if (error instanceof RegexFailure) {
      if (!error.logged) this.request.log("alert", error.message);
    } else {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.request.log("alert", `internal error: ${detail}`);
    }
    if (this.request.finished) return;
    // What failed may fail again while the error page is made: then there is no answer.
    if (this.bytesSent > 0) return this.abort();
    if (this.crashed) {
      this.status = 500;
      return this.abort();
    }
    this.crashed = true;
    this.headSent = false;
    this.chunked = false;
    this.filters?.close();
    this.filters = null;
    this.ended = false;
    this.fail(500);
  }

  /** The client can take more, or is gone: whoever waits for that goes on. */
  takeDrain(): void {
    if (this.filters === null || this.complete) this.resumeSource();
    else this.filters.resume();
  }

  /** Another head comes in the place of the one that was filtered. */
  private unfilter(): void {
    this.headFiltered = false;
    this.filterMakers = null;
    this.rate = null;
    this.request.writer.forget();
  }

  private insertFilters(makers: readonly BodyFilterMaker[]): void {
    if (this.headOnly) return;
    const wire = {
      write: (bytes: Buffer) => this.complete || this.writeOut(bytes),
      flush: (done?: () => void) => this.flushWire(done),
      end: () => this.endOut(),
      fail: (error: Error) => this.crash(error),
    };
    this.filters = new BodyFilters(makers, wire, () => this.resumeSource());
  }

  private resumeSource(): void {
    const resume = this.onDrain;
    this.onDrain = null;
    resume?.();
  }

  private dropEntity(): void {
    this.contentType = null;
    this.contentLength = -1;
    this.lastModifiedSeconds = -1;
  }
}
