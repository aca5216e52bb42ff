import { lstat, mkdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

const othersMayWrite = 0o022;

/**
 * A directory that belongs to this user and outlives the process: `$XDG_STATE_HOME/longhaul`, else
 * `~/.local/state/longhaul`, else one below the system's directory of temporary files.
 *
 * @throws Error when none of them can be made
 */
export async function stateDirectory(environment: NodeJS.ProcessEnv): Promise<string> {
  const base = environment["XDG_STATE_HOME"] ?? "";
  try {
    // There may be no home to tell of.
    const home = path.isAbsolute(base) ? base : path.join(os.homedir(), ".local", "state");
    return await makePrivate(path.join(home, "longhaul"));
  } catch {
    return await makeOwn(path.join(os.tmpdir(), `longhaul-${userName()}`));
  }
}

/** Whom this process belongs to: the user's number where the system has no name for it, as in many a container. */
export function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "");
  }
}

async function makePrivate(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Where everybody may make directories: one that somebody else has made there must not get our key. */
async function makeOwn(directory: string): Promise<string> {
  await makePrivate(directory);
  const found = await lstat(directory);
  const isOurs = process.getuid === undefined || found.uid === process.getuid();
  if (found.isDirectory() && isOurs && (found.mode & othersMayWrite) === 0) return directory;
  throw new Error(`"${directory}" is there already, and not this user's alone`);
}
