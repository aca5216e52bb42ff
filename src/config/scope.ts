import type { Pace } from "../net/pace.ts";
import { ConfigError } from "./errors.ts";
import type { Context, Module, SettingsByModule } from "./module.ts";
import type { Block, Directive } from "./tree.ts";

/** What belongs to one reading of a configuration as a whole. */
export interface Cycle {
  /** Path prefix of relative paths in directives (logs, roots); ends with "/". */
  readonly prefix: string;
  /** Directory of the main configuration file: relative `include`s and certificates; ends with "/". */
  readonly confDirectory: string;
  /** Remarks that do not stop the reading: warnings, directives without effect. */
  notice(level: "warn" | "notice", message: string, file: string, line: number): void;
  /** Reading and what follows from it gives way to events. */
  readonly pace: Pace;
  /** Reads a file that a directive names. @throws ConfigError in nginx's words. */
  readFile(path: string): Buffer;
  /**
   * Applies the directives of a block in a scope, in order. Afterwards messages of the scope and of
   * those around it name the block's closing brace, as nginx's do.
   */
  walk(block: Block, scope: Scope): Promise<void>;
  /**
   * Hands each statement of a block such as `types` or `map` to `apply`: there, names are data. Files
   * that an `include` with one argument names are read in its place; everything else is the caller's.
   */
  entries(block: Block, scope: Scope, apply: (entry: Directive) => void): Promise<void>;
  /** All is read: lets go of the files, though handlers may keep a scope for as long as they are used. */
  end(): void;
}

/**
 * The place that is being read: which block, and the settings that directives there write to.
 * A scope holds no request-time state; it is gone once the configuration is compiled.
 */
export class Scope {
  readonly cycle: Cycle;
  readonly context: Context;
  readonly parent: Scope | null;
  readonly mainSettings: SettingsByModule;
  readonly serverSettings: SettingsByModule;
  readonly locationSettings: SettingsByModule;
  /** What the enclosing block is building (an upstream, a location, a map …): the block's own type. */
  readonly subject: unknown;
  /**
   * The directive that is being applied; messages name its file and line. Once its block has been
   * walked, a nameless stand-in for the block's closing brace.
   */
  current: Directive | null = null;

  constructor(init: {
    cycle: Cycle;
    context: Context;
    parent: Scope | null;
    mainSettings: SettingsByModule;
    serverSettings: SettingsByModule;
    locationSettings: SettingsByModule;
    subject?: unknown;
  }) {
    this.cycle = init.cycle;
    this.context = init.context;
    this.parent = init.parent;
    this.mainSettings = init.mainSettings;
    this.serverSettings = init.serverSettings;
    this.locationSettings = init.locationSettings;
    this.subject = init.subject;
  }

  /**
   * What directives of a module have set for the whole `http` block, or for the file outside of it; to be
   * written to.
   */
  main<M extends object>(module: Module<M, object, object>): Partial<M> {
    return settingsOf(this.mainSettings, module);
  }

  /** What directives of a module have set for the server that is being read. */
  server<S extends object>(module: Module<object, S, object>): Partial<S> {
    return settingsOf(this.serverSettings, module);
  }

  /**
   * What directives of a module have set for the location, or whatever else inherits as one, that is being
   * read.
   */
  location<L extends object>(module: Module<object, object, L>): Partial<L> {
    return settingsOf(this.locationSettings, module);
  }

  /** Ends the reading with a message for the directive that is being applied. */
  fail(message: string): never {
    throw new ConfigError(message, this.current?.file ?? "", this.current?.line ?? 0);
  }

  /** Tells something that is probably not meant, with the place of the directive; the configuration is used. */
  warn(message: string): void {
    this.cycle.notice("warn", message, this.current?.file ?? "", this.current?.line ?? 0);
  }

  /** Tells something worth knowing, with the place of the directive. */
  notice(message: string): void {
    this.cycle.notice("notice", message, this.current?.file ?? "", this.current?.line ?? 0);
  }
}

function settingsOf<T extends object>(map: SettingsByModule, module: Module): Partial<T> {
  let settings = map.get(module);
  if (settings === undefined) {
    settings = {};
    map.set(module, settings);
  }
  return settings as Partial<T>;
}
