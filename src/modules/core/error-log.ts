import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { logLevels } from "../../gateway/log/error-log.ts";
import type { LogLevel, LogSink } from "../../gateway/log/error-log.ts";
import type { LogFiles } from "../../gateway/log/log-files.ts";
import { isSyslog, readSyslog } from "../../gateway/log/syslog.ts";

/** One `error_log` line. */
export interface ErrorLogTarget {
  readonly sink: LogSink;
  readonly level: LogLevel;
}

/**
 * `error_log file [level];` opens the file.
 * @throws ConfigError for a file that cannot be opened, or an unknown level
 */
export function readErrorLog(scope: Scope, { args }: Directive, logs: LogFiles): ErrorLogTarget {
  const [path = "", word = "error", ...rest] = args;
  const level = logLevels.find((known) => known === word);
  if (level === undefined || level === "stderr") return scope.fail(`invalid log level "${word}"`);
  if (rest.length > 0) scope.fail(`invalid log level "${rest[0]}"`);
  if (path === "stderr") return { sink: logs.stderr, level };
  if (isSyslog(path)) return { sink: logs.syslog(readSyslog(scope, path)), level };
  if (path.startsWith("memory:")) {
    scope.fail('"memory:" in the "error_log" directive is not supported by longhaul');
  }
  return { sink: logs.open(path.startsWith("/") ? path : scope.cycle.prefix + path), level };
}
