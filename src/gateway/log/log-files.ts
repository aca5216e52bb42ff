import type { LogSink } from "./error-log.ts";
import type { SyslogOptions } from "./syslog.ts";

/** How `access_log … buffer= flush= gzip=` delays its lines. */
export interface LogBuffering {
  /** Lines are written once this many bytes of them wait. */
  readonly bytes: number;
  /** Milliseconds after which a waiting line is written at the latest; 0 for no limit. */
  readonly flushMs: number;
  /** Level of gzip, 1 to 9, for what is written together; 0 writes plain text. */
  readonly gzipLevel: number;
}

/** The open log files of a process: one sink per path, however many directives name it. */
export interface LogFiles {
  /**
   * The sink that appends to a file; opened at once so that a bad path is told at start.
   * @throws ConfigError `open() "…" failed (2: No such file or directory)`
   */
  open(path: string, buffering?: LogBuffering): LogSink;
  /** The sink that sends lines to a syslog server. */
  syslog(options: SyslogOptions): LogSink;
  readonly stderr: LogSink;
  /** Opens every file anew by its path, after it was moved away (USR1). */
  reopen(): void;
  /** Writes out what is buffered. */
  flush(): void;
}
