/** What the tests of this room share: a reading of configuration text without a disk. */
import { noPace } from "../net/pace.ts";
import { ConfigError } from "./errors.ts";
import type { ConfigFiles, SourceFile } from "./files.ts";
import type { Context, DirectiveSpec } from "./module.ts";
import { parseConfig } from "./parser.ts";
import { Scope } from "./scope.ts";
import type { Cycle } from "./scope.ts";
import { DirectiveIndex, createWalker } from "./walk.ts";

/** A configuration that tests read bit by bit. */
export interface TestReading {
  readonly scope: Scope;
  /** Warnings and notices, as nginx would print them. */
  readonly remarks: string[];
  /** Reads text in the scope; the error's text with its place, or "ok". */
  read(text: string): Promise<string>;
}

/** Files by path, for `include`; relative ones are looked for in "/conf/". */
export function testReading(
  specs: readonly DirectiveSpec[],
  options: { readonly context?: Context; readonly files?: Readonly<Record<string, string>> } = {},
): TestReading {
  const remarks: string[] = [];
  const walker = createWalker(new DirectiveIndex(specs), memoryFiles(options.files ?? {}), "/conf/", noPace);
  const cycle: Cycle = {
    prefix: "/prefix/",
    confDirectory: "/conf/",
    notice: (level, message, file, line) => remarks.push(`[${level}] ${message} in ${file}:${line}`),
    pace: noPace,
    readFile: () => Buffer.alloc(0),
    walk: (block, scope) => walker.walk(block, scope),
    entries: (block, scope, apply) => walker.entries(block, scope, apply),
    end: () => undefined,
  };
  const scope = testScope(cycle, options.context ?? "http");
  return { scope, remarks, read: (text) => readIn(scope, text) };
}

/** A scope without settings, for directives to write to. */
export function testScope(cycle: Cycle, context: Context, parent: Scope | null = null): Scope {
  return new Scope({
    cycle,
    context,
    parent,
    mainSettings: new Map(),
    serverSettings: new Map(),
    locationSettings: new Map(),
  });
}

async function readIn(scope: Scope, text: string): Promise<string> {
  let failure = (): void => undefined;
  await scope.cycle.walk(parseConfig(text, "f"), scope).catch((error: unknown) => {
    failure = () => {
      throw error;
    };
  });
  return outcome(failure);
}

/** "ok", or the text of the ConfigError that `run` throws. */
export function outcome(run: () => void): string {
  try {
    run();
    return "ok";
  } catch (error) {
    if (error instanceof ConfigError) return error.describe();
    throw error;
  }
}

function memoryFiles(files: Readonly<Record<string, string>>): ConfigFiles {
  const sources: SourceFile[] = [];
  const textOf = (path: string): string => {
    const text = files[path];
    if (text !== undefined) return text;
    throw new ConfigError(`open() "${path}" failed (2: No such file or directory)`, "", 0);
  };
  return {
    sources,
    read(path) {
      const text = textOf(path);
      sources.push({ path, text });
      return text;
    },
    readBytes: (path) => Buffer.from(textOf(path), "latin1"),
    glob: (pattern) => {
      const [before = "", after = ""] = pattern.split("*");
      return Object.keys(files).filter((path) => path.startsWith(before) && path.endsWith(after));
    },
  };
}
