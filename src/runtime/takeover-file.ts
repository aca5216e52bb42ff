/**
 * The file beside the pid file by which a new version that was started beside a running one asks to take
 * over, and by which it is told why not.
 */
import {
  closeSync,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { Program } from "./background.ts";
import { ownerOf } from "./reload-file.ts";

const othersMayWrite = 0o022;

/** What the file says to the process that asked. */
export interface TakeoverAnswer {
  /** Why the new process does not serve; null while nothing is known. */
  readonly failure: string | null;
}

/** `pidFile`: latin1. */
function nameOf(pidFile: string): string {
  return `${Buffer.from(pidFile, "latin1").toString()}.takeover`;
}

/** Asks the process `pid`, which may be another user's by now if root started it. @throws Error with `code` */
export function writeRequest(pidFile: string, pid: number, program: Program): void {
  rmSync(nameOf(pidFile), { force: true });
  const file = openSync(nameOf(pidFile), "wx", 0o600);
  try {
    writeFileSync(file, JSON.stringify(program));
    if (process.getuid?.() === 0) fchownSync(file, ownerOf(pid), 0);
  } finally {
    closeSync(file);
  }
}

/** The program that is to take over; null when nobody asked, or somebody who may not say what runs here. */
export function readRequest(pidFile: string): Program | null {
  try {
    const file = openSync(nameOf(pidFile), "r");
    try {
      const { uid, mode } = fstatSync(file);
      const isOurs = uid === process.getuid?.() || uid === 0;
      return isOurs && (mode & othersMayWrite) === 0 ? programOf(readFileSync(file, "utf8")) : null;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

function programOf(text: string): Program | null {
  const { file, args, cwd } = JSON.parse(text) as Partial<Program>;
  if (typeof file !== "string" || typeof cwd !== "string" || !Array.isArray(args)) return null;
  return { file, args: args.map(String), cwd };
}

/** Writes the answer in the place of the request. Does nothing where that was taken away: nobody waits then. */
export function writeAnswer(pidFile: string, answer: TakeoverAnswer): void {
  try {
    truncateSync(nameOf(pidFile));
    writeFileSync(nameOf(pidFile), JSON.stringify(answer), { flag: "r+" });
  } catch {
    // Nobody waits for it any more.
  }
}

/** What the running process has answered; null while the request stands, and where there is neither. */
export function readAnswer(pidFile: string): TakeoverAnswer | null {
  try {
    const { failure } = JSON.parse(
      readFileSync(nameOf(pidFile), "utf8").trimEnd(),
    ) as Partial<TakeoverAnswer>;
    return failure === undefined ? null : { failure };
  } catch {
    return null;
  }
}

/**
 * Takes the request, or the answer in its place, away. Idempotent.
 * @throws Error with `code` when the directory does not allow it
 */
export function removeRequest(pidFile: string): void {
  rmSync(nameOf(pidFile), { force: true });
}
