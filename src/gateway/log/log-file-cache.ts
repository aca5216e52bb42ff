import { fstatSync, statSync, writeSync } from "node:fs";
import { describeErrno } from "../../config/errors.ts";
import type { Clock, Timer } from "../../net/clock.ts";
import { closeOwn, openForAppending } from "./log-file.ts";

/** `open_log_file_cache`. */
export interface LogFileCaching {
  /** Files that are kept open at most. */
  readonly max: number;
  /** A file that nobody has written to for so long is closed. */
  readonly inactiveMs: number;
  /** Lines within that time from which on a file is kept open. */
  readonly minUses: number;
  /** After so long it is looked at whether the file still has its name. */
  readonly validMs: number;
}

interface OpenLog {
  descriptor: number | null;
  uses: number;
  usedMs: number;
  checkedMs: number;
}

/** Log files whose paths have variables, kept open between their lines. */
export class LogFileCache {
  private readonly caching: LogFileCaching;
  private readonly clock: Clock;
  /** The one that was used last stands last. */
  private readonly logs = new Map<string, OpenLog>();
  private timer: Timer | null = null;

  constructor(caching: LogFileCaching, clock: Clock) {
    this.caching = caching;
    this.clock = clock;
  }

  /** Writes a line; answers with the failure in nginx's words, or null. */
  append(path: string, line: string): string | null {
    const now = this.clock.now();
    const log = this.take(path, now);
    try {
      log.descriptor ??= openForAppending(path);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    try {
      writeSync(log.descriptor, Buffer.from(line, "latin1"));
      return null;
    } catch (error) {
      return `write() to "${path}" failed ${describeErrno(error)}`;
    } finally {
      this.keep(path, log, now);
    }
  }

  /** What is known of a file, which is not in the cache until it is kept. */
  private take(path: string, now: number): OpenLog {
    const log = this.logs.get(path);
    if (log === undefined) return { descriptor: null, uses: 0, usedMs: now, checkedMs: now };
    this.logs.delete(path);
    if (log.descriptor !== null && now - log.checkedMs >= this.caching.validMs) {
      log.checkedMs = now;
      if (!hasName(log.descriptor, path)) close(log);
    }
    return log;
  }

  private keep(path: string, log: OpenLog, now: number): void {
    const { max, minUses, inactiveMs } = this.caching;
    log.uses = now - log.usedMs > inactiveMs ? 1 : log.uses + 1;
    log.usedMs = now;
    if (log.uses < minUses) close(log);
    this.logs.set(path, log);
    if (this.logs.size > max) this.drop(this.logs.keys().next().value!);
    this.timer ??= this.clock.timer(inactiveMs, () => this.closeUnused());
  }

  /** Also what remains of a cache whose configuration is not in use any more. */
  private closeUnused(): void {
    this.timer = null;
    const now = this.clock.now();
    for (const [path, { usedMs }] of this.logs) if (now - usedMs >= this.caching.inactiveMs) this.drop(path);
    if (this.logs.size > 0) this.timer = this.clock.timer(this.caching.inactiveMs, () => this.closeUnused());
  }

  private drop(path: string): void {
    close(this.logs.get(path)!);
    this.logs.delete(path);
  }
}

function close(log: OpenLog): void {
  if (log.descriptor !== null) closeOwn(log.descriptor);
  log.descriptor = null;
}

/** Whether the file that is open is the one at this path. */
function hasName(descriptor: number, path: string): boolean {
  try {
    const open = fstatSync(descriptor);
    const named = statSync(Buffer.from(path, "latin1"));
    return open.ino === named.ino && open.dev === named.dev;
  } catch {
    return false;
  }
}
