import type { CommandLine } from "../config/command-line.ts";
import { ConfigError } from "../config/errors.ts";
import { DiskFiles } from "../config/files.ts";
import type { ConfigFiles, SourceFile } from "../config/files.ts";
import type { RowMap } from "../gateway/balance/peer-rows.ts";

/**
 * All that a configuration was compiled from in the main thread. A worker that compiles it again comes to
 * the same, whatever has changed on disk or in the DNS meanwhile.
 */
export interface Snapshot {
  readonly commandLine: CommandLine;
  readonly byRoot: boolean;
  readonly files: RecordedFiles;
  /** Addresses by host name. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Zones by name. */
  readonly regions: ReadonlyMap<string, SharedArrayBuffer>;
  readonly peerRows: RowMap;
  readonly ticketSecret: Uint8Array | null;
}

/** What was read, and what patterns have matched. */
interface RecordedFiles {
  readonly texts: Map<string, string>;
  readonly bytes: Map<string, Uint8Array>;
  readonly globs: Map<string, readonly string[]>;
}

/** The system's files; keeps what they gave. */
export class RecordingFiles extends DiskFiles {
  readonly recorded: RecordedFiles = { texts: new Map(), bytes: new Map(), globs: new Map() };

  override read(path: string): string {
    const text = super.read(path);
    this.recorded.texts.set(path, text);
    return text;
  }

  override readBytes(path: string): Buffer {
    const bytes = super.readBytes(path);
    // A copy of its own: a message would take along all of the memory that a buffer lies in.
    this.recorded.bytes.set(path, new Uint8Array(bytes));
    return bytes;
  }

  override glob(pattern: string): string[] {
    const paths = super.glob(pattern);
    this.recorded.globs.set(pattern, paths);
    return paths;
  }
}

/** Files as a snapshot has them. */
export class SnapshotFiles implements ConfigFiles {
  readonly sources: readonly SourceFile[] = [];
  private readonly recorded: RecordedFiles;

  constructor(recorded: RecordedFiles) {
    this.recorded = recorded;
  }

  read(path: string): string {
    return this.recorded.texts.get(path) ?? missing(path);
  }

  readBytes(path: string): Buffer {
    const bytes = this.recorded.bytes.get(path);
    return bytes === undefined ? missing(path) : Buffer.from(bytes);
  }

  glob(pattern: string): string[] {
    return [...(this.recorded.globs.get(pattern) ?? [])];
  }
}

function missing(path: string): never {
  throw new ConfigError(`open() "${path}" failed (2: No such file or directory)`, "", 0);
}
