/** Opening the files that requests name, with `disable_symlinks` where it is set. */
import { closeSync, constants, fstatSync, lstatSync, openSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { systemPath } from "../../config/system-path.ts";
import type { Request } from "../request/request.ts";

/** Without O_NONBLOCK a FIFO would hold up everything. */
const toRead = constants.O_RDONLY | constants.O_NONBLOCK;

/** Linux: the descriptor only stands for a place in the tree; no right to read is needed. */
const O_PATH = 0o10000000;

/**
 * Opens a file for reading. @throws the system's errors; ELOOP for a link that must not be followed
 *
 * @param path one character per byte
 */
export function openFile(request: Request, path: string): number {
  const way = wayTo(request, path);
  return way === null ? openSync(systemPath(path), toRead) : openAlong(way, toRead);
}

/** What a path leads to. @throws like `openFile` */
export function statFile(request: Request, path: string): Stats {
  const way = wayTo(request, path);
  if (way === null) return statSync(systemPath(path));
  const descriptor = openAlong(way, O_PATH);
  try {
    return fstatSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The system call that a failure is told of. */
export function nameOfOpen({ location }: Request): "open" | "openat" {
  return location.core.symlinks === null ? "open" : "openat";
}

/** How a path is walked: from a directory that is trusted, name by name. */
interface Way {
  readonly start: string;
  readonly names: readonly string[];
  readonly followOwn: boolean;
}

/** Null: the path is opened as it is. */
function wayTo(request: Request, path: string): Way | null {
  const { symlinks } = request.location.core;
  if (symlinks === null) return null;
  const from = symlinks.from?.evaluate(request) ?? "";
  const trusted = from !== "" && path.startsWith(from) ? trustedLength(path, from.length) : 0;
  if (trusted === path.length) return null;
  return {
    start: trusted === 0 ? "/" : path.slice(0, trusted),
    names: namesOf(path.slice(trusted)),
    followOwn: symlinks.mode === "if_not_owner",
  };
}

/** The part that is not checked ends where a name ends. */
function trustedLength(path: string, length: number): number {
  if (length === path.length || path[length] === "/") return length;
  return path[length - 1] === "/" ? length - 1 : 0;
}

/** A slash at the end asks for the directory itself. */
function namesOf(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  if (path.endsWith("/")) names.push(".");
  return names;
}

function openAlong({ start, names, followOwn }: Way, flags: number): number {
  let descriptor = openSync(systemPath(start), O_PATH | constants.O_DIRECTORY);
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    try {
      const wanted = isLast ? flags : O_PATH | constants.O_DIRECTORY;
      const next = followOwn ? openOwned(descriptor, name, wanted) : openNoLink(descriptor, name, wanted);
      closeSync(descriptor);
      descriptor = next;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }
  return descriptor;
}

/**
 * A name below an open directory, as openat() takes it: what the path leads through meanwhile does not matter.
 */
function below(directory: number, name: string): string | Buffer {
  return systemPath(`/proc/self/fd/${directory}/${name}`);
}

function openNoLink(directory: number, name: string, flags: number): number {
  const descriptor = openSync(below(directory, name), flags | constants.O_NOFOLLOW);
  // With O_PATH, a link is opened itself.
  if ((flags & O_PATH) === 0 || !fstatSync(descriptor).isSymbolicLink()) return descriptor;
  closeSync(descriptor);
  throw linkError();
}

/**
 * Follows a link to what its owner owns. Whatever stands at the name may have been exchanged between the two
 * looks at it, so the owners are compared even where there is no link, as in nginx.
 */
function openOwned(directory: number, name: string, flags: number): number {
  const descriptor = openSync(below(directory, name), flags);
  try {
    if (fstatSync(descriptor).uid !== lstatSync(below(directory, name)).uid) throw linkError();
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function linkError(): Error {
  return Object.assign(new Error("a symbolic link is not followed"), { code: "ELOOP" });
}
