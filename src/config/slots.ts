import { compileValue } from "./complex-value.ts";
import type { ComplexValue } from "./complex-value.ts";
import type { Scope } from "./scope.ts";
import type { Directive } from "./tree.ts";
import { parseMilliseconds, parseNumber, parseOffset, parseSeconds, parseSize } from "./values.ts";
import type { VariableRegistry } from "./variable-registry.ts";
import type { VariableHolder } from "./variables.ts";

/** The `set` of a directive. */
export type Setter = (scope: Scope, directive: Directive) => void;

/** The keys of settings `T` that can hold a `V`. */
export type KeysFor<T, V> = { [K in keyof T]-?: V extends T[K] ? K : never }[keyof T] & string;

/** The keys of settings `T` that hold words out of a set, such as "on" | "off" | "always". */
type WordKeys<T> = { [K in keyof T]-?: T[K] extends string | number | boolean | null ? K : never }[keyof T] &
  string;

/** The two arguments of directives such as `large_client_header_buffers`: how many buffers, of which size. */
export interface Buffers {
  readonly count: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * Makes the `set` functions of a module's directives: each reads its arguments as nginx's own "slots"
 * do, with nginx's messages, and stores the value under one key of the module's settings. Scalars are
 * refused as duplicates when the same level sets them twice; lists grow.
 *
 * `levelOf` picks the settings: `(scope) => scope.location(proxyModule)`.
 */
export function slots<T extends object>(levelOf: (scope: Scope) => Partial<T>): Slots<T> {
  return new Slots(levelOf);
}

class Slots<T extends object> {
  readonly #levelOf: (scope: Scope) => Partial<T>;

  constructor(levelOf: (scope: Scope) => Partial<T>) {
    this.#levelOf = levelOf;
  }

  /** "on" or "off". */
  flag(key: KeysFor<T, boolean>): Setter {
    return this.custom(key, (directive, scope) => readFlag(directive, scope) as T[typeof key]);
  }

  string(key: KeysFor<T, string>): Setter {
    return this.custom(key, ({ args }) => args[0] as T[typeof key]);
  }

  /** A whole number, within bounds when these are given. */
  number(key: KeysFor<T, number>, bounds: { readonly min?: number; readonly max?: number } = {}): Setter {
    return this.custom(key, (directive, scope) => {
      const value = parseNumber(directive.args[0] ?? "");
      if (value === null) return refuse(scope, directive, "invalid number");
      checkBounds(value, bounds, scope);
      return value as T[typeof key];
    });
  }

  /** Bytes with k or m. */
  size(key: KeysFor<T, number>): Setter {
    return this.#parsed(key, parseSize);
  }

  /** Bytes with k, m or g. */
  offset(key: KeysFor<T, number>): Setter {
    return this.#parsed(key, parseOffset);
  }

  /** A time, stored in milliseconds. */
  msec(key: KeysFor<T, number>): Setter {
    return this.#parsed(key, parseMilliseconds);
  }

  /** A time, stored in seconds. */
  sec(key: KeysFor<T, number>): Setter {
    return this.#parsed(key, parseSeconds);
  }

  /** A number and a size, as in `proxy_buffers 8 4k`. */
  buffers(key: KeysFor<T, Buffers>): Setter {
    return this.custom(key, (directive, scope) => {
      const count = parseNumber(directive.args[0] ?? "");
      const size = parseSize(directive.args[1] ?? "");
      if (!count || !size) return refuse(scope, directive, "invalid value");
      return { count, size } as T[typeof key];
    });
  }

  /** One word of a table, compared without case. */
  word<K extends WordKeys<T>>(key: K, words: Readonly<Record<string, T[K]>>): Setter {
    return this.custom(key, ({ args }, scope) => {
      const wanted = (args[0] ?? "").toLowerCase();
      const found = Object.entries(words).find(([word]) => word === wanted);
      return found === undefined ? scope.fail(`invalid value "${args[0]}"`) : found[1];
    });
  }

  /** A set of words out of `words`, compared without case; a repeated one is warned about. */
  words<W extends string>(key: KeysFor<T, ReadonlySet<W>>, words: readonly W[]): Setter {
    return (scope, { args }) => {
      const level = this.#levelOf(scope);
      const chosen = new Set((level[key] as ReadonlySet<W> | undefined) ?? []);
      for (const arg of args) {
        const word = words.find((known) => known === arg.toLowerCase());
        if (word === undefined) return scope.fail(`invalid value "${arg}"`);
        if (chosen.has(word)) scope.warn(`duplicate value "${arg}"`);
        chosen.add(word);
      }
      level[key] = chosen as ReadonlySet<W> as T[typeof key];
    };
  }

