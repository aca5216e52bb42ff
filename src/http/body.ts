/** Message bodies off the wire: by Content-Length, or until the connection closes. Chunked is in `chunked.ts`. */

/** Takes pieces of a body: `[start, end)` of the bytes that came in, valid only during the call. */
export interface BodySink {
  onBody(bytes: Buffer, start: number, end: number): void;
}

/** How far a decoder is; "done" and "failed" are final. */
export type DecoderState = "needMore" | "done" | "failed";

/** Finds the body in a byte stream. */
export interface BodyDecoder {
  readonly state: DecoderState;
  /** What is wrong with the framing; null unless `state` is "failed". */
  readonly failure: string | null;
  /** Bytes of body handed to the sink so far. */
  readonly received: number;
  /** Bytes still to come as far as the framing tells; null when it does not. */
  readonly remaining: number | null;
  /**
   * Reads on in `bytes[start, end)`. Bytes after the body's end are left to the caller.
   * @returns how many bytes were read
   */
  decode(bytes: Buffer, start: number, end: number, sink: BodySink): number;
  /** The stream ended. True when the body is complete by that. */
  end(): boolean;
}

/** A body of known length; with 0 it is done from the start. */
export class LengthDecoder implements BodyDecoder {
  state: DecoderState;
  readonly failure = null;
  received = 0;
  remaining: number;

  constructor(length: number) {
    this.remaining = length;
    this.state = length === 0 ? "done" : "needMore";
  }

  decode(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    const taken = Math.min(end - start, this.remaining);
    if (taken <= 0) return 0;
    this.remaining -= taken;
    this.received += taken;
    if (this.remaining === 0) this.state = "done";
    sink.onBody(bytes, start, start + taken);
    return taken;
  }

  end(): boolean {
    return this.state === "done";
  }
}

/** A body that the end of the connection ends: responses without a length. */
export class UntilCloseDecoder implements BodyDecoder {
  state: DecoderState = "needMore";
  readonly failure = null;
  received = 0;
  readonly remaining = null;

  decode(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    if (this.state !== "needMore" || end <= start) return 0;
    this.received += end - start;
    sink.onBody(bytes, start, end);
    return end - start;
  }

  end(): boolean {
    this.state = "done";
    return true;
  }
}
