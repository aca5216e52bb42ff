import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { ConfigError, describeErrno } from "../config/errors.ts";
import type { Clock, Timer } from "../net/clock.ts";
import type { ErrorLog, LogSink } from "./error-log.ts";
import type { LogBuffering, LogFiles } from "./log-files.ts";
import { SyslogSink } from "./syslog.ts";
import type { SyslogOptions } from "./syslog.ts";

/** Lines of one turn of the event loop are written together; beyond this size at once. */
const batchBytesMax = 65_536;

/** What waits for a full pipe or disk; lines beyond it are lost, so that a log cannot eat the memory. */
const stuckBytesMax = 1_048_576;

/** Not that of `process.stderr`, which in a worker thread is a stream to the main thread. */
const standardErrorFd = 2;

/** A file that cannot be written is told of once in this time, as in nginx. */
const complaintMs = 60_000;

/** How long to leave a full pipe alone. */
const retryMs = 20;

/**
 * Log files on disk. A line is written at the end of the turn of the event loop that it came in, so the
 * process must call `flush` before it exits.
 */
export class DiskLogFiles implements LogFiles {
  readonly stderr: LogSink;
  private readonly clock: Clock;
  private readonly files = new Map<string, LogFile>();
  private readonly buffers = new Map<string, BufferedLog>();
  private readonly syslogs = new Map<string, SyslogSink>();
  private readonly standardError: LogFile;
  private readonly ownFolder: string | null;
  private errorLog: ErrorLog | null = null;

  /**
   * `ownFolder` is made when a log in it is opened and it is missing: the folder of the logs that nobody
   * has named. nginx's packages bring it along.
   */
  constructor(clock: Clock, ownFolder: string | null = null) {
    this.clock = clock;
    this.ownFolder = ownFolder;
    // Nobody can be told that standard error takes no lines.
    this.standardError = new LogFile(null, clock, () => undefined);
    this.stderr = this.standardError;
  }

  /** Where it is told that a file cannot be written. */
  reportTo(errorLog: ErrorLog): void {
    this.errorLog = errorLog;
  }

  /** The descriptor for standard error in a process whose error log is this: as in nginx, its first file. */
  standardErrorFor(sinks: readonly LogSink[]): number | "ignore" {
    const files = [this.standardError, ...this.files.values()];
    const own = files.filter((file) => sinks.includes(file));
    return own[0]?.descriptor ?? "ignore";
  }

  open(path: string, buffering?: LogBuffering): LogSink {
    let file = this.files.get(path);
    if (file === undefined) {
      if (this.ownFolder !== null && path.startsWith(this.ownFolder)) makeFolder(this.ownFolder);
      file = new LogFile(path, this.clock, this.complain);
      this.files.set(path, file);
    }
    return buffering === undefined ? file : this.buffered(path, file, buffering);
  }

  private readonly complain = (message: string): void => this.errorLog?.write("alert", message);

  syslog(options: SyslogOptions): LogSink {
    const key = JSON.stringify(options);
    const sink = this.syslogs.get(key) ?? new SyslogSink(options, this.clock);
    this.syslogs.set(key, sink);
    return sink;
  }

  reopen(): void {
    this.flush();
    for (const file of this.files.values()) {
      try {
        file.reopen();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        this.stderr.write(`longhaul: [emerg] ${error.message}\n`);
      }
    }
  }

  flush(): void {
    for (const buffer of this.buffers.values()) buffer.flush();
    for (const file of this.files.values()) file.flush();
    this.standardError.flush();
  }

  /** All that write to a file with the same buffering share the buffer, so that lines keep their order. */
  private buffered(path: string, file: LogFile, buffering: LogBuffering): LogSink {
    const key = `${buffering.bytes} ${buffering.flushMs} ${buffering.gzipLevel} ${path}`;
    let buffer = this.buffers.get(key);
    if (buffer === undefined) {
      buffer = new BufferedLog(file, buffering, this.clock);
      this.buffers.set(key, buffer);
    }
    return buffer;
  }
}

