import { Fields } from "../http/fields.ts";
import type { HeadFailure } from "../http/head-failure.ts";
import type { Http2Failure } from "./error-code.ts";
import type { Http2RequestHead } from "./request-head.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Http2SessionEvents } from "./session-events.ts";
import type { Http2Stream } from "./stream.ts";
import type { Http2StreamOwner, ResetBy } from "./stream-owner.ts";

/** Sends what is put into it as the windows allow, and ends the stream, with trailers or without. */
export class Sender {
  readonly stream: Http2Stream;
  private queue: Buffer[] = [];
  private ending: Fields | true | null = null;
  /** Told when a piece has been taken whole. */
  onTaken: (bytes: number) => void = () => {};

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  push(bytes: Buffer): void {
    this.queue.push(Buffer.from(bytes));
    this.pump();
  }

  end(trailers: Fields | null): void {
    this.ending = trailers ?? true;
    this.pump();
  }

  pump(): void {
    while (this.queue.length > 0) {
      const [piece] = this.queue as [Buffer];
      const taken = this.stream.sendData(piece, 0, piece.length, false);
      this.onTaken(taken);
      if (taken < piece.length) {
        this.queue[0] = piece.subarray(taken);
        return;
      }
      this.queue.shift();
    }
    if (this.ending === true) this.stream.sendEnd();
    else if (this.ending !== null) this.stream.sendTrailers(this.ending);
    this.ending = null;
  }
}

/** What a server answers to a path. */
export class EchoOwner implements Http2StreamOwner {
  readonly sender: Sender;
  private bytes = 0;

  constructor(stream: Http2Stream) {
    this.sender = new Sender(stream);
    // Only what went back is given back: a client that does not read cannot make us hold more than its window.
    this.sender.onTaken = (taken) => stream.consume(taken);
  }

  onHead(): void {
    throw new Error("a server gets no response");
  }

  onData(_stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.sender.push(bytes.subarray(start, end));
  }

  onTrailers(): void {
    // Told by onEnd.
  }

  onEnd(): void {
    const trailers = new Fields();
    trailers.add("x-bytes", String(this.bytes));
    this.sender.end(trailers);
  }

  onReset(): void {
    // Nothing is held.
  }

  onWritable(): void {
    this.sender.pump();
  }
}

/** A server for tests: `/bytes/N` sends N bytes, `/early` a 103 first; everything else is an echo. */
export class EchoServer implements Http2SessionEvents {
  failure: Http2Failure | null = null;
  requests = 0;
  /** Calls `flush` at the turn's end. */
  onOutput: () => void = () => {};
  onEnded: () => void = () => {};

  onRequest(stream: Http2Stream, head: Http2RequestHead, ended: boolean): void {
    this.requests++;
    const owner = new EchoOwner(stream);
    stream.owner = owner;
    const fields = new Fields();
    fields.add("x-uri", head.uri);
    const bytes = /^\/bytes\/(\d+)$/.exec(head.uri);
    if (head.uri === "/early") {
      const hints = new Fields();
      hints.add("link", "</style.css>; rel=preload");
      stream.sendHead(103, hints, false);
    }
    stream.sendHead(200, fields, ended && bytes === null);
    if (bytes === null) return;
    owner.sender.push(Buffer.alloc(Number(bytes[1]), "x"));
    owner.sender.end(null);
  }

  onRefused(stream: Http2Stream, failure: HeadFailure): void {
    stream.sendHead(failure.status === 494 ? 400 : failure.status, new Fields(), true);
  }

  onFailure(failure: Http2Failure): void {
    this.failure = failure;
    this.onEnded();
  }

  onDrained(): void {
    this.onEnded();
  }

  onSettings(): void {}
  onSettingsAck(): void {}
  onPong(): void {}
  onGoAway(): void {}
  onStreamClosed(): void {}
  onCapacity(): void {}
}

/** A response as a client has got it. */
export interface Answer {
  status: number;
  interim: number[];
  fields: Fields | null;
  body: string;
  trailers: Fields | null;
  /** Code and cause of a reset. */
  reset: readonly [number, ResetBy] | null;
}

/** Gathers a response; consumes data at once, or when it is told to. */
export class AnswerOwner implements Http2StreamOwner {
  readonly answer: Answer = { status: 0, interim: [], fields: null, body: "", trailers: null, reset: null };
  sender: Sender | null = null;
  consumesAtOnce = true;
  onDone: () => void = () => {};

  onHead(_stream: Http2Stream, head: ResponseHead, ended: boolean): void {
    if (head.status < 200) {
      this.answer.interim.push(head.status);
      return;
    }
    this.answer.status = head.status;
    this.answer.fields = head.fields;
    if (ended) this.onDone();
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    this.answer.body += bytes.toString("latin1", start, end);
    if (this.consumesAtOnce) stream.consume(end - start);
  }

  onTrailers(_stream: Http2Stream, fields: Fields): void {
    this.answer.trailers = fields;
  }

  onEnd(): void {
    this.onDone();
  }

  onReset(_stream: Http2Stream, code: number, by: ResetBy): void {
    this.answer.reset = [code, by];
    this.onDone();
  }

  onWritable(): void {
    this.sender?.pump();
  }
}
