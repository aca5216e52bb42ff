/** What the system's calls take for a path that holds one byte per character. */
export function systemPath(path: string): string | Buffer {
  return /[^ -~]/.test(path) ? Buffer.from(path, "latin1") : path;
}
