import type { SourceFile } from "./files.ts";

/** The text that `-T` prints: every file that was read, under its name. Latin1. */
export function dumpSources(sources: readonly SourceFile[]): string {
  return sources.map(({ path, text }) => `# configuration file ${path}:\n${text}\n`).join("");
}
