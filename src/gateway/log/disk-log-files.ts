import { mkdirSync } from "node:fs";
import { ConfigError, describeErrno } from "../../config/errors.ts";
import type { Clock } from "../../net/clock.ts";
import type { ErrorLog, LogSink } from "./error-log.ts";
import { BufferedLog, LogFile } from "./log-file.ts";
import type { LogBuffering, LogFiles } from "./log-files.ts";
import { SyslogSink } from "./syslog.ts";
import type { SyslogOptions } from "./syslog.ts";

/**
 * Log files on disk. A line of an access log is written at the end of the turn of the event loop that it came
 * in, so the process must call `flush` before it exits; one of an error log at once.
 */
export class DiskLogFiles implements LogFiles {
  readonly stderr: LogSink;
  private readonly clock: Clock;
  private readonly files = new Map<string, LogFile>();
  private readonly buffers = new Map<string, BufferedLog>();
  private readonly syslogs = new Map<string, SyslogSink>();
  /** Of the configuration in use, and what was opened since `begin`. */
  private inUse = new Set<LogSink>();
  private named = new Set<LogSink>();
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
    this.named.add(file);
    return buffering === undefined ? file : this.buffered(path, file, buffering);
  }

  private readonly complain = (message: string): void => this.errorLog?.write("alert", message);

  syslog(options: SyslogOptions): LogSink {
    const key = JSON.stringify(options);
    const sink = this.syslogs.get(key) ?? new SyslogSink(options, this.clock);
    this.syslogs.set(key, sink);
    this.named.add(sink);
    return sink;
  }

  /** Whom the process will belong to: that user can open the files again. */
  giveTo(uid: number): void {
    for (const file of this.files.values()) file.giveTo(uid);
  }

  /** Another configuration is about to be read: `adopt` or `discard` must follow. */
  begin(): void {
    this.named = new Set();
  }

  /** It is in use: what it does not name is closed. */
  adopt(): void {
    this.inUse = this.named;
    this.named = new Set();
    // A buffer writes into its file.
    for (const sinks of [this.buffers, this.files, this.syslogs]) retireAll(sinks, this.inUse);
  }

  /** It is not used. */
  discard(): void {
    this.named = this.inUse;
    this.adopt();
  }

  reopen(): void {
    this.flush();
    for (const file of this.files.values()) {
      try {
        file.reopen();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        // As in nginx; the file that was open is written to for as long as there is no other.
        if (this.errorLog !== null) this.errorLog.write("emerg", error.message);
        else this.stderr.write(`longhaul: [emerg] ${error.message}\n`);
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
    this.named.add(buffer);
    return buffer;
  }
}

/** What stays may be named again, and is the same then; what goes is forgotten. */
function retireAll(sinks: Map<string, LogSink & { retire(): void }>, inUse: ReadonlySet<LogSink>): void {
  for (const [key, sink] of sinks) {
    if (inUse.has(sink)) continue;
    sinks.delete(key);
    sink.retire();
  }
}

/** @throws ConfigError when it cannot be made: the log that is to lie in it would not say why. */
function makeFolder(path: string): void {
  try {
    mkdirSync(Buffer.from(path, "latin1").toString(), { recursive: true });
  } catch (error) {
    // What stands in the way is told by the opening of the file.
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw new ConfigError(`mkdir() "${path}" failed ${describeErrno(error)}`, "", 0);
  }
}