  /** Each use of the directive adds its argument. */
  strings(key: KeysFor<T, readonly string[]>): Setter {
    return this.list<string, typeof key>(key, ({ args }) => args[0] ?? "");
  }

  /** Each use of the directive adds a pair. */
  pairs(key: KeysFor<T, readonly (readonly [string, string])[]>): Setter {
    return this.list<readonly [string, string], typeof key>(key, ({ args }) => [
      args[0] ?? "",
      args[1] ?? "",
    ]);
  }

  /** A string with variables. */
  value<H extends VariableHolder>(
    key: KeysFor<T, ComplexValue<H>>,
    registryOf: (scope: Scope) => VariableRegistry<H>,
  ): Setter {
    return this.custom(key, ({ args }, scope) => {
      return compileValue(registryOf(scope), args[0] ?? "", scope) as T[typeof key];
    });
  }

  /** A size that may be given by variables; without them it is checked at once. */
  sizeValue<H extends VariableHolder>(
    key: KeysFor<T, ComplexValue<H>>,
    registryOf: (scope: Scope) => VariableRegistry<H>,
  ): Setter {
    return this.custom(key, (directive, scope) => {
      const value = compileValue(registryOf(scope), directive.args[0] ?? "", scope);
      if (value.constant !== null && parseSize(value.constant) === null) {
        return refuse(scope, directive, "invalid value");
      }
      return value as T[typeof key];
    });
  }

  /** A scalar read in its own way, with the check against duplicates. */
  custom<K extends keyof T & string>(key: K, read: (directive: Directive, scope: Scope) => T[K]): Setter {
    return (scope, directive) => {
      const level = this.#levelOf(scope);
      if (level[key] !== undefined) refuse(scope, directive, "is duplicate");
      level[key] = read(directive, scope);
    };
  }

  /** A list that each use of the directive makes longer by what `read` gives. */
  list<V, K extends KeysFor<T, readonly V[]>>(
    key: K,
    read: (directive: Directive, scope: Scope) => V,
  ): Setter {
    return (scope, directive) => {
      const level = this.#levelOf(scope);
      const before = level[key] as readonly V[] | undefined;
      level[key] = append(before, read(directive, scope)) as T[K];
    };
  }

  #parsed(key: KeysFor<T, number>, parse: (text: string) => number | null): Setter {
    return this.custom(key, (directive, scope) => {
      const value = parse(directive.args[0] ?? "");
      return (value ?? refuse(scope, directive, "invalid value")) as T[typeof key];
    });
  }
}

export type { Slots };

/**
 * The list of a level that is being read, longer by a value. It grows in place, for a copy per line would take
 * time by the square: lists of 50,000 addresses are nothing rare. Inner levels are given it when all is read.
 */
export function append<V>(list: readonly V[] | undefined, value: V): readonly V[] {
  if (list === undefined) return [value];
  (list as V[]).push(value);
  return list;
}

/**
 * A directive that newer versions of nginx replaced or dropped: it warns and does nothing.
 *
 * @param replacement the directive to use instead; null when there is none
 */
export function obsolete(replacement: string | null): Setter {
  return (scope, { name }) => {
    scope.warn(
      replacement === null
        ? `the "${name}" directive is obsolete, ignored`
        : `the "${name}" directive is obsolete, use the "${replacement}" directive instead`,
    );
  };
}

/** Ends the reading with nginx's `"name" directive <complaint>`. */
export function refuse(scope: Scope, { name }: Directive, complaint: string): never {
  return scope.fail(`"${name}" directive ${complaint}`);
}

/** "on" or "off", without regard to case. @throws ConfigError for anything else */
export function readFlag({ name, args }: Directive, scope: Scope): boolean {
  const word = args[0]?.toLowerCase();
  if (word === "on") return true;
  if (word === "off") return false;
  return scope.fail(`invalid value "${args[0]}" in "${name}" directive, it must be "on" or "off"`);
}

function checkBounds(
  value: number,
  { min, max }: { readonly min?: number; readonly max?: number },
  scope: Scope,
): void {
  if (max === undefined) {
    if (min !== undefined && value < min) scope.fail(`value must be equal to or greater than ${min}`);
  } else if (value < (min ?? 0) || value > max) {
    scope.fail(`value must be between ${min ?? 0} and ${max}`);
  }
}
