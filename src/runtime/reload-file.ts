/**
 * The file beside the pid file by which `longhaul -s reload` learns what the running process made of its
 * signal. It is there only while somebody waits for the answer, so that each of several gets its own.
 */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, basename, join } from "node:path";

/** What the file says; nothing yet in one that is empty. */
export type ReloadAnswer =
  /** The signal has come; the outcome will follow. */
  | { readonly kind: "taken" }
  /** Why the configuration is not in use, in lines for the terminal; none when it is. */
  | { readonly kind: "over"; readonly failures: readonly string[] };

/** Asks the process `pid`, which reads latin1 `pidFile`. Returns the file's path. @throws Error with `code` */
export function askForOutcome(pidFile: string, pid: number): string {
  const path = `${decoded(pidFile)}.reload-${process.pid}`;
  rmSync(path, { force: true });
  const file = openSync(path, "wx", 0o600);
  letWrite(file, pid);
  closeSync(file);
  return path;
}

/** A file of root's is for the process to write in, whoever that belongs to. */
function letWrite(file: number, pid: number): void {
  if (process.getuid?.() !== 0) return;
  try {
    fchownSync(file, ownerOf(pid), 0);
  } catch {
    // It will not answer then, which is told.
  }
}

/** Not the owner of `/proc/PID`: that stays root when the process has become another user. */
export function ownerOf(pid: number): number {
  const [, effective = "0"] =
    /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(effective);
}

/** What has become of the reload, as far as it is told; null while there is no answer. */
export function outcomeIn(path: string): ReloadAnswer | null {
  try {
    return JSON.parse(readFileSync(path, "utf8").trimEnd()) as ReloadAnswer;
  } catch {
    return null;
  }
}

/** Those who wait for what becomes of a signal. */
export class ReloadAskers {
  private readonly descriptors: readonly number[];

  /** Finds them and tells them that the signal has come. `pidFile`: latin1. */
  constructor(pidFile: string) {
    this.descriptors = openAll(decoded(pidFile));
    this.write({ kind: "taken" });
  }

  /** To be called once. */
  answer(failures: readonly string[]): void {
    this.write({ kind: "over", failures });
    for (const descriptor of this.descriptors) closeSync(descriptor);
  }

  private write(answer: ReloadAnswer): void {
    // Long enough to cover what is there; readers take the spaces away.
    const line = JSON.stringify(answer).padEnd(JSON.stringify({ kind: "taken" }).length);
    for (const descriptor of this.descriptors) {
      try {
        writeSync(descriptor, line, 0);
      } catch {
        // Whoever asks says that there is no answer.
      }
    }
  }
}

function openAll(pidFile: string): number[] {
  const prefix = `${basename(pidFile)}.reload-`;
  const descriptors: number[] = [];
  for (const name of namesIn(dirname(pidFile))) {
    if (!name.startsWith(prefix)) continue;
    const descriptor = openWaiting(join(dirname(pidFile), name));
    if (descriptor !== null) descriptors.push(descriptor);
  }
  return descriptors;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Null for what nobody waits for any more, or is not a file that may be written in. */
function openWaiting(path: string): number | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  const file = fstatSync(descriptor);
  const isOurs = file.uid === process.getuid?.() || file.uid === 0;
  if (file.isFile() && isOurs && file.nlink === 1 && file.size === 0) return descriptor;
  closeSync(descriptor);
  // Whoever asked was ended before it could take its file away.
  if (file.isFile() && isOurs && hasEnded(Number(path.slice(path.lastIndexOf("-") + 1)))) {
    rmSync(path, { force: true });
  }
  return null;
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

function decoded(path: string): string {
  return Buffer.from(path, "latin1").toString();
}