/** What stands in the way is told by the opening of the file. */
function makeFolder(path: string): void {
  try {
    mkdirSync(Buffer.from(path, "latin1").toString(), { recursive: true });
  } catch {
    return;
  }
}

/** A file that lines are appended to; standard error when it has no path. */
class LogFile implements LogSink {
  private readonly path: string | null;
  private readonly clock: Clock;
  private readonly complain: (message: string) => void;
  descriptor: number;
  private pending = "";
  private scheduled = false;
  private complainedMs = -Infinity;

  constructor(path: string | null, clock: Clock, complain: (message: string) => void) {
    this.path = path;
    this.clock = clock;
    this.complain = complain;
    this.descriptor = path === null ? standardErrorFd : openForAppending(path);
  }

  write(line: string): void {
    this.pending += line;
    if (this.scheduled) {
      if (this.pending.length > batchBytesMax) this.flush();
      return;
    }
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.pending === "") return;
    let bytes = Buffer.from(this.pending, "latin1");
    this.pending = "";
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.descriptor, bytes));
    } catch (error) {
      // As in nginx, a log that cannot be written does not stop the serving.
      if (isFull(error)) this.keep(bytes);
      else this.tellFailure(error);
    }
  }

  private tellFailure(error: unknown): void {
    const nowMs = this.clock.now();
    if (nowMs - this.complainedMs < complaintMs) return;
    this.complainedMs = nowMs;
    this.complain(`write() to "${this.path}" failed ${describeErrno(error)}`);
  }

  /** @throws ConfigError when the path cannot be opened; the old file stays in use then. */
  reopen(): void {
    if (this.path === null) return;
    const fresh = openForAppending(this.path);
    closeSync(this.descriptor);
    this.descriptor = fresh;
  }

  private keep(bytes: Buffer): void {
    if (bytes.length > stuckBytesMax) return;
    this.pending = bytes.toString("latin1") + this.pending;
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.timer(retryMs, () => {
      this.scheduled = false;
      this.flush();
    });
  }
}

/** Gathers lines for a file until there are enough of them, or the oldest has waited long enough. */
class BufferedLog implements LogSink {
  private readonly file: LogSink;
  private readonly buffering: LogBuffering;
  private readonly clock: Clock;
  private pending = "";
  private timer: Timer | null = null;

  constructor(file: LogSink, buffering: LogBuffering, clock: Clock) {
    this.file = file;
    this.buffering = buffering;
    this.clock = clock;
  }

  write(line: string): void {
    const { bytes, flushMs } = this.buffering;
    if (this.pending.length + line.length > bytes) this.flush();
    this.pending += line;
    if (line.length > bytes) this.flush();
    else if (flushMs > 0) this.timer ??= this.clock.timer(flushMs, () => this.flush());
  }

  flush(): void {
    this.timer?.cancel();
    this.timer = null;
    const { pending } = this;
    if (pending === "") return;
    this.pending = "";
    const level = this.buffering.gzipLevel;
    this.file.write(
      level === 0 ? pending : gzipSync(Buffer.from(pending, "latin1"), { level }).toString("latin1"),
    );
  }
}

/**
 * Writes a line to a file that is opened for it alone: for paths with variables. Answers with the
 * failure in nginx's words, or null.
 */
export function appendOnce(path: string, line: string): string | null {
  let descriptor: number;
  try {
    descriptor = openForAppending(path);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  try {
    writeSync(descriptor, Buffer.from(line, "latin1"));
    return null;
  } catch (error) {
    return `write() to "${path}" failed ${describeErrno(error)}`;
  } finally {
    closeSync(descriptor);
  }
}

function openForAppending(path: string): number {
  try {
    return openSync(Buffer.from(path, "latin1"), "a", 0o644);
  } catch (error) {
    throw new ConfigError(`open() "${path}" failed ${describeErrno(error)}`, "", 0);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}
