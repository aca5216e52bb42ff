/**
 * A configuration as nginx 1.22 knows it, where HTTP/2 is a parameter of `listen`: what says `http2 on;` gets the parameter
 * on each of its `listen` lines instead; what says `http2 off;` says nothing. Case files write `server {` on a line of
 * its own, and `http2 on;` in front of the servers when it holds for all.
 */
export function forNginx122(config: string): string {
  const lines = config.split("\n");
  const everywhere = lines.slice(0, firstServer(lines)).some((line) => /^\s*http2 on;/.test(line));
  let start = firstServer(lines);
  while (start < lines.length) {
    const end = endOfBlock(lines, start);
    const block = lines.slice(start, end);
    const off = block.some((line) => /^\s*http2 off;/.test(line));
    if (block.some((line) => /^\s*http2 on;/.test(line)) || (everywhere && !off)) {
      for (let i = start; i < end; i++) lines[i] = withHttp2(lines[i] ?? "");
    }
    const next = lines.slice(end).findIndex((line) => line.startsWith("server {"));
    start = next < 0 ? lines.length : end + next;
  }
  return lines.filter((line) => !/^\s*http2 (?:on|off);/.test(line)).join("\n");
}

function firstServer(lines: readonly string[]): number {
  const found = lines.findIndex((line) => line.startsWith("server {"));
  return found < 0 ? lines.length : found;
}

/** The line after the block that begins at `start`; its end is not indented. */
function endOfBlock(lines: readonly string[], start: number): number {
  const length = lines.slice(start).findIndex((line) => line.startsWith("}"));
  return length < 0 ? lines.length : start + length + 1;
}

function withHttp2(line: string): string {
  return /^\s*listen .*\bhttp2\b/.test(line) ? line : line.replace(/^(\s*listen [^;]+);/, "$1 http2;");
}
