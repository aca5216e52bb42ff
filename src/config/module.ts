import type { Directive } from "./tree.ts";
import type { Scope } from "./scope.ts";

/** Where a directive may stand; nginx's words. */
export type Context =
  | "main"
  | "events"
  | "http"
  | "server"
  | "location"
  | "upstream"
  | "if in server"
  | "if in location"
  | "limit_except"
  | "mail"
  | "mail server"
  | "stream"
  | "stream server"
  | "stream upstream";

/** "flag" is one argument, "on" or "off"; "1+" one or more; "1,2" one or two. */
export type ArgumentRule =
  | "flag"
  | "0"
  | "1"
  | "2"
  | "3"
  | "0,1"
  | "0,1,2"
  | "1,2"
  | "1,2,3"
  | "1,2,3,4"
  | "2,3"
  | "0+"
  | "1+"
  | "2+";

/**
 * What levels inside (a server, a location, a nested one, `if`, `limit_except`) have of a directive that only
 * levels outside use, where that is not all of it:
 *
 * - "by part": a use of their own takes the place of those parts only that it names
 * - "own": nothing; it is of its own level alone
 */
export type InheritanceRule = "by part" | "own";

/**
 * A directive as data. `set` stores its value; everything that can be checked before (name, context,
 * number of arguments, block or not) has been.
 */
export interface DirectiveSpec {
  readonly name: string;
  readonly contexts: readonly Context[];
  readonly args: ArgumentRule;
  readonly block?: true;
  /** It is read and checked, and changes nothing; `doc` says why. */
  readonly hasNoEffect?: true;
  /** As written in a configuration, without the directive's name; null when there is none. */
  readonly default: string | null;
  /** Left out: levels inside have it until they use it themselves, which takes the place of all of it. */
  readonly inherited?: InheritanceRule;
  /** One line for the reference page. */
  readonly doc: string;
  /**
   * One that walks a block returns when that has been read; nothing else is read meanwhile.
   *
   * @throws ConfigError by way of `scope.fail(message)`.
   */
  set(scope: Scope, directive: Directive): void | Promise<void>;
}

/** One level of a module's settings (http, server or location), all keys unset at first. */
export interface Level<T extends object> {
  /**
   * The values where no level sets one. Called per use: objects in it are not shared. These keys are
   * inherited, each as a whole: what belongs together is one of them. Any other key is of its own level alone.
   */
  defaults(): T;
  /**
   * What inheriting key by key (`child ?? parent ?? default`) cannot say. Runs before it.
   * `parent` is the enclosing level as written and inherited so far.
   */
  inherit?(child: Partial<T>, parent: Readonly<Partial<T>>): void;
  /** Checks and prepares the merged settings. @throws ConfigError by way of `scope.fail`. */
  finish?(settings: T, scope: Scope): void;
}

/**
 * A module: directives and typed settings. Identity is the object itself: settings are found by it.
 * The gateway's modules (`HttpModule`) add variables and handlers to this.
 */
export interface Module<M extends object = object, S extends object = object, L extends object = object> {
  /** nginx's name, such as "ngx_http_proxy_module". */
  readonly name: string;
  readonly directives: readonly DirectiveSpec[];
  readonly main?: Level<M>;
  readonly server?: Level<S>;
  readonly location?: Level<L>;
}

/** Settings by module, as one level of the configuration stores them. */
export type SettingsByModule = Map<Module, object>;
