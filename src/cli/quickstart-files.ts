import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The demonstration's files by their path below its folder, when the program carries them inside. */
let carried: Readonly<Record<string, string>> | null = null;

/** Called by the entry of the single-file executable, which has no folder to read them from. */
export function carryQuickstartFiles(files: Readonly<Record<string, string>>): void {
  carried = files;
}

/**
 * The folder with the demonstration's configuration and page, ending with "/". Files that the program
 * carries are laid down below `state` first.
 */
export async function quickstartFolder(state: string): Promise<string> {
  if (carried === null) return fileURLToPath(new URL("../../quickstart/", import.meta.url));
  const folder = path.join(state, "quickstart-files");
  for (const [name, text] of Object.entries(carried)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return `${folder}/`;
}
