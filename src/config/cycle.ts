import type { Pace } from "../net/pace.ts";
import type { ConfigFiles } from "./files.ts";
import { fallbackDirectives } from "./known-directives.ts";
import type { Module } from "./module.ts";
import { parseInTurns } from "./parser.ts";
import type { Cycle } from "./scope.ts";
import type { Block } from "./tree.ts";
import { DirectiveIndex, createWalker, directivesOf } from "./walk.ts";
import type { Walker } from "./walk.ts";

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
  readonly pace: Pace;
}

/** The directives of the modules that were asked for last: nothing in it belongs to one configuration. */
let lastIndex: { readonly modules: readonly Module[]; readonly index: DirectiveIndex } | null = null;

/**
 * Begins the reading of one configuration: finds directives, reads files and applies what they say. After
 * `end`, all of that throws.
 */
export function createCycle(options: CycleOptions): Cycle {
  const { prefix, confDirectory, notice, pace } = options;
  let open: { readonly files: ConfigFiles; readonly walker: Walker } | null = {
    files: options.files,
    walker: createWalker(indexOf(options.modules), options.files, confDirectory, pace),
  };
  const reading = (): { readonly files: ConfigFiles; readonly walker: Walker } => {
    if (open === null) throw new Error("this configuration is read already");
    return open;
  };
  return {
    prefix,
    confDirectory,
    notice,
    pace,
    readFile: (path) => reading().files.readBytes(path),
    walk: (block, scope) => reading().walker.walk(block, scope),
    entries: (block, scope, apply) => reading().walker.entries(block, scope, apply),
    end: () => {
      open = null;
    },
  };
}

/** Made once: it takes 105 KiB, and with each reload a configuration may stay for its tunnels. */
function indexOf(modules: readonly Module[]): DirectiveIndex {
  if (lastIndex === null || !areSame(lastIndex.modules, modules)) {
    lastIndex = { modules, index: new DirectiveIndex([...directivesOf(modules), ...fallbackDirectives()]) };
  }
  return lastIndex.index;
}

function areSame(some: readonly Module[], others: readonly Module[]): boolean {
  return some.length === others.length && some.every((module, index) => module === others[index]);
}

/**
 * Reads the main configuration file into a tree.
 *
 * @throws ConfigError when it cannot be opened; syntax errors are in the tree.
 */
export async function readMainFile(path: string, files: ConfigFiles, pace: Pace): Promise<Block> {
  return await parseInTurns(files.read(path), path, pace);
}

/** The full name of a file that a directive names; `base` (prefix or conf directory) ends with "/". */
export function fullName(path: string, base: string): string {
  return path.startsWith("/") ? path : base + path;
}
