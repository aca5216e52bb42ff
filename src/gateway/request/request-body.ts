import { LengthDecoder, UntilCloseDecoder } from "../../http/body.ts";
import type { BodyDecoder, BodySink } from "../../http/body.ts";
import { ChunkedDecoder } from "../../http/chunked.ts";
import type { BodyFile } from "./body-file.ts";
import type { BodySource } from "./body-source.ts";
import type { Holder } from "./holders.ts";

/** Who reads a request's body. */
export interface BodyConsumer {
  /** Bytes of the body, valid during the call. False: pause until `RequestBody.resume()`. */
  onBody(bytes: Buffer): boolean;
  /** All has been given that came in one piece. False: as above. */
  onBodyPart(): boolean;
  onBodyEnd(): void;
  /** The body cannot be completed: the status to end the request with (400, 408, 413). */
  onBodyFailed(status: number): void;
}

const discarding: BodyConsumer = {
  onBody: () => true,
  onBodyPart: () => true,
  onBodyEnd: () => undefined,
  onBodyFailed: () => undefined,
};

/**
 * The body of a request, read only when somebody wants it: until then it waits in the kernel.
 */
export class RequestBody implements BodySink, Holder {
  /** As announced; -1 for a chunked body, 0 for none. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** All of it has arrived. */
  complete: boolean;
  discarded = false;
  /** Bytes received so far that somebody wanted, without framing. */
  received = 0;
  /** The same with framing, without what nobody wanted: for `$request_length`. */
  wireBytes = 0;
  /** Bytes of it, framing included, that had come when the head was read. */
  arrivedWithHead = 0;
  /** Bytes of memory that hold it. */
  held = 0;
  /** The whole body, once somebody has read it and nginx would have it in memory: `$request_body`. */
  gathered: readonly Buffer[] | null = null;
  /** What came of the body so far, while all of that is in memory. */
  kept: readonly Buffer[] | null = null;
  /** Where it is, or is being put, when it is too large for memory. */
  file: BodyFile | null = null;
  /** See the constructor. */
  private readonly streamed: boolean;
  private readonly source: BodySource;
  private readonly decoder: BodyDecoder | null;
  private consumer: BodyConsumer | null = null;
  private failed = false;
  private expectationDone = false;
  private released = false;
  /** Requests that need what was kept of it: its own, and subrequests. */
  private users = 1;

  /** `streamed`: it comes without framing, and its source tells its end by `endStream`, whatever length was announced. */
  constructor(source: BodySource, contentLength: number, chunked: boolean, streamed = false) {
    this.source = source;
    this.contentLength = chunked ? -1 : contentLength;
    this.chunked = chunked;
    this.streamed = streamed;
    this.complete = !chunked && contentLength === 0;
    if (this.complete) this.decoder = null;
    else if (streamed) this.decoder = new UntilCloseDecoder();
    else this.decoder = chunked ? new ChunkedDecoder() : new LengthDecoder(contentLength);
  }

  get started(): boolean {
    return this.consumer !== null;
  }

  /** Starts reading. Asks the client for the body first when it waits for that ("Expect: 100-continue"). */
  start(consumer: BodyConsumer): void {
    this.consumer = consumer;
    this.answerExpectation();
    if (this.complete) {
      consumer.onBodyEnd();
      return;
    }
    this.source.readBody();
  }

  /** The consumer, which had enough, takes more. */
  resume(): void {
    this.source.resumeBody();
  }

  /** Takes what has come already. */
  readArrived(): void {
    if (this.source.request !== null) this.source.feedArrived(this);
  }

  /**
   * Nobody wants the body: what comes of it is read and forgotten, so that the next request can follow.
   * Returns 400 when what has arrived already is no body, else 0.
   */
  discard(): 0 | 400 {
    if (this.discarded) return 0;
    this.answerExpectation();
    if (this.complete) return 0;
    const failedBefore = this.failed;
    this.discarded = true;
    this.kept = null;
    this.consumer = discarding;
    if (this.source.request !== null) {
      this.source.readBody();
      this.source.feedArrived(this);
    }
    return this.failed && !failedBefore ? 400 : 0;
  }

