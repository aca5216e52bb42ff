/** An upstream server's side of a connection in a simulation, by HTTP/2. */
import { Fields } from "../http/fields.ts";
import { http2Options } from "../http2/options.ts";
import type { Http2Options } from "../http2/options.ts";
import type { Http2RequestHead } from "../http2/request-head.ts";
import type { Http2SessionEvents } from "../http2/session-events.ts";
import { Http2Session } from "../http2/session.ts";
import type { Http2StreamOwner, ResetBy } from "../http2/stream-owner.ts";
import type { Http2Stream } from "../http2/stream.ts";
import type { Clock } from "../net/clock.ts";
import type { Wire } from "./wire.fixture.ts";

/** A request as the server has it. */
export class OriginRequest implements Http2StreamOwner {
  readonly stream: Http2Stream;
  readonly head: Http2RequestHead;
  readonly origin: Http2Origin;
  body = Buffer.alloc(0);
  ended: boolean;
  trailers: Fields | null = null;
  /** Code of the gateway's RST_STREAM. */
  resetCode: number | null = null;
  /** Data are not taken, so that the window closes. */
  reads = true;
  private rest: Buffer | null = null;
  private restTrailers: Fields | null = null;
  private isTunnel = false;

  constructor(origin: Http2Origin, stream: Http2Stream, head: Http2RequestHead, ended: boolean) {
    this.origin = origin;
    this.stream = stream;
    this.head = head;
    this.ended = ended;
  }

  /** Sends head, body and trailers as the windows allow. */
  answer(
    status: number,
    fields: Readonly<Record<string, string>>,
    body: Buffer | string = "",
    trailers: Readonly<Record<string, string>> | null = null,
  ): void {
    const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
    this.stream.sendHead(status, fieldsOf(fields), bytes.length === 0 && trailers === null);
    this.restTrailers = trailers === null ? null : fieldsOf(trailers);
    this.rest = bytes;
    if (bytes.length > 0 || trailers !== null) this.onWritable();
    this.origin.session.flush();
  }

  /** Sends bytes of a tunnel as the windows allow; it stays open. */
  send(bytes: Buffer): void {
    this.isTunnel = true;
    this.rest = bytes;
    this.onWritable();
    this.origin.session.flush();
  }

  onHead(): void {}

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    this.body = Buffer.concat([this.body, bytes.subarray(start, end)]);
    if (this.reads) stream.consume(end - start);
    this.origin.onBody(this);
  }

  onTrailers(_stream: Http2Stream, fields: Fields): void {
    this.trailers = fields;
  }

  onEnd(): void {
    this.ended = true;
    this.origin.onWhole(this);
  }

  onReset(_stream: Http2Stream, code: number, by: ResetBy): void {
    if (by === "peer") this.resetCode = code;
  }

  onWritable(): void {
    const { rest, restTrailers, stream } = this;
    if (rest === null) return;
    const taken = stream.sendData(rest, 0, rest.length, restTrailers === null && !this.isTunnel);
    this.rest = taken < rest.length ? rest.subarray(taken) : null;
    if (this.rest === null && restTrailers !== null) stream.sendTrailers(restTrailers);
  }
}

/** Serves HTTP/2 on a wire. */
export class Http2Origin implements Http2SessionEvents {
  readonly session: Http2Session;
  readonly requests: OriginRequest[] = [];
  /** Called with each head. */
  onAsked: (request: OriginRequest) => void = () => {};
  /** Called with each request that has come whole. */
  onWhole: (request: OriginRequest) => void = () => {};
  /** Called with each piece of a body. */
  onBody: (request: OriginRequest) => void = () => {};
  private readonly clock: Clock;

  constructor(wire: Wire, clock: Clock, options: Partial<Http2Options> = {}) {
    this.clock = clock;
    const sink = {
      write: (bytes: Buffer): boolean => {
        wire.send(Buffer.from(bytes));
        return true;
      },
    };
    this.session = new Http2Session("server", this, sink, { ...http2Options, ...options }, clock);
    wire.onBytes = () => this.session.feed(wire.takeBytes());
    this.session.start();
  }

  onRequest(stream: Http2Stream, head: Http2RequestHead, ended: boolean): void {
    const request = new OriginRequest(this, stream, head, ended);
    stream.owner = request;
    this.requests.push(request);
    this.onAsked(request);
    if (ended) this.onWhole(request);
  }

  onOutput(): void {
    this.clock.soon(() => this.session.flush());
  }

  onRefused(): void {}
  onSettings(): void {}
  onSettingsAck(): void {}
  onPong(): void {}
  onGoAway(): void {}
  onStreamClosed(): void {}
  onCapacity(): void {}
  onDrained(): void {}
  onFailure(): void {}
}

function fieldsOf(record: Readonly<Record<string, string>>): Fields {
  const fields = new Fields();
  for (const [name, value] of Object.entries(record)) fields.add(name, value);
  return fields;
}
