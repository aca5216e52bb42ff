import type { Job } from "../job.ts";
import { downloadBytes, downloadPeriodBytes, paths, pattern, smallBody } from "../wire.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { dialAll, LoadConnection, type Opening } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";
import {
  clientOpening,
  flags,
  frame,
  frameHeaderBytes,
  frameTypes,
  settingsAck,
  windowOpened,
  windowStep,
} from "./http2-frames.ts";

/** What a stream is to bring: `bytes` of `period` over and over. */
interface Answer {
  readonly path: string;
  readonly bytes: number;
  readonly period: Buffer;
}

const small: Answer = { path: paths.small, bytes: smallBody.length, period: Buffer.from(smallBody) };
const download: Answer = {
  path: paths.download,
  bytes: downloadBytes,
  period: pattern(downloadPeriodBytes),
};

const openedAgain = windowOpened(0);

/** HEADERS of a GET: indexed fields, and path and authority as literals that nobody has to remember (RFC 7541). */
function requestOf(path: string, tls: boolean): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const block = Buffer.concat([
    Buffer.from([0x82, tls ? 0x87 : 0x86, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text("localhost"),
  ]);
  return frame(frameTypes.headers, flags.endStream | flags.endHeaders, 0, block);
}

/** So many streams at once, each of which is followed by another one. */
class Http2Connection extends LoadConnection implements Opening {
  readonly whenOpen: Promise<void>;
  #resolveOpen!: () => void;
  readonly #answer: Answer;
  readonly #loop: ClosedLoop;
  readonly #request: Buffer;
  /** Requests that are sent together at the end of what was received. */
  #asked: Buffer[] = [];
  #nextStream = 1;
  /** Bytes of each open stream's body so far. */
  readonly #received = new Map<number, number>();
  #rest: Buffer | null = null;
  #windowUsed = 0;

  constructor(answer: Answer, tls: boolean, loop: ClosedLoop) {
    super();
    this.#answer = answer;
    this.#loop = loop;
    this.#request = requestOf(answer.path, tls);
    this.whenOpen = new Promise((resolve) => {
      this.#resolveOpen = resolve;
    });
  }

  opened(): void {
    this.send(clientOpening);
    this.#resolveOpen();
  }

  /** Begins another stream; `sendAsked` sends it. */
  ask(): void {
    const request = Buffer.from(this.#request);
    request.writeUInt32BE(this.#nextStream, 5);
    this.#received.set(this.#nextStream, 0);
    this.#nextStream += 2;
    this.#asked.push(request);
  }

  sendAsked(): void {
    if (this.#asked.length === 0) return;
    this.send(this.#asked.length === 1 ? this.#asked[0]! : Buffer.concat(this.#asked));
    this.#asked = [];
  }

  receive(bytes: Buffer): void {
    const all = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length >= at + frameHeaderBytes) {
      const end = at + frameHeaderBytes + all.readUIntBE(at, 3);
      if (all.length < end) break;
      this.#frame(all[at + 3]!, all[at + 4]!, all.readUInt32BE(at + 5), all, at + frameHeaderBytes, end);
      at = end;
    }
    this.#rest = at < all.length ? Buffer.from(all.subarray(at)) : null;
    this.sendAsked();
  }

  #frame(type: number, flagBits: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameTypes.data) this.#data(streamId, bytes, start, end);
    else if (type === frameTypes.headers) this.#head(bytes, start);
    else if (type === frameTypes.settings && (flagBits & flags.ack) === 0) this.send(settingsAck);
    else if (type !== frameTypes.settings && type !== frameTypes.windowUpdate)
      this.fail(type === frameTypes.goaway ? "GOAWAY" : `frame of type ${type}`);
    if ((type === frameTypes.data || type === frameTypes.headers) && (flagBits & flags.endStream) !== 0)
      this.#ended(streamId);
  }

  /** Index 8 of the static table is `:status: 200`; everyone writes it so. */
  #head(bytes: Buffer, start: number): void {
    if (bytes[start] !== 0x88) this.fail("answered otherwise than with 200");
  }

  #data(streamId: number, bytes: Buffer, start: number, end: number): void {
    const { period } = this.#answer;
    let received = this.#received.get(streamId) ?? this.fail("data on a stream that is not open");
    let at = start;
    while (at < end) {
      const from = received % period.length;
      const take = Math.min(end - at, period.length - from);
      if (bytes.compare(period, from, from + take, at, at + take) !== 0) this.fail("body differs");
      at += take;
      received += take;
    }
    this.#received.set(streamId, received);
    this.#windowUsed += end - start;
    if (this.#windowUsed < windowStep) return;
    this.#windowUsed -= windowStep;
    this.send(openedAgain);
  }

  #ended(streamId: number): void {
    const received = this.#received.get(streamId);
    if (received !== this.#answer.bytes) this.fail(`${received} bytes instead of ${this.#answer.bytes}`);
    this.#received.delete(streamId);
    if (this.#loop.done()) this.ask();
  }
}

function start(connections: readonly Http2Connection[], streams: number): void {
  for (const connection of connections) {
    for (let i = 0; i < streams; i += 1) connection.ask();
    connection.sendAsked();
  }
}

async function runLoop(job: Job, control: Control, answer: Answer): Promise<void> {
  const loop = new ClosedLoop();
  const connections = Array.from(
    { length: job.connections },
    () => new Http2Connection(answer, job.tls, loop),
  );
  await dialAll(job, connections);
  const stretch = (seconds: number): Promise<number> =>
    loop.run(seconds, connections.length * job.streams, () => start(connections, job.streams));
  await runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch);
}

/** Small answers on `job.streams` streams of each connection. Unit: one request. */
export function runHttp2Requests(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, small);
}

/** Bodies of 10 MiB. Unit: one body. */
export function runHttp2Downloads(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, download);
}

/** A few connections so that what the first ones cost once is paid before the runner weighs the proxy. */
const idleWarmup = 64;

/** Opens connections, sends one request on each, and holds them all until "stop". Unit: one connection. */
export async function runHttp2Idle(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const open = async (count: number): Promise<void> => {
    const connections = Array.from({ length: count }, () => new Http2Connection(small, job.tls, loop));
    await dialAll(job, connections);
    await loop.run(0, count, () => start(connections, 1));
  };
  await open(idleWarmup);
  control.report({ event: "ready" });
  await control.hear("go");
  await open(job.connections);
  control.report({ event: "done", units: job.connections });
  await control.hear("stop");
}
