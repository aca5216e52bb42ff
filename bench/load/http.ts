import type { Job } from "../job.ts";
import { downloadBytes, downloadPeriodBytes, paths, pattern, smallBody, smallFileBody } from "../wire.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { dialAll, LoadConnection, type Opening } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";

const downloadPeriod = pattern(downloadPeriodBytes);
const smallBodyBytes = Buffer.from(smallBody);

/** Requests one after another on a kept-alive connection. */
abstract class RequestConnection extends LoadConnection implements Opening {
  readonly whenOpen: Promise<void>;
  readonly loop: ClosedLoop;
  #resolveOpen!: () => void;
  readonly #request: Buffer;

  constructor(path: string, loop: ClosedLoop) {
    super();
    this.loop = loop;
    this.#request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    this.whenOpen = new Promise((resolve) => {
      this.#resolveOpen = resolve;
    });
  }

  opened(): void {
    this.#resolveOpen();
  }

  ask(): void {
    this.send(this.#request);
  }

  finished(): void {
    if (this.loop.done()) this.ask();
  }

  /** Checks status and length of a complete head (`head` ends with the empty line). */
  checkHead(head: string, bodyBytes: number): void {
    if (!head.startsWith("HTTP/1.1 200 ")) this.fail(`answered ${head.slice(0, head.indexOf("\r\n"))}`);
    const length = /^content-length: *(\d+)\r$/im.exec(head)?.[1];
    if (Number(length) !== bodyBytes) this.fail(`content length ${length} instead of ${bodyBytes}`);
  }
}

class SmallConnection extends RequestConnection {
  #answer: Buffer | null = null;
  readonly #body: Buffer;

  constructor(path: string, body: Buffer, loop: ClosedLoop) {
    super(path, loop);
    this.#body = body;
  }

  receive(bytes: Buffer): void {
    const answer = this.#answer === null ? bytes : Buffer.concat([this.#answer, bytes]);
    const headEnd = answer.indexOf("\r\n\r\n") + 4;
    const length = headEnd + this.#body.length;
    if (headEnd < 4 || answer.length < length) {
      // A refusal may be shorter than the answer; waiting for the rest of it would tell nothing.
      if (headEnd >= 4) this.checkHead(answer.toString("latin1", 0, headEnd), this.#body.length);
      this.#answer = Buffer.from(answer);
      return;
    }
    this.#answer = null;
    if (answer.length > length) this.fail("bytes beyond the answer");
    this.checkHead(answer.toString("latin1", 0, headEnd), this.#body.length);
    if (answer.compare(this.#body, 0, this.#body.length, headEnd) !== 0) this.fail("body differs");
    this.finished();
  }
}

class DownloadConnection extends RequestConnection {
  #head = "";
  #bodyReceived = -1;

  receive(bytes: Buffer): void {
    let offset = 0;
    if (this.#bodyReceived < 0) {
      const seen = this.#head.length;
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.checkHead(this.#head.slice(0, end + 4), downloadBytes);
      offset = end + 4 - seen;
      this.#head = "";
      this.#bodyReceived = 0;
    }
    this.#receiveBody(bytes, offset);
  }

  #receiveBody(bytes: Buffer, start: number): void {
    let offset = start;
    while (offset < bytes.length) {
      const at = this.#bodyReceived % downloadPeriodBytes;
      const take = Math.min(bytes.length - offset, downloadPeriodBytes - at);
      if (bytes.compare(downloadPeriod, at, at + take, offset, offset + take) !== 0)
        this.fail("body differs");
      offset += take;
      this.#bodyReceived += take;
    }
    if (this.#bodyReceived > downloadBytes) this.fail("bytes beyond the body");
    if (this.#bodyReceived < downloadBytes) return;
    this.#bodyReceived = -1;
    this.finished();
  }
}

async function runLoop(
  job: Job,
  control: Control,
  make: (loop: ClosedLoop) => RequestConnection,
): Promise<void> {
  const loop = new ClosedLoop();
  const connections = Array.from({ length: job.connections }, () => make(loop));
  await dialAll(job, connections);
  const stretch = (seconds: number): Promise<number> =>
    loop.run(seconds, connections.length, () => {
      for (const connection of connections) connection.ask();
    });
  await runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch);
}

/** Small answers on kept-alive connections. Unit: one request. */
export function runRequests(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, (loop) => new SmallConnection(paths.small, smallBodyBytes, loop));
}

/** Bodies of 10 MiB on kept-alive connections. Unit: one body. */
export function runDownloads(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, (loop) => new DownloadConnection(paths.download, loop));
}

/** A file of 1 KiB from the proxy's disk, over and over. Unit: one request. */
export function runSmallFiles(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, (loop) => new SmallConnection(paths.smallFile, smallFileBody, loop));
}

/** A page behind many regular expressions. Unit: one request. */
export function runExpressions(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, (loop) => new SmallConnection(paths.post, smallBodyBytes, loop));
}

/** A file of 10 MiB from the proxy's disk, over and over. Unit: one file. */
export function runLargeFiles(job: Job, control: Control): Promise<void> {
  return runLoop(job, control, (loop) => new DownloadConnection(paths.largeFile, loop));
}
