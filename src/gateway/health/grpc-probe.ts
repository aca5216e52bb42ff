import { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { Clock, Timer } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { ClientTls, Dial, Endpoint, Network } from "../../net/network.ts";
import { failureOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { dialFailure } from "../upstream/dial-failure.ts";
import { Http2Link } from "../upstream/http2-link.ts";
import { Http2Try } from "../upstream/http2-try.ts";
import type { Http2Head, Http2UpstreamRequest } from "../upstream/http2-try.ts";
import { PooledConnection } from "../upstream/pooled-connection.ts";
import type { AnswerSink, HeadOutcome, TryOwner, TrySettings } from "../upstream/protocol.ts";
import { healthRequest, isServing } from "./grpc-health.ts";
import type { ProbeOutcome } from "./probe.ts";

/** More than any answer of grpc.health.v1 has. */
const messageBytesMax = 64;

/** A check by the protocol of grpc.health.v1, and what is healthy. */
export interface GrpcProbePlan {
  readonly type: "grpc";
  /** Name of the service that is asked for; "" for the server as a whole. */
  readonly service: string;
  /** The code of a status that is healthy although it is no answer to the question, such as 12; null for none. */
  readonly status: number | null;
  /** `:authority`. */
  readonly authority: string;
  /** Further fields of the request. */
  readonly fields: Fields;
  readonly tls: ClientTls | null;
  readonly connectTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Bytes that the answer's head may have. */
  readonly headBytesMax: number;
}

/** One check of one server by grpc.health.v1.Health/Check: connects, asks, looks at the answer and its status. */
export class GrpcProbe implements TryOwner, Http2UpstreamRequest, AnswerSink {
  readonly clock: Clock;
  readonly settings: TrySettings;
  readonly payload = null;
  readonly pool = null;
  readonly state = { bytesSent: 0, bytesReceived: 0, bodyBytes: 0 };
  activity = "connecting to upstream";
  requestSent = false;
  readonly maySwitch = false;
  readonly wantsHeadOnly = false;
  readonly isHead = false;
  readonly passesBody = true;
  readonly replacementBody: Buffer;
  readonly keepsTrailers = true;
  onDrain: (() => void) | null = null;
  private readonly plan: GrpcProbePlan;
  private readonly report: (verdict: ProbeOutcome) => void;
  private readonly timer: Timer;
  private dial: Dial | null;
  private current: Http2Try | null = null;
  private httpStatus = 0;
  private message = Buffer.alloc(0);
  private status: string | null = null;
  private done = false;

  /** `report` is called once, unless `abort` comes first. */
  constructor(
    network: Network,
    endpoint: Endpoint,
    plan: GrpcProbePlan,
    report: (verdict: ProbeOutcome) => void,
  ) {
    this.clock = network.clock;
    this.plan = plan;
    this.report = report;
    this.replacementBody = healthRequest(plan.service);
    const { sendTimeoutMs, readTimeoutMs, headBytesMax: bufferSize } = plan;
    this.settings = { sendTimeoutMs, readTimeoutMs, bufferSize };
    this.timer = network.clock.timer(plan.connectTimeoutMs, () => this.fail(failureOf("connectTimedOut")));
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
    this.dial = null;
    this.current?.drop();
  }

  private ask(connection: Connection): ConnectionOwner {
    this.dial = null;
    this.timer.cancel();
    const pooled = new PooledConnection(connection, "", this.clock, { onDeadline: () => {} });
    const link = new Http2Link(pooled, null, this.clock);
    pooled.link = link;
    this.current = new Http2Try(this, pooled, this, this);
    this.current.start();
    return link;
  }

  buildHead(): Http2Head {
    const { authority, tls, fields: more } = this.plan;
    const fields = new Fields();
    fields.add("content-type", "application/grpc");
    fields.add("te", "trailers");
    for (let index = 0; index < more.size; index++) fields.add(more.lowerNameAt(index), more.valueAt(index));
    const scheme = tls === null ? "http" : "https";
    const path = "/grpc.health.v1.Health/Check";
    return { start: { method: "POST", scheme, authority, path, connectProtocol: null }, fields };
  }

  takeHead({ status, fields }: ResponseHead): HeadOutcome {
    this.httpStatus = status;
    // An answer without a message has its status in the head.
    this.status = fields.get("grpc-status");
    return "body";
  }

  write(bytes: Buffer): boolean {
    if (this.message.length < messageBytesMax) this.message = Buffer.concat([this.message, bytes]);
    return true;
  }

  acceptTrailers(trailers: Fields): void {
    this.status = trailers.get("grpc-status") ?? this.status;
  }

  complete(): void {
    const { plan, status } = this;
    if (this.httpStatus !== 200) return this.conclude(false, "checking status code", null);
    if (status !== null && status !== "0") {
      const expected = plan.status !== null && status === String(plan.status);
      return this.conclude(expected, "checking gRPC status", null);
    }
    this.conclude(status === "0" && isServing(this.message), "checking health of gRPC service", null);
  }

  /** Never: a check is asked in one way alone. */
  fallBack(): void {
    this.fail(failureOf("upstreamClosed"));
  }

  fail(failure: Failure): void {
    this.dial?.abort();
    this.dial = null;
    this.conclude(false, this.activity, wordsOf(failure));
  }

  timeout(kind: "sendTimedOut" | "readTimedOut"): Failure {
    return failureOf(kind);
  }

  crash(error: unknown): void {
    this.conclude(false, this.activity, String(error));
  }

  acceptEarlyHints(): void {}
  prepareHead(): void {}
  passOn(): void {}
  end(): void {}
  log(): void {}
  switched(): void {}

  private conclude(healthy: boolean, activity: string, error: string | null): void {
    if (this.done) return;
    this.abort();
    this.report({ healthy, activity, error });
  }
}
