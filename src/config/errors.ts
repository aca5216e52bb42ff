/** Stands for a file's name where directives come from the `-g` option. */
export const COMMAND_LINE = "command line";

/**
 * A configuration that cannot be used. The message names the place, as nginx's does: `… in nginx.conf:12`. `line` is 0
 * when the error belongs to no line.
 */
export class ConfigError extends Error {
  readonly file: string;
  readonly line: number;

  /** `reason`: without the place. */
  constructor(reason: string, file: string, line: number) {
    super(describeAt(reason, file, line));
    this.name = "ConfigError";
    this.file = file;
    this.line = line;
  }

  /** The text after `[emerg] `, as nginx prints it. */
  describe(): string {
    return this.message;
  }
}

/** A message with its place, as nginx prints it: `… in nginx.conf:12` or `… in command line`. */
export function describeAt(message: string, file: string, line: number): string {
  if (file === COMMAND_LINE) return `${message} in ${COMMAND_LINE}`;
  return line > 0 ? `${message} in ${file}:${line}` : message;
}

/** System errors by code, with the numbers and words that nginx's messages carry on Linux. */
const ERRNO: Readonly<Record<string, readonly [number, string]>> = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  ESRCH: [3, "No such process"],
  EIO: [5, "Input/output error"],
  ENXIO: [6, "No such device or address"],
  EACCES: [13, "Permission denied"],
  EEXIST: [17, "File exists"],
  ENOTDIR: [20, "Not a directory"],
  EISDIR: [21, "Is a directory"],
  EINVAL: [22, "Invalid argument"],
  ENFILE: [23, "Too many open files in system"],
  EMFILE: [24, "Too many open files"],
  ENOSPC: [28, "No space left on device"],
  EROFS: [30, "Read-only file system"],
  EPIPE: [32, "Broken pipe"],
  ENAMETOOLONG: [36, "File name too long"],
  ELOOP: [40, "Too many levels of symbolic links"],
  EAFNOSUPPORT: [97, "Address family not supported by protocol"],
  EADDRINUSE: [98, "Address already in use"],
  EADDRNOTAVAIL: [99, "Cannot assign requested address"],
  ENETUNREACH: [101, "Network is unreachable"],
  ECONNRESET: [104, "Connection reset by peer"],
  ETIMEDOUT: [110, "Connection timed out"],
  ECONNREFUSED: [111, "Connection refused"],
  EHOSTUNREACH: [113, "No route to host"],
};

/** "(111: Connection refused)" for "ECONNREFUSED"; the code itself where it is no known system error. */
export function describeSystemError(code: string): string {
  const known = ERRNO[code];
  return known === undefined ? `(${code})` : `(${known[0]}: ${known[1]})`;
}

/** `(2: No such file or directory)` for a failed system call, in nginx's form. */
export function describeErrno(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = ERRNO[code];
  if (known !== undefined) return `(${known[0]}: ${known[1]})`;
  const text = error instanceof Error ? error.message : String(error);
  return `(${code === "" ? text : `${code}: ${text}`})`;
}

const MISSING = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** True for a failed system call that says: there is nothing of that name. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && MISSING.has(String(error.code));
}
