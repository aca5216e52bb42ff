import type { Fields } from "../../http/fields.ts";
import type { HeadFailure } from "../../http/head-failure.ts";
import { HTTP2_PREFACE } from "../../http/preface.ts";
import { errorCodeName } from "../error-code.ts";
import type { Http2Failure } from "../error-code.ts";
import { http2Options } from "../options.ts";
import type { Http2Options } from "../options.ts";
import type { Http2RequestHead } from "../request-head.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { Http2Session } from "../session.ts";
import type { Http2SessionEvents } from "../session-events.ts";
import type { Http2Stream } from "../stream.ts";
import type { Http2StreamOwner, ResetBy } from "../stream-owner.ts";
import { frameBytes, frameTexts } from "./frame-text.ts";

/** Writes down a session's events as lines; pieces of data that follow each other become one. */
export class EventLog implements Http2SessionEvents, Http2StreamOwner {
  readonly events: string[] = [];
  readonly streams = new Map<number, Http2Stream>();
  /** Data are consumed as they come. */
  consumes = true;
  /** What else is to be done when something happens. */
  acts: (event: string, stream: Http2Stream | null) => void = () => {};
  private data: [id: number, hex: string] | null = null;
  readonly heads: Http2RequestHead[] = [];

  /** Writes an event down, after data that came before, and calls `acts`. `stream` null: it is of no stream. */
  add(event: string, stream: Http2Stream | null = null): void {
    this.flushData();
    this.events.push(event);
    this.acts(event, stream);
  }

  /** Writes down the data gathered so far as one event: `data`, the stream's id, and hex. */
  flushData(): void {
    if (this.data === null) return;
    const [id, hex] = this.data;
    this.data = null;
    this.events.push(`data ${id} ${hex}`);
  }

  onRequest(stream: Http2Stream, head: Http2RequestHead, ended: boolean): void {
    stream.owner = this;
    this.streams.set(stream.id, stream);
    this.heads.push(head);
    this.add(`request ${stream.id} ${head.method} ${head.requestUri}${ended ? " end" : ""}`, stream);
  }

  onRefused(stream: Http2Stream, failure: HeadFailure): void {
    stream.owner = this;
    this.streams.set(stream.id, stream);
    this.add(`refused ${stream.id} ${failure.status} ${failure.reason}`, stream);
  }

  onHead(stream: Http2Stream, head: ResponseHead, ended: boolean): void {
    const fields = head.fields.names.map((name, i) => ` ${name}=${head.fields.valueAt(i)}`).join("");
    this.add(`head ${stream.id} ${head.status}${fields}${ended ? " end" : ""}`, stream);
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    if (this.data !== null && this.data[0] !== stream.id) this.flushData();
    this.data ??= [stream.id, ""];
    this.data[1] += bytes.toString("hex", start, end);
    if (this.consumes) stream.consume(end - start);
  }

  onTrailers(stream: Http2Stream, fields: Fields): void {
    this.add(
      `trailers ${stream.id} ${fields.names.map((name, i) => `${name}=${fields.valueAt(i)}`).join(" ")}`,
      stream,
    );
  }

  onEnd(stream: Http2Stream): void {
    this.add(`end ${stream.id}`, stream);
  }

  onReset(stream: Http2Stream, code: number, by: ResetBy): void {
    this.add(`reset ${stream.id} ${errorCodeName(code)} by ${by}`, stream);
  }

  onWritable(stream: Http2Stream): void {
    this.add(`writable ${stream.id}`, stream);
  }

  onSettings(): void {
    this.add("settings");
  }

  onSettingsAck(): void {
    this.add("acked");
  }

  onPong(number: number): void {
    this.add(`pong ${number}`);
  }

  onGoAway(lastStreamId: number, code: number): void {
    this.add(`goaway ${lastStreamId} ${errorCodeName(code)}`);
  }

  onStreamClosed(stream: Http2Stream): void {
    this.add(`closed ${stream.id}`, stream);
  }

  onCapacity(): void {
    this.acts("capacity", null);
  }

  onDrained(): void {
    this.add("drained");
  }

  onOutput(): void {
    this.acts("output", null);
  }

  onFailure(failure: Http2Failure): void {
    this.add(`failure ${errorCodeName(failure.code)}`);
  }
}

/** A session with its log and what it has written. */
export class SessionPeer {
  readonly session: Http2Session;
  readonly log = new EventLog();
  /** By the session's clock. */
  nowMs = 0;
  /** What the sink answers. */
  takes = true;
  /** Writes so far. */
  writes = 0;
  private written: Buffer[] = [];

  constructor(role: "server" | "client", options: Http2Options) {
    const sink = {
      write: (bytes: Buffer): boolean => {
        this.writes++;
        this.written.push(Buffer.from(bytes));
        return this.takes;
      },
    };
    this.session = new Http2Session(role, this.log, sink, options, { now: () => this.nowMs });
    this.session.start();
    this.session.flush();
  }

  /** A server whose client has sent preface and settings; what came of that is forgotten. */
  static server(options: Http2Options = http2Options): SessionPeer {
    const peer = new SessionPeer("server", options);
    peer.session.feed(HTTP2_PREFACE);
    return peer.begun();
  }

  /** The same for a client. */
  static client(options: Http2Options = http2Options): SessionPeer {
    return new SessionPeer("client", options).begun();
  }

  private begun(): SessionPeer {
    this.frames("SETTINGS - 0", "SETTINGS ACK 0");
    this.log.events.length = 0;
    this.take();
    return this;
  }

  get heads(): readonly Http2RequestHead[] {
    return this.log.heads;
  }

  /** Feeds pieces that end at the given places, each from memory that is overwritten afterwards. */
  feed(bytes: Buffer, ends: Iterable<number>): void {
    let from = 0;
    for (const end of ends) {
      const piece = Buffer.from(bytes.subarray(from, end));
      this.session.feed(piece);
      piece.fill(0xaa);
      from = end;
    }
    this.log.flushData();
  }

  /** Feeds frames written as text. */
  frames(...texts: readonly string[]): void {
    const bytes = Buffer.concat(texts.map(frameBytes));
    this.feed(bytes, [bytes.length]);
  }

  /** The bytes written since the last call. */
  take(): Buffer {
    this.session.flush();
    const bytes = Buffer.concat(this.written);
    this.written = [];
    return bytes;
  }

  /** The same as text; the words of a GOAWAY are left out. */
  taken(): string[] {
    return frameTexts(this.take()).map((text) => (text.startsWith("GOAWAY") ? text.slice(0, 27) : text));
  }
}
