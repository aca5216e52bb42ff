import { readFileSync, readdirSync, statSync } from "node:fs";
import { ConfigError, describeErrno } from "./errors.ts";

/** A configuration file as it was read. */
export interface SourceFile {
  readonly path: string;
  /** One character per byte. */
  readonly text: string;
}

/** The files that a configuration is made of. Paths are latin1 strings, one character per byte. */
export interface ConfigFiles {
  /** @throws ConfigError `open() "…" failed (2: No such file or directory)`, without a place. */
  read(path: string): string;
  /** Any other file that a directive names; read once. @throws ConfigError as `read` does */
  readBytes(path: string): Buffer;
  /** Existing paths that match a pattern of glob(3), sorted by bytes. */
  glob(pattern: string): string[];
  /** Everything read so far, in order of the first reading; what `-T` prints. */
  readonly sources: readonly SourceFile[];
}

/** The system's files. */
export class DiskFiles implements ConfigFiles {
  readonly #sources = new Map<string, SourceFile>();
  /** Two servers with one certificate have the same one, and a pipe can be read but once. */
  readonly #bytes = new Map<string, Buffer>();

  get sources(): readonly SourceFile[] {
    return [...this.#sources.values()];
  }

  read(path: string): string {
    const text = readFile(path).toString("latin1");
    if (!this.#sources.has(path)) this.#sources.set(path, { path, text });
    return text;
  }

  readBytes(path: string): Buffer {
    const bytes = this.#bytes.get(path) ?? readFile(path);
    this.#bytes.set(path, bytes);
    return bytes;
  }

  glob(pattern: string): string[] {
    return glob(pattern);
  }
}

/** @throws ConfigError in nginx's words, without a place */
function readFile(text: string): Buffer {
  // What the system's calls are given ends at a NUL.
  const [path = ""] = text.split("\0", 1);
  try {
    return readFileSync(pathBytes(path));
  } catch (error) {
    const isDirectory = error instanceof Error && "code" in error && error.code === "EISDIR";
    const call = isDirectory ? "pread" : "open";
    throw new ConfigError(`${call}() "${path}" failed ${describeErrno(error)}`, "", 0);
  }
}

/** The bytes of a path for the system's calls. */
function pathBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

const WILDCARD = /[*?[]/;

function glob(pattern: string): string[] {
  const absolute = pattern.startsWith("/");
  let found = [absolute ? "/" : ""];
  for (const segment of pattern.split("/").filter((part) => part !== "")) {
    found = found.flatMap((directory) => matchSegment(directory, segment));
  }
  return found
    .map((path) => path.slice(0, -1))
    .filter(exists)
    .sort(compareBytes);
}

/** Paths with a trailing slash for every entry of a directory that a pattern without slashes matches. */
function matchSegment(directory: string, segment: string): string[] {
  if (!WILDCARD.test(segment)) return [`${directory}${segment.replace(/\\(.)/g, "$1")}/`];
  const matches = globExpression(segment);
  return entriesOf(directory === "" ? "." : directory)
    .filter((name) => matches.test(name) && (!name.startsWith(".") || segment.startsWith(".")))
    .map((name) => `${directory}${name}/`);
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(pathBytes(directory), { encoding: "latin1" });
  } catch {
    // As in glob(3): what cannot be read holds nothing.
    return [];
  }
}

function exists(path: string): boolean {
  try {
    statSync(pathBytes(path));
    return true;
  } catch {
    return false;
  }
}

const TOKEN = /\*|\?|\[([!^]?)(\]?[^\]]*)\]|\\([^])|[^]/g;

/** A regular expression for one segment of a pattern of glob(3). */
function globExpression(segment: string): RegExp {
  const source = segment.replace(
    TOKEN,
    (
      token: string,
      negation: string | undefined,
      members: string | undefined,
      escaped: string | undefined,
    ) => {
      if (token === "*") return "[^]*";
      if (token === "?") return "[^]";
      if (members !== undefined)
        return `[${negation === "" ? "" : "^"}${members.replace(/[\\\]^]/g, "\\$&")}]`;
      return (escaped ?? token).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    },
  );
  return new RegExp(`^${source}$`);
}

function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
