import type { CommandLine } from "../config/command-line.ts";
import type { Launch } from "../gateway/serve/launch.ts";
import type { Configuration } from "./configuration.ts";
import type { MemoryDraft } from "./common-memory.ts";
import type { RecordingFiles, Snapshot } from "./snapshot.ts";

/** A configuration as the main thread has read it, and what workers need to come to the same. */
export interface Generation {
  readonly configuration: Configuration;
  readonly memory: MemoryDraft;
  readonly snapshot: Snapshot;
  /** Threads that accept. */
  readonly workers: number;
}

/**
 * Puts a configuration that was read together with all that a worker, which cannot be sent functions, needs to
 * read the same again: the files, the names' addresses and the shared memory.
 */
export function makeGeneration(
  configuration: Configuration,
  init: {
    readonly commandLine: CommandLine;
    readonly files: RecordingFiles;
    readonly names: ReadonlyMap<string, readonly string[]>;
    readonly memory: MemoryDraft;
    readonly launch: Launch;
    readonly workers: number;
  },
): Generation {
  const { commandLine, files, names, memory, launch, workers } = init;
  const snapshot = {
    commandLine,
    byRoot: launch.byRoot,
    files: files.recorded,
    names,
    regions: memory.shared.used,
    peerRows: memory.peerRows.rows,
    ticketSecret: new Uint8Array(memory.ticketSecret),
  };
  return { configuration, memory, snapshot, workers };
}
