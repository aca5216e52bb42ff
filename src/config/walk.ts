import type { Pace } from "../net/pace.ts";
import { ConfigError } from "./errors.ts";
import type { ConfigFiles } from "./files.ts";
import type { ArgumentRule, Context, DirectiveSpec, Module } from "./module.ts";
import { beginOrigins, noteOrigin } from "./setting-origin.ts";
import { parseInTurns } from "./parser.ts";
import type { Cycle, Scope } from "./scope.ts";
import type { Block, Directive } from "./tree.ts";

/** Files that include each other in a circle are stopped here; nginx runs out of descriptors. */
const INCLUDE_DEPTH_MAX = 200;

/**
 * Blocks in each other at most: people write less than ten, and each takes room on the stack, also when settings
 * are merged and locations are looked for. nginx has no limit and dies of it.
 */
const NESTING_MAX = 200;

type Apply = (directive: Directive) => void | Promise<void>;

/** The part of a cycle that applies directives. */
export type Walker = Pick<Cycle, "walk" | "entries">;

/**
 * Directives by context and name. Where several stand for one name and context the first wins, so
 * modules come before the table of directives that are known but not implemented.
 */
export class DirectiveIndex {
  readonly #names = new Set<string>();
  readonly #byContext = new Map<Context, Map<string, DirectiveSpec>>();

  constructor(specs: readonly DirectiveSpec[]) {
    for (const spec of specs) {
      this.#names.add(spec.name);
      for (const context of spec.contexts) this.#add(context, spec);
    }
  }

  /** The directive of that name in this context; undefined where it may not stand. */
  find(context: Context, name: string): DirectiveSpec | undefined {
    return this.#byContext.get(context)?.get(name);
  }

  /** Whether it may stand anywhere. */
  knows(name: string): boolean {
    return this.#names.has(name);
  }

  #add(context: Context, spec: DirectiveSpec): void {
    let specs = this.#byContext.get(context);
    if (specs === undefined) {
      specs = new Map();
      this.#byContext.set(context, specs);
    }
    if (!specs.has(spec.name)) specs.set(spec.name, spec);
  }
}

/** Applies directives as `index` says. @param confDirectory where relative `include`s begin; ends with "/" */
export function createWalker(
  index: DirectiveIndex,
  files: ConfigFiles,
  confDirectory: string,
  pace: Pace,
): Walker {
  return new IndexWalker(index, files, confDirectory, pace);
}

/** The directives of all modules, in the modules' order. */
export function directivesOf(modules: readonly Module[]): DirectiveSpec[] {
  return modules.flatMap((module) => module.directives);
}

class IndexWalker implements Walker {
  readonly #index: DirectiveIndex;
  readonly #files: ConfigFiles;
  readonly #confDirectory: string;
  readonly #pace: Pace;
  #includeDepth = 0;
  #nesting = 0;

  constructor(index: DirectiveIndex, files: ConfigFiles, confDirectory: string, pace: Pace) {
    this.#index = index;
    this.#files = files;
    this.#confDirectory = confDirectory;
    this.#pace = pace;
  }

  async walk(block: Block, scope: Scope): Promise<void> {
    beginOrigins(scope);
    this.#nesting += 1;
    await this.#each(block, scope, (directive) => this.#apply(directive, scope));
    this.#nesting -= 1;
    this.#leave(block, scope);
  }

  async entries(block: Block, scope: Scope, apply: (entry: Directive) => void): Promise<void> {
    const applyEntry: Apply = (entry) => {
      if (entry.block !== null) scope.fail('unexpected "{"');
      if (entry.name === "include" && entry.args.length === 1) return this.#include(entry, scope, applyEntry);
      return apply(entry);
    };
    await this.#each(block, scope, applyEntry);
    this.#leave(block, scope);
  }

  async #each(block: Block, scope: Scope, apply: Apply): Promise<void> {
    for (const directive of block.directives) {
      scope.current = directive;
      const done = apply(directive);
      // Most are done at once, and there may be very many.
      if (done !== undefined) await done;
      const rest = this.#pace.rest();
      if (rest !== null) await rest;
    }
    const { error } = block;
    if (error !== null) throw new ConfigError(error.message, error.file, error.line);
  }

  /** From here on messages name the closing brace. */
  #leave(block: Block, scope: Scope): void {
    const { file, endLine } = block;
    const brace: Directive = { name: "", args: [], file, line: endLine, startLine: endLine, block: null };
    for (let outer: Scope | null = scope; outer !== null; outer = outer.parent) outer.current = brace;
  }

  /** The checks, and their order, are nginx's. */
  #apply(directive: Directive, scope: Scope): void | Promise<void> {
    const { name } = directive;
    if (name === "include") {
      checkForm(directive, scope, { name, args: "1" });
      return this.#include(directive, scope, (included) => this.#apply(included, scope));
    }
    const spec = this.#index.find(scope.context, name);
    if (spec === undefined) {
      if (this.#index.knows(name)) scope.fail(`"${name}" directive is not allowed here`);
      scope.fail(`unknown directive "${name}"`);
    }
    checkForm(directive, scope, spec);
    // The file itself is the first block.
    if (directive.block !== null && this.#nesting > NESTING_MAX) {
      scope.fail(`there are more than ${NESTING_MAX} blocks in each other`);
    }
    const done = spec.set(scope, directive);
    if (done !== undefined) return done.then(() => noteOrigin(scope, directive));
    noteOrigin(scope, directive);
    return undefined;
  }

  async #include(directive: Directive, scope: Scope, apply: Apply): Promise<void> {
    const pattern = this.#fullName(directive.args[0] ?? "");
    const paths = /[*?[]/.test(pattern) ? this.#files.glob(pattern) : [pattern];
    this.#includeDepth++;
    for (const path of paths) {
      if (this.#includeDepth > INCLUDE_DEPTH_MAX) {
        scope.fail(`open() "${path}" failed (24: Too many open files)`);
      }
      await this.#each(await parseInTurns(this.#read(path, scope), path, this.#pace), scope, apply);
      scope.current = directive;
    }
    this.#includeDepth--;
  }

  #read(path: string, scope: Scope): string {
    try {
      return this.#files.read(path);
    } catch (error) {
      if (error instanceof ConfigError && error.message.startsWith("open()")) scope.fail(error.message);
      throw error;
    }
  }

  #fullName(path: string): string {
    return path.startsWith("/") ? path : this.#confDirectory + path;
  }
}

function checkForm(
  directive: Directive,
  scope: Scope,
  spec: Pick<DirectiveSpec, "name" | "args" | "block">,
): void {
  const { name } = directive;
  if (spec.block === true && directive.block === null) scope.fail(`directive "${name}" has no opening "{"`);
  if (spec.block !== true && directive.block !== null) {
    scope.fail(`directive "${name}" is not terminated by ";"`);
  }
  if (!acceptsCount(spec.args, directive.args.length)) {
    scope.fail(`invalid number of arguments in "${name}" directive`);
  }
}

function acceptsCount(rule: ArgumentRule, count: number): boolean {
  if (rule === "flag") return count === 1;
  if (rule === "0+") return true;
  if (rule === "1+") return count >= 1;
  if (rule === "2+") return count >= 2;
  return rule.split(",").includes(String(count));
}