  /** Takes the body's bytes from `bytes`; returns how many, framing included. */
  feed(bytes: Buffer, start: number, end: number): number {
    const { decoder } = this;
    if (decoder === null || this.failed) return 0;
    // It may be the last that is read before the request is over, and logged.
    if (this.streamed && !this.discarded) this.wireBytes += end - start;
    const consumed = decoder.decode(bytes, start, end, this);
    if (!this.streamed && !this.discarded && decoder.state !== "failed") this.wireBytes += consumed;
    if (decoder.state === "failed") this.fail(400, "client sent invalid chunked body", "error");
    else if (!this.failed) {
      const { consumer } = this;
      if (consumer?.onBodyPart() === false && consumer === this.consumer) this.source.pauseBody();
    }
    if (decoder.state === "done") this.finish();
    return consumed;
  }

  /** The stream that it came by has ended: it is whole. */
  endStream(): void {
    if (!this.complete) this.finish();
  }

  private finish(): void {
    if (this.failed) return;
    this.complete = true;
    this.source.bodyDone();
    this.consumer?.onBodyEnd();
  }

  /** Nobody reads the body any more: lets go of who did. */
  release(): void {
    this.consumer = null;
  }

  /** So much more memory holds it. */
  hold(bytes: number): void {
    this.held += bytes;
    this.source.gateway.bodyBytesHeld += bytes;
  }

  /** What all bodies of this thread hold. */
  get heldByAll(): number {
    return this.source.gateway.bodyBytesHeld;
  }

  /** It is not in memory any more. */
  letGo(): void {
    this.source.gateway.bodyBytesHeld -= this.held;
    this.held = 0;
    this.kept = null;
    this.gathered = null;
  }

  /** A subrequest needs what was kept, too, and calls `leave` when it is over. */
  share(): void {
    this.users += 1;
  }

  /** One request less that needs what was kept; the last one lets go of memory and file. */
  leave(): void {
    this.users -= 1;
    if (this.users > 0) return;
    this.file?.release();
    this.letGo();
  }

  onRequestEnd(): void {
    this.releaseStorage();
  }

  /** The request needs neither memory nor file any more. */
  releaseStorage(): void {
    if (this.released) return;
    this.released = true;
    this.leave();
  }

  /** The body cannot be completed. */
  fail(status: number, reason: string, level: "info" | "error" = "info"): void {
    if (this.failed || this.complete) return;
    this.failed = true;
    const { request } = this.source;
    if (request !== null) {
      request.keepAlive = false;
      request.log(level, reason);
    }
    this.source.bodyDone();
    this.consumer?.onBodyFailed(status);
  }

  /** Called by the decoder for each piece of the body. */
  onBody(bytes: Buffer, start: number, end: number): void {
    if (this.failed || this.discarded) return;
    this.received += end - start;
    const max = this.source.request?.location.core.clientMaxBodySize ?? 0;
    if (this.chunked && max > 0 && this.received > max) {
      const size = end - start;
      const told = this.streamed ? `${this.received}` : `${this.received - size}+${size}`;
      this.fail(413, `client intended to send too large chunked body: ${told} bytes`, "error");
      return;
    }
    const whole = start === 0 && end === bytes.length;
    const { consumer } = this;
    const flowing = consumer!.onBody(whole ? bytes : bytes.subarray(start, end));
    // The consumer may have ended the request, and then the rest is read to be thrown away.
    if (!flowing && consumer === this.consumer) this.source.pauseBody();
  }

  /** Nobody needs to be asked for a body any more: an error is on its way. */
  forgetExpectation(): void {
    this.expectationDone = true;
  }

  private answerExpectation(): void {
    const { request } = this.source;
    if (this.expectationDone || request === null) return;
    this.expectationDone = true;
    if (request.fields.get("expect")?.toLowerCase() !== "100-continue") return;
    request.writer.interim(request, 100, "");
  }
}
