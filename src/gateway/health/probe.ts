import { randomBytes } from "node:crypto";
import { ResponseHeadReader } from "../../http/response-head.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { BodyDecoder, BodySink } from "../../http/body.ts";
import type { Timer } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import type { ClientTls, Dial, Endpoint, Network } from "../../net/network.ts";
import { acceptFor } from "../../websocket/accept.ts";
import { writeClose } from "../../websocket/frame-writer.ts";
import { hasToken } from "../../websocket/handshake.ts";
import { failureOf, lostUpstream, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { dialFailure } from "../upstream/dial-failure.ts";
import { decoderFor } from "../upstream/http1-try.ts";
import { bodyIsAsExpected, faultInHead } from "./expectation.ts";
import type { Expectation } from "./expectation.ts";

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

/** One check of one server: connects, asks, compares the answer. */
export class HealthProbe implements ConnectionOwner, BodySink {
  private readonly plan: ProbePlan;
  private readonly network: Network;
  private readonly report: (verdict: ProbeOutcome) => void;
  private readonly reader: ResponseHeadReader;
  private readonly key = randomBytes(16).toString("base64");
  private readonly body: Buffer[] = [];
  private bodyBytes = 0;
  private decoder: BodyDecoder | null = null;
  private dial: Dial | null;
  private connection: Connection | null = null;
  private timer: Timer;
  private activity = "connecting to upstream";
  private done = false;

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
    this.reader = new ResponseHeadReader(plan.headBytesMax);
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
    this.connection?.close();
  }

  onData(bytes: Buffer): void {
    if (this.done) return;
    this.activity = "reading response header from upstream";
    let position = 0;
    while (this.decoder === null) {
      position += this.reader.feed(bytes, position, bytes.length);
      if (this.reader.state === "failed") {
        return this.fail(failureOf("invalidHead", this.reader.failure!));
      }
      if (this.reader.state !== "done") return;
      const { head } = this.reader;
      if (head.versionMajor === 0)
        return this.fail(failureOf("invalidHead", "upstream sent no valid HTTP/1.0 header"));
      if (head.status >= 100 && head.status < 200 && head.status !== 101) {
        this.reader.reset();
        continue;
      }
      if (!this.acceptHead(head)) return;
    }
    const state = this.decoder.state;
    if (state === "needMore" && position < bytes.length)
      this.decoder.decode(bytes, position, bytes.length, this);
    if (this.decoder.state === "failed")
      this.fail(failureOf("invalidBody", "upstream sent invalid chunked response"));
    else if (this.decoder.state === "done" || this.bodyBytes >= bodyBytesMax) this.judgeBody();
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    const taken = Buffer.from(bytes.subarray(start, Math.min(end, start + bodyBytesMax - this.bodyBytes)));
    this.bodyBytes += taken.length;
    this.body.push(taken);
  }

  onEnd(): void {
    if (this.done) return;
    if (this.decoder?.end() === true) this.judgeBody();
    else this.fail(lostUpstream(null));
  }

  onClose(code: string | null): void {
    if (this.done) this.timer.cancel();
    else if (code === null) this.onEnd();
    else this.fail(lostUpstream(code));
  }

  onDrain(): void {}

  private ask(connection: Connection): ConnectionOwner {
    const { plan } = this;
    this.dial = null;
    this.connection = connection;
    this.timer.cancel();
    this.timer = this.deadline(plan.readTimeoutMs, "readTimedOut");
    this.activity = "sending request to upstream";
    const handshake =
      `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${this.key}\r\n`;
    const own = plan.type === "websocket" ? handshake : "Connection: close\r\n";
    connection.send(Buffer.from(`GET ${plan.uri} HTTP/1.1\r\n${plan.fields}${own}\r\n`, "latin1"));
    return this;
  }

  /** True when the body is to be looked at, too. */
  private acceptHead(head: ResponseHead): boolean {
    const { expectation, type } = this.plan;
    if (type === "websocket") {
      this.judgeHandshake(head);
      return false;
    }
    const fault = faultInHead(expectation, head);
    if (fault === null && expectation.body.length > 0) {
      this.decoder = decoderFor(head, false, false);
      return true;
    }
    this.conclude(fault === null, `checking ${fault ?? "status code"}`, null);
    return false;
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
    if (fault === null) this.connection!.send(writeClose(normalClosure, "", randomBytes(4).readUInt32BE()));
    this.conclude(fault === null, `checking ${fault ?? "WebSocket handshake"}`, null);
  }

  private judgeBody(): void {
    const text = Buffer.concat(this.body).toString("latin1");
    this.conclude(bodyIsAsExpected(this.plan.expectation, text), "checking response body", null);
  }

  private fail(failure: Failure): void {
    this.conclude(false, this.activity, wordsOf(failure));
  }

  private conclude(healthy: boolean, activity: string, error: string | null): void {
    if (this.done) return;
    this.done = true;
    this.timer.cancel();
    const { connection } = this;
    connection?.shutdown();
    // Who does not close his side in time is dropped.
    if (connection?.open === true)
      this.timer = this.network.clock.timer(farewellMs, () => connection.close());
    this.report({ healthy, activity, error });
  }

  private deadline(ms: number, kind: "connectTimedOut" | "readTimedOut"): Timer {
    return this.network.clock.timer(ms, () => {
      this.dial?.abort();
      this.dial = null;
      this.connection?.close();
      this.fail(failureOf(kind));
    });
  }
}

/** How long a server may take to close its side once the check is over. */
const farewellMs = 1000;
