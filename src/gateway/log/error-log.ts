import { isMainThread, threadId } from "node:worker_threads";
import type { Clock } from "../../net/clock.ts";

/** Severity, most severe first, with nginx's names. */
export const logLevels = [
  "stderr",
  "emerg",
  "alert",
  "crit",
  "error",
  "warn",
  "notice",
  "info",
  "debug",
] as const;
/** A severity, by the name that `error_log` gives it. */
export type LogLevel = (typeof logLevels)[number];

/** Of a line, its end included; longer ones are cut, as in nginx (NGX_MAX_ERROR_STR): clients choose much of them. */
const lineBytesMax = 2048;

/** Process and thread, as nginx tells them. */
const writer = `${process.pid}#${isMainThread ? process.pid : threadId}`;

/** Where lines go: a file that can be reopened, stderr, or a test's array. */
export interface LogSink {
  /** Takes one whole line, newline included, latin1. Lines of error logs have a level. */
  write(line: string, level?: LogLevel): void;
  /** Lines that were to be written at the end of the turn are written now; those that `buffer=` holds wait on. */
  settle?(): void;
}

/** The sinks of one `error_log` setting, each with its own threshold. */
export class ErrorLog {
  private targets: readonly { readonly sink: LogSink; readonly threshold: number }[] = [];
  private readonly clock: Clock;
  private most = -1;

  constructor(targets: readonly { sink: LogSink; level: LogLevel }[], clock: Clock) {
    this.clock = clock;
    this.retarget(targets);
  }

  /** Gives the log other sinks: the main log is in use before its directive has been read. */
  retarget(targets: readonly { sink: LogSink; level: LogLevel }[]): void {
    this.targets = targets.map(({ sink, level }) => ({ sink, threshold: logLevels.indexOf(level) }));
    this.most = Math.max(-1, ...this.targets.map((target) => target.threshold));
  }

  /** Where its lines go now. */
  get sinks(): LogSink[] {
    return this.targets.map(({ sink }) => sink);
  }

  /** Returns what gives the log back the sinks that it has now. */
  remember(): () => void {
    const { targets, most } = this;
    return () => {
      this.targets = targets;
      this.most = most;
    };
  }

  /** True when a message of this level would be written somewhere: ask before building a costly one. */
  enabled(level: LogLevel): boolean {
    return logLevels.indexOf(level) <= this.most;
  }

  /** Writes `message` in nginx's form. `connection` is the serial number of the client connection, or 0. */
  write(level: LogLevel, message: string, connection = 0): void {
    const severity = logLevels.indexOf(level);
    if (severity > this.most) return;
    const serial = connection > 0 ? `*${connection} ` : "";
    const text = `${localTime(this.clock.wall())} [${level}] ${writer}: ${serial}${message}`;
    const line = `${text.slice(0, lineBytesMax - 1)}\n`;
    for (const target of this.targets) if (severity <= target.threshold) target.sink.write(line, level);
  }
}

/** "2026/11/22 13:24:00", in local time, as the error log begins its lines. */
function localTime(wallMs: number): string {
  const date = new Date(wallMs);
  const day = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
