import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { ConfigError, describeErrno } from "../../config/errors.ts";
import type { Clock, Timer } from "../../net/clock.ts";
import type { LogLevel, LogSink } from "./error-log.ts";
import type { LogBuffering } from "./log-files.ts";

/** Lines of access logs of one turn of the event loop are written together; beyond this size at once. */
const batchBytesMax = 65_536;

/** What waits for a full pipe or disk; lines beyond it are lost, so that a log cannot eat the memory. */
const stuckBytesMax = 1_048_576;

/** Not that of `process.stderr`, which in a worker thread is a stream to the main thread. */
const standardErrorFd = 2;

const standardOutputFd = 1;

/** As many as a path to a standard stream has in any image: `access.log`, `/dev/stdout`, and one to spare. */
const linksMax = 4;

const ownerReadWrite = 0o600;

/** A file that cannot be written is told of once in this time, as in nginx. */
const complaintMs = 60_000;

/** How long to leave a full pipe alone. */
const retryMs = 20;

/** A file that lines are appended to; standard error when it has no path. */
export class LogFile implements LogSink {
  private readonly path: string | null;
  private readonly clock: Clock;
  private readonly complain: (message: string) => void;
  descriptor: number;
  private pending = "";
  private scheduled = false;
  /** It takes no more for now: what comes waits with the rest for another try. */
  private stuck = false;
  private complainedMs = -Infinity;
  private retired = false;

  constructor(path: string | null, clock: Clock, complain: (message: string) => void) {
    this.path = path;
    this.clock = clock;
    this.complain = complain;
    this.descriptor = path === null ? standardErrorFd : openForAppending(path);
  }

  /** As in nginx, a line of an error log is written before anything that follows it is seen by anybody. */
  write(line: string, level?: LogLevel): void {
    if (this.retired && this.path !== null) {
      appendOnce(this.path, line);
      return;
    }
    if (this.stuck) {
      if (this.pending.length + line.length <= stuckBytesMax) this.pending += line;
      return;
    }
    this.pending += line;
    if (level !== undefined || this.pending.length > batchBytesMax) return this.flush();
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      if (!this.stuck) this.flush();
    });
  }

  settle(): void {
    if (!this.stuck) this.flush();
  }

  /** Writes what waits. What a pipe has no room for is tried again; after other failures it is told, and lost. */
  flush(): void {
    if (this.pending === "" || this.retired) return;
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
    closeOwn(this.descriptor);
    this.descriptor = fresh;
  }

  /**
   * As nginx does when it opens files anew: the user can open it from now on. Only a file that has no other
   * name, and that its path leads to by no link: root must not give away what somebody has put there.
   */
  giveTo(uid: number): void {
    if (this.path === null) return;
    try {
      const own = fstatSync(this.descriptor);
      const named = lstatSync(Buffer.from(this.path, "latin1"));
      if (!own.isFile() || own.nlink !== 1 || own.ino !== named.ino || own.dev !== named.dev) return;
      if (own.uid !== uid) fchownSync(this.descriptor, uid, own.gid);
      if ((own.mode & ownerReadWrite) !== ownerReadWrite)
        fchmodSync(this.descriptor, own.mode | ownerReadWrite);
    } catch {
      // It stays open and is written to; what cannot be opened later is told then.
    }
  }

  /**
   * The configuration in use does not name it, but requests that began under another one may have lines for
   * it: it is opened for each of them.
   */
  retire(): void {
    if (this.path === null) return;
    this.flush();
    this.retired = true;
    closeOwn(this.descriptor);
  }

  private keep(bytes: Buffer): void {
    if (bytes.length > stuckBytesMax) return;
    this.pending = bytes.toString("latin1") + this.pending;
    if (this.stuck) return;
    this.stuck = true;
    this.clock.timer(retryMs, () => {
      this.stuck = false;
      this.flush();
    });
  }
}

/** Gathers lines for a file until there are enough of them, or the oldest has waited long enough. */
export class BufferedLog implements LogSink {
  private readonly file: LogSink;
  private readonly buffering: LogBuffering;
  private readonly clock: Clock;
  private pending = "";
  private timer: Timer | null = null;
  private retired = false;

  constructor(file: LogSink, buffering: LogBuffering, clock: Clock) {
    this.file = file;
    this.buffering = buffering;
    this.clock = clock;
  }

  write(line: string): void {
    const { bytes, flushMs } = this.buffering;
    if (this.pending.length + line.length > bytes) this.flush();
    this.pending += line;
    if (line.length > bytes || this.retired) this.flush();
    else if (flushMs > 0) this.timer ??= this.clock.timer(flushMs, () => this.flush());
  }

  /** Nothing waits from here on: nobody would write it out when the process ends. */
  retire(): void {
    this.flush();
    this.retired = true;
  }

  /** Hands over what was gathered, however little it is. */
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
    closeOwn(descriptor);
  }
}

/** Neither a FIFO that nobody reads nor one that is read slowly may hold up everything else. */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** Opens a log file. @throws ConfigError with nginx's words */
export function openForAppending(path: string): number {
  try {
    return openSync(Buffer.from(path, "latin1"), appending, 0o644);
  } catch (error) {
    const stream = isRefused(error) ? standardStreamAt(Buffer.from(path, "latin1").toString()) : null;
    if (stream !== null) return stream;
    throw new ConfigError(`open() "${path}" failed ${describeErrno(error)}`, "", 0);
  }
}

/** `/dev/stdout` is root's when root started the process: another user cannot open it, but has it open. */
function standardStreamAt(path: string): number | null {
  let at = path;
  for (let links = 0; links < linksMax; links++) {
    const [, name = "", number = ""] =
      /^\/dev\/std(out|err)$|^\/(?:dev|proc\/self)\/fd\/([12])$/.exec(at) ?? [];
    if (name !== "" || number !== "")
      return name === "err" || number === "2" ? standardErrorFd : standardOutputFd;
    try {
      at = resolve(dirname(at), readlinkSync(at));
    } catch {
      return null;
    }
  }
  return null;
}

/** Closes a log file that is none of the process's standard streams. */
export function closeOwn(descriptor: number): void {
  if (descriptor > standardErrorFd) closeSync(descriptor);
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EACCES";
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}
