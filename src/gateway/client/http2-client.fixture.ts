/** An HTTP/2 client in a simulation: our own codec's other side, on a plain connection with prior knowledge. */
import { Fields } from "../../http/fields.ts";
import { AnswerOwner, Sender } from "../../http2/echo.fixture.ts";
import type { Answer } from "../../http2/echo.fixture.ts";
import type { Http2Failure } from "../../http2/error-code.ts";
import { http2Options } from "../../http2/options.ts";
import type { Http2Options } from "../../http2/options.ts";
import type { Http2SessionEvents } from "../../http2/session-events.ts";
import { Http2Session } from "../../http2/session.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import type { Clock } from "../../net/clock.ts";
import type { Simulation } from "../simulation.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

/** A request that was sent, and what has come of its answer. */
export interface Asked {
  readonly answer: Answer;
  readonly stream: Http2Stream;
  readonly owner: AnswerOwner;
  /** The answer is whole, or the stream was reset. */
  done: boolean;
}

export interface Question {
  readonly method?: string;
  readonly authority?: string | null;
  readonly fields?: Readonly<Record<string, string>>;
  /** Null: more follows by `asked.owner.sender`. */
  readonly body?: Buffer | null;
  readonly consumesAtOnce?: boolean;
  /** `:protocol` of an extended CONNECT. */
  readonly protocol?: string;
}

export class Http2SimulatedClient implements Http2SessionEvents {
  readonly wire: Wire;
  readonly session: Http2Session;
  readonly clock: Clock;
  failure: Http2Failure | null = null;
  /** `[lastStreamId, code]` of each GOAWAY. */
  readonly goAways: (readonly [number, number])[] = [];

  constructor(simulation: Simulation, options: Partial<Http2Options> = {}) {
    this.wire = simulation.client();
    const sink = {
      write: (bytes: Buffer): boolean => {
        this.wire.send(Buffer.from(bytes));
        return true;
      },
    };
    const { clock } = simulation.network;
    this.clock = clock;
    this.session = new Http2Session("client", this, sink, { ...http2Options, ...options }, clock);
    this.wire.onBytes = () => this.session.feed(this.wire.takeBytes());
    this.session.start();
    this.session.flush();
  }

  /** Sends a request; `until` of the simulation waits for `done`. */
  ask(path: string, question: Question = {}): Asked {
    const { method = "GET", authority = "a", body = Buffer.alloc(0), consumesAtOnce = true } = question;
    const fields = new Fields();
    for (const [name, value] of Object.entries(question.fields ?? {})) fields.add(name, value);
    const owner = new AnswerOwner();
    owner.consumesAtOnce = consumesAtOnce;
    const start = { method, scheme: "http", authority, path, connectProtocol: question.protocol ?? null };
    const stream = this.session.open(start, fields, body?.length === 0, owner)!;
    const asked: Asked = { answer: owner.answer, stream, owner, done: false };
    owner.onDone = () => {
      asked.done = true;
    };
    owner.sender = new Sender(stream);
    if (body !== null && body.length > 0) {
      owner.sender.push(body);
      owner.sender.end(null);
    }
    this.session.flush();
    return asked;
  }

  onRequest(): void {}
  onRefused(): void {}
  onSettings(): void {}
  onSettingsAck(): void {}
  onPong(): void {}
  onStreamClosed(): void {}
  onCapacity(): void {}
  onDrained(): void {}

  onGoAway(lastStreamId: number, code: number): void {
    this.goAways.push([lastStreamId, code]);
  }

  onOutput(): void {
    this.clock.soon(() => this.session.flush());
  }

  onFailure(failure: Http2Failure): void {
    this.failure = failure;
  }
}
