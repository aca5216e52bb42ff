import { randomBytes } from "node:crypto";
import type { ResponseHead } from "../../http/response-head.ts";
import type { Clock, Timer } from "../../net/clock.ts";
import type { ClientTls, Dial, Endpoint, Network } from "../../net/network.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import { acceptFor } from "../../websocket/accept.ts";
import { writeClose } from "../../websocket/frame-writer.ts";
import { hasToken } from "../../websocket/handshake.ts";
import { failureOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { dialFailure } from "../upstream/dial-failure.ts";
import { Http1Try } from "../upstream/http1-try.ts";
import type { Http1Request } from "../upstream/http1-try.ts";
import type { AnswerSink, HeadOutcome, TryOwner, TrySettings } from "../upstream/protocol.ts";
import { bodyIsAsExpected, faultInHead } from "./expectation.ts";
import type { Expectation } from "./expectation.ts";
import { ProbeConnection } from "./probe-connection.ts";

/** nginx looks at so much of a body. */
const bodyBytesMax = 256 * 1024;

/** RFC 6455: normal closure. */
const normalClosure = 1000;

/** What a check sends, and what it expects. */
export interface ProbePlan {
  readonly type: "http" | "websocket";
  readonly uri: string;
  /** Fields of the request, with line ends, but for those of the WebSocket handshake. */
  readonly fields: string;
  readonly expectation: Expectation;
  readonly tls: ClientTls | null;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Bytes that the answer's head may have. */
  readonly headBytesMax: number;
}

/** What came of a check. */
export interface ProbeOutcome {
  readonly healthy: boolean;
  /** "checking status code": what was done when that was clear. */
  readonly activity: string;
  /** What went wrong in more detail than that; null when the activity says all. */
  readonly error: string | null;
}

/** One check of one server: connects, asks as `proxy_pass` does, compares the answer. */
export class HealthProbe implements TryOwner, AnswerSink, Http1Request {
  private readonly plan: ProbePlan;
  private readonly network: Network;
  private readonly report: (verdict: ProbeOutcome) => void;
  private readonly key = randomBytes(16).toString("base64");
  private readonly body: Buffer[] = [];
  private bodyBytes = 0;
  private dial: Dial | null;
  private pooled: ProbeConnection | null = null;
  private attempt: Http1Try | null = null;
  private timer: Timer;
  private done = false;
  readonly settings: TrySettings;
  readonly state = { bytesSent: 0, bytesReceived: 0, bodyBytes: 0 };
  readonly payload = null;
  readonly pool = null;
  readonly wantsHeadOnly = false;
  readonly isHead = false;
  readonly passesBody = false;
  readonly replacementBody = null;
  readonly keepsTrailers = false;
  activity = "connecting to upstream";
  requestSent = false;
  onDrain: (() => void) | null = null;

  /** `report` is called once, unless `abort` comes first. */
  constructor(
    network: Network,
    endpoint: Endpoint,
    plan: ProbePlan,
    report: (verdict: ProbeOutcome) => void,
  ) {
    this.network = network;
    this.plan = plan;
    this.report = report;
    const { readTimeoutMs, headBytesMax } = plan;
    this.settings = { sendTimeoutMs: readTimeoutMs, readTimeoutMs, bufferSize: headBytesMax };
    this.timer = this.deadline(plan.connectTimeoutMs, "connectTimedOut");
    this.dial = network.dial(
      { endpoint, tls: plan.tls },
      {
        onConnected: (connection) => this.ask(connection),
        onFailed: (code, text) => {
          this.dial = null;
          const failure = dialFailure(code, text, plan.tls);
          if (failure.kind === "handshakeFailed") this.activity = "SSL handshaking to upstream";
          this.fail(failure);
        },
      },
    );
  }

  /** Drops the check; nothing is reported. */
  abort(): void {
    this.done = true;
    this.timer.cancel();
    this.dial?.abort();
    this.pooled?.cut();
  }

  get clock(): Clock {
    return this.network.clock;
  }

  get maySwitch(): boolean {
    return this.plan.type === "websocket";
  }

  /** The whole request's head. */
  buildHead(): string {
    const { plan } = this;
    const handshake =
      `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${this.key}\r\n`;
    const own = plan.type === "websocket" ? handshake : "Connection: close\r\n";
    return `GET ${plan.uri} HTTP/1.1\r\n${plan.fields}${own}\r\n`;
  }

  /** Judges the head; the body is read where something is expected of it. */
  takeHead(head: ResponseHead): HeadOutcome {
    const { expectation, type } = this.plan;
    if (type === "websocket") {
      this.judgeHandshake(head);
      return "over";
    }
    const fault = faultInHead(expectation, head);
    if (fault === null && expectation.body.length > 0) return "body";
    this.conclude(fault === null, `checking ${fault ?? "status code"}`, null);
    return "over";
  }

  /** Keeps a piece of the body, up to what is looked at. */
  write(bytes: Buffer): boolean {
    const taken = Buffer.from(bytes.subarray(0, bodyBytesMax - this.bodyBytes));
    this.bodyBytes += taken.length;
    this.body.push(taken);
    if (this.bodyBytes >= bodyBytesMax) this.judgeBody();
    return true;
  }

  /** The body is whole. */
  complete(): void {
    this.judgeBody();
  }

  /** Never: a check is asked in one way alone. */
  fallBack(): void {
    this.fail(failureOf("upstreamClosed"));
  }

  /** The check has failed, and the log says why. */
  fail(failure: Failure): void {
    // Until something comes, the request is what is at work.
    const silent = this.attempt !== null && this.state.bytesReceived === 0;
    this.conclude(false, silent ? "sending request to upstream" : this.activity, wordsOf(failure));
  }

  timeout(kind: "sendTimedOut" | "readTimedOut"): Failure {
    return failureOf(kind);
  }

  /** An error of ours ends this check, not the thread. */
  crash(error: unknown): void {
    this.conclude(false, this.activity, String(error));
  }

  // What is odd about an answer but does not make it unhealthy is told when a request meets it.
  log(): void {}
  acceptEarlyHints(): void {}
  acceptTrailers(): void {}
  prepareHead(): void {}
  passOn(): void {}
  end(): void {}
  // The handshake was judged by its head.
  switched(): void {}

  private ask(connection: Connection): ConnectionOwner {
    this.dial = null;
    this.timer.cancel();
    // As a whole: the times of a try begin anew with each part of an answer.
    this.timer = this.deadline(this.plan.readTimeoutMs, "readTimedOut");
    this.pooled = new ProbeConnection(connection, this.clock);
    this.attempt = new Http1Try(this, this.pooled, this, this);
    this.attempt.start();
    return this.attempt;
  }

  private judgeHandshake(head: ResponseHead): void {
    const { fields, status } = head;
    if (status !== 101) return this.conclude(false, "checking status code", null);
    const switched = hasToken(fields.getJoined("upgrade"), "websocket");
    if (!switched || fields.get("sec-websocket-accept") !== acceptFor(this.key)) {
      return this.conclude(false, "checking WebSocket handshake", null);
    }
    const fault = faultInHead({ ...this.plan.expectation, statuses: null }, head);
    // Servers log a connection that vanishes as an error, one that is closed they do not.
    if (fault === null)
      this.pooled!.connection.send(writeClose(normalClosure, "", randomBytes(4).readUInt32BE()));
    this.conclude(fault === null, `checking ${fault ?? "WebSocket handshake"}`, null);
  }

  private judgeBody(): void {
    const text = Buffer.concat(this.body).toString("latin1");
    this.conclude(bodyIsAsExpected(this.plan.expectation, text), "checking response body", null);
  }

  private conclude(healthy: boolean, activity: string, error: string | null): void {
    if (this.done) return;
    this.done = true;
    this.timer.cancel();
    this.attempt?.drop(healthy);
    this.report({ healthy, activity, error });
  }

  private deadline(ms: number, kind: "connectTimedOut" | "readTimedOut"): Timer {
    return this.clock.timer(ms, () => {
      this.dial?.abort();
      this.dial = null;
      this.pooled?.cut();
      this.fail(failureOf(kind));
    });
  }
}
