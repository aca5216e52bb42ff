import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { downloadBytes, downloadPeriodBytes, paths, pattern, smallFileBody } from "./wire.ts";

/** Writes the files of the rows that the proxies answer from disk, below `directory`; the root to serve. */
export function makeStaticFiles(directory: string): string {
  const root = join(directory, "root");
  mkdirSync(join(root, dirname(paths.smallFile)), { recursive: true });
  writeFileSync(join(root, paths.smallFile), smallFileBody);
  const periods = downloadBytes / downloadPeriodBytes;
  const body = Buffer.concat(Array.from({ length: periods }, () => pattern(downloadPeriodBytes)));
  writeFileSync(join(root, paths.largeFile), body);
  return root;
}
