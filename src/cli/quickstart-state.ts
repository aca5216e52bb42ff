import { mkdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/**
 * A directory that belongs to this user and outlives the process: `$XDG_STATE_HOME/longhaul`, else
 * `~/.local/state/longhaul`, else one below the system's directory of temporary files.
 *
 * @throws the file system's error when none of them can be made.
 */
export async function stateDirectory(environment: NodeJS.ProcessEnv): Promise<string> {
  const base = environment["XDG_STATE_HOME"] ?? "";
  const home = path.isAbsolute(base) ? base : path.join(os.homedir(), ".local", "state");
  const preferred = path.join(home, "longhaul");
  try {
    return await makePrivate(preferred);
  } catch {
    return await makePrivate(path.join(os.tmpdir(), `longhaul-${os.userInfo().username}`));
  }
}

async function makePrivate(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}
