import { RecordType, paddingOf, recordHeadBytes, writeRecordHead } from "../../cgi/fastcgi-record.ts";
import { RecordReader } from "../../cgi/fastcgi-reader.ts";
import type { RecordSink } from "../../cgi/fastcgi-reader.ts";
import { latin1 } from "../../http/latin1.ts";
import { failureOf } from "../failure/failure.ts";
import { ApplicationTry } from "./application-try.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, TryOwner } from "./protocol.ts";

/** Of a body's piece, so much goes into one record: as with nginx. */
const stdinPieceMax = 32_768;
/** Of one answer's errors so much is logged: an application that floods would fill the disk. */
const stderrBytesMax = 1_048_576;

const recordHead = Buffer.alloc(recordHeadBytes);
const padding = Buffer.alloc(8);

/** A request as FastCGI has it: the same for every try. */
export interface FastCgiRequest {
  readonly passesBody: boolean;
  /** The application shall keep the connection when it has answered. */
  readonly keepsConnection: boolean;
  /** Texts that make an answer useless when they are found among the application's errors before it. */
  readonly catchStderr: readonly string[];
  /** The records that begin the request; or in nginx's words, why it cannot be sent. */
  buildHead(): Buffer | string;
}

/** One request on one connection to a FastCGI application. Follows ngx_http_fastcgi_module's filters. */
export class FastCgiTry extends ApplicationTry implements RecordSink {
  private readonly request: FastCgiRequest;
  private readonly records = new RecordReader();
  private stderrBytes = 0;
  private ended = false;

  constructor(owner: TryOwner, pooled: PooledConnection, request: FastCgiRequest, sink: AnswerSink) {
    super(owner, pooled, sink, "cgi");
    this.request = request;
  }

  /** Sends parameters and body. */
  start(): void {
    this.sendHead(this.request.buildHead(), this.request.passesBody);
  }

  /** Sends a part of the body, in records. */
  onPayload(pieces: readonly Buffer[]): boolean {
    if (this.done) return true;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += stdinPieceMax) {
        this.appendStdin(
          at === 0 && piece.length <= stdinPieceMax ? piece : piece.subarray(at, at + stdinPieceMax),
        );
      }
    }
    if (this.owner.payload!.inMemory) return true;
    return this.leave();
  }

  protected closePayload(): void {
    writeRecordHead(recordHead, 0, RecordType.stdin, 0);
    this.append(recordHead);
  }

  private appendStdin(content: Buffer): void {
    writeRecordHead(recordHead, 0, RecordType.stdin, content.length);
    this.append(recordHead);
    this.append(content);
    const bytes = paddingOf(content.length);
    if (bytes > 0) this.append(padding.subarray(0, bytes));
  }

  protected take(bytes: Buffer): void {
    const at = this.records.feed(bytes, 0, bytes.length, this);
    if (this.done) return;
    const { failure } = this.records;
    if (failure !== null) return this.refuseRecords(failure);
    if (!this.answering) return;
    if (this.ended) this.complete(this.request.keepsConnection && at === bytes.length);
    else this.sink.passOn();
  }

  /** A record begins: see `RecordSink`. */
  onRecord(type: number, contentBytes: number): boolean {
    if (this.answering) return type !== RecordType.endRequest || this.endBody();
    if (type === RecordType.endRequest) this.refuse(`upstream sent unexpected FastCGI record: ${type}`);
    else if (type === RecordType.stdout && contentBytes === 0)
      this.refuse("upstream prematurely closed FastCGI stdout");
    return !this.done;
  }

  /** A piece of a record: see `RecordSink`. */
  onContent(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === RecordType.stderr) return this.takeStderr(bytes, start, end);
    if (type === RecordType.endRequest) return true;
    this.takeAnswer(bytes, start, end);
    return !this.done;
  }

  /** A record is over: see `RecordSink`. */
  onRecordEnd(type: number): boolean {
    if (type !== RecordType.endRequest) return true;
    this.ended = true;
    return false;
  }

  private endBody(): boolean {
    if (this.bodyLeft === null || this.bodyLeft === 0) return true;
    this.refuseRecords("upstream prematurely closed FastCGI request");
    return false;
  }

  /** False when it holds what the answer is not wanted for. */
  private takeStderr(bytes: Buffer, start: number, end: number): boolean {
    if (this.stderrBytes >= stderrBytesMax) return true;
    this.stderrBytes += end - start;
    const whole = latin1(bytes, start, end);
    const text = whole.replace(/[\r\n. ]+$/, "");
    this.owner.log("error", `FastCGI sent in stderr: "${text === "" ? whole.slice(0, 1) : text}"`);
    if (this.stderrBytes >= stderrBytesMax) {
      this.owner.log(
        "warn",
        `FastCGI sent more than ${stderrBytesMax} bytes in stderr, the rest is not logged`,
      );
    }
    if (this.answering || !this.request.catchStderr.some((part) => text.includes(part))) return true;
    // What was found stands in the log already.
    this.refuse("");
    return false;
  }

  private refuseRecords(reason: string): void {
    if (this.answering) this.owner.fail(failureOf("invalidBody", reason));
    else this.refuse(reason);
  }
}
