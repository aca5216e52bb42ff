import type { ConfigFiles } from "./files.ts";
import { fallbackDirectives } from "./known-directives.ts";
import type { Module } from "./module.ts";
import { parseConfig } from "./parser.ts";
import type { Cycle } from "./scope.ts";
import type { Block } from "./tree.ts";
import { createWalker, directivesOf } from "./walk.ts";

/** What one reading of a configuration starts from. */
export interface CycleOptions {
  /** Ends with "/". */
  readonly prefix: string;
  /** Ends with "/". */
  readonly confDirectory: string;
  /** In order; their directives come before what is only known. */
  readonly modules: readonly Module[];
  readonly files: ConfigFiles;
  readonly notice: Cycle["notice"];
}

export function createCycle(options: CycleOptions): Cycle {
  const { prefix, confDirectory, files, notice } = options;
  const specs = [...directivesOf(options.modules), ...fallbackDirectives()];
  const walker = createWalker(specs, files, confDirectory);
  return {
    prefix,
    confDirectory,
    notice,
    readFile: (path) => files.readBytes(path),
    walk: (block, scope) => walker.walk(block, scope),
    entries: (block, scope, apply) => walker.entries(block, scope, apply),
  };
}

/**
 * Reads the main configuration file into a tree.
 *
 * @throws ConfigError when it cannot be opened; syntax errors are in the tree.
 */
export function readMainFile(path: string, files: ConfigFiles): Block {
  return parseConfig(files.read(path), path);
}

/** The full name of a file that a directive names; `base` (prefix or conf directory) ends with "/". */
export function fullName(path: string, base: string): string {
  return path.startsWith("/") ? path : base + path;
}
