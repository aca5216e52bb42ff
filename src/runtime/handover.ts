/** What root leaves to the user whom a process will belong to. */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describeErrno } from "../config/errors.ts";
import type { SystemUser } from "../config/system-users.ts";
import { PrivilegeError } from "./privileges.ts";

const ownerAll = 0o700;

/**
 * Makes the folders of temporary files, as nginx does, and gives them to the user. Latin1 paths.
 * @throws PrivilegeError in nginx's words
 */
export function giveFolders(paths: Iterable<string>, { uid }: SystemUser): void {
  for (const path of paths) {
    const folder = decoded(path);
    attempt(`mkdir() "${path}"`, () => makeFolder(folder, ownerAll));
    const descriptor = openFolder(folder);
    if (descriptor === null) continue;
    try {
      const { mode, uid: owner } = fstatSync(descriptor);
      if (owner !== uid) attempt(`chown("${path}", ${uid})`, () => fchownSync(descriptor, uid, -1));
      if ((mode & ownerAll) !== ownerAll)
        attempt(`chmod() "${path}"`, () => fchmodSync(descriptor, mode | ownerAll));
    } finally {
      closeSync(descriptor);
    }
  }
}

/**
 * Null for what is no folder itself: root must not give away what somebody has made a link to, be it after it was
 * looked at.
 */
function openFolder(folder: string): number | null {
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return null;
  }
}

/** What cannot be done any more by the user that this process has become, each with its consequence. */
export function lostAbilities(
  { name }: SystemUser,
  { configFile, workerEntry, hasThreads }: { configFile: string; workerEntry: URL; hasThreads: boolean },
): string[] {
  const lost: string[] = [];
  if (!canRead(decoded(configFile))) {
    lost.push(`"${configFile}" cannot be read by user "${name}": a reload is refused, a restart is needed`);
  }
  const program = workerEntry.protocol === "file:" ? fileURLToPath(workerEntry) : "";
  // A single-file executable carries it inside.
  const isCarried = program === "" || program.startsWith("/$bunfs/");
  if (hasThreads && !isCarried && !canRead(program)) {
    lost.push(`"${program}" cannot be read by user "${name}": a worker thread that dies is not replaced`);
  }
  return lost;
}

/** Not by the runtime's own way: Node (26) tries for ever where the system has no place for one. */
function makeFolder(folder: string, mode: number): void {
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder), 0o755);
    mkdirSync(folder, mode);
  }
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function attempt(call: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new PrivilegeError(`${call} failed ${describeErrno(error)}`);
  }
}

function decoded(path: string): string {
  return Buffer.from(path, "latin1").toString();
}
