import { ConfigError } from "./errors.ts";
import { RegexError, compileRegex } from "./regex.ts";
import type { CompiledRegex } from "./regex.ts";
import type { Scope } from "./scope.ts";
import type { VariableHolder, VariableSpec } from "./variables.ts";

/** A variable that a configuration defines or uses. */
export interface Variable<H extends VariableHolder> {
  /** Lower case, without the dollar sign. */
  readonly name: string;
  /** Where holders keep its value; -1 until something uses the variable. */
  index: number;
  /** Null while nothing says how to compute it: it is only used, or only assigned by `set`. */
  get: VariableReader<H> | null;
  /** Takes the place of storing the value when `set` assigns it. */
  set: ((holder: H, value: string) => void) | null;
  volatile: boolean;
  changeable: boolean;
  /** False for a name that has only been used so far. */
  defined: boolean;
}

/** Reads a variable of a holder; null is nginx's "not found". */
export type VariableReader<H extends VariableHolder> = (holder: H) => string | null;

/** A variable may be computed from others; this many deep it is a cycle. As in nginx. */
const DEPTH_MAX = 100;

/**
 * The variables of one configuration. Modules add theirs first; while directives are read, `set`,
 * `map` and their like define more, and anything may use a name before it is defined: what was never
 * defined is reported by `finish`.
 */
export class VariableRegistry<H extends VariableHolder> {
  /** What modules bring along: variables are made of those that are used. */
  readonly #specs = new Map<string, VariableSpec<H>>();
  readonly #byName = new Map<string, Variable<H>>();
  readonly #families: VariableSpec<H>[] = [];
  /** By index: every variable that something reads or assigns. */
  readonly #used: Variable<H>[] = [];
  readonly #onCycle: (holder: H, name: string) => void;
  #depth = 0;

  /** `onCycle` is told the name of a variable that is computed from itself; it then is not found. */
  constructor(onCycle: (holder: H, name: string) => void = () => {}) {
    this.#onCycle = onCycle;
  }

  /** Adds a variable, or a family of them, that a module brings along. */
  add(spec: VariableSpec<H>): void {
    if (spec.prefix === true) {
      this.#families.push(spec);
      return;
    }
    this.#specs.set(spec.name, spec);
  }

  /**
   * Defines a changeable variable, or takes over the changeable one of that name: what `set`, `map`,
   * `geo` and named captures do. With `get` null an existing definition stays (as for `set`).
   *
   * @throws ConfigError when a variable of that name exists and cannot be redefined.
   */
  define(
    name: string,
    scope: Scope,
    get: VariableReader<H> | null,
    options: { readonly volatile?: boolean } = {},
  ): Variable<H> {
    const variable = this.#entry(name, scope);
    if (variable.defined && !variable.changeable) scope.fail(`the duplicate "${name}" variable`);
    variable.defined = true;
    variable.changeable = true;
    if (get !== null) variable.get = get;
    if (options.volatile !== undefined) variable.volatile = options.volatile;
    return variable;
  }

  /** The place of a variable's value in holders, made on first use. */
  indexOf(name: string, scope: Scope): number {
    return this.#use(this.#entry(name, scope)).index;
  }

  /**
   * A function that reads a variable. The value is computed once per holder and kept, unless the
   * variable is volatile; a value assigned by `set` is returned as assigned.
   */
  reader(name: string, scope: Scope): VariableReader<H> {
    const variable = this.#use(this.#entry(name, scope));
    const { index } = variable;
    return (holder) => {
      const kept = holder.variableValues[index];
      return kept === undefined ? this.#compute(variable, holder) : kept;
    };
  }

  /**
   * Compiles a regular expression and makes its named captures variables.
   *
   * @throws ConfigError in nginx's words, or when a name is taken by a variable that cannot change.
   */
  regex(pattern: string, caseless: boolean, scope: Scope): CompiledRegex {
    try {
      return compileRegex(pattern, caseless, (name) => {
        const variable = this.define(name, scope, null);
        variable.get ??= notFound;
        return this.#use(variable).index;
      });
    } catch (error) {
      if (error instanceof RegexError) scope.fail(error.message);
      throw error;
    }
  }

  /** True when the configuration reads a variable whose name begins with one of these. */
  uses(prefixes: readonly string[]): boolean {
    return this.#used.some(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  }

  /** @throws ConfigError `unknown "x" variable` for the first one that is used but defined nowhere. */
  finish(): void {
    for (const variable of this.#used) {
      if (variable.get !== null) continue;
      const family = variable.defined ? null : this.#familyOf(variable.name);
      if (family === null && !variable.defined)
        throw new ConfigError(`unknown "${variable.name}" variable`, "", 0);
      variable.get = family === null ? notFound : readerOf(family, variable.name);
      variable.volatile = family?.volatile ?? false;
    }
  }

  /** Forgets what only the reading of a configuration needs: a tunnel may keep the rest for days. */
  forgetNames(): void {
    this.#specs.clear();
    this.#byName.clear();
    this.#families.length = 0;
  }

  #entry(name: string, scope: Scope): Variable<H> {
    if (name === "") scope.fail('invalid variable name "$"');
    const lower = lowerCase(name);
    let variable = this.#byName.get(lower);
    if (variable === undefined) {
      const spec = this.#specs.get(lower);
      variable = spec === undefined ? unknownVariable(lower) : variableOf(spec);
      this.#byName.set(lower, variable);
    }
    return variable;
  }

  #use(variable: Variable<H>): Variable<H> {
    if (variable.index < 0) variable.index = this.#used.push(variable) - 1;
    return variable;
  }

  #compute(variable: Variable<H>, holder: H): string | null {
    if (this.#depth >= DEPTH_MAX) {
      this.#onCycle(holder, variable.name);
      return null;
    }
    this.#depth++;
    try {
      const value = variable.get === null ? null : variable.get(holder);
      if (!variable.volatile && variable.index >= 0) holder.variableValues[variable.index] = value;
      return value;
    } finally {
      this.#depth--;
    }
  }

  /** The longest prefix wins. */
  #familyOf(name: string): VariableSpec<H> | null {
    let best: VariableSpec<H> | null = null;
    for (const family of this.#families) {
      if (!name.startsWith(family.name)) continue;
      if (best === null || family.name.length > best.name.length) best = family;
    }
    return best;
  }
}

function readerOf<H extends VariableHolder>(family: VariableSpec<H>, name: string): VariableReader<H> {
  const rest = name.slice(family.name.length);
  return (holder) => family.get(holder, rest);
}

/**
 * The name in an argument that must be a variable, such as the first one of `set`: without its dollar.
 *
 * @throws ConfigError `invalid variable name "x"`
 */
export function variableName(argument: string, scope: Scope): string {
  if (!argument.startsWith("$")) scope.fail(`invalid variable name "${argument}"`);
  return argument.slice(1);
}

function variableOf<H extends VariableHolder>(spec: VariableSpec<H>): Variable<H> {
  return {
    name: spec.name,
    index: -1,
    get: (holder) => spec.get(holder, ""),
    set: spec.set?.bind(spec) ?? null,
    volatile: spec.volatile ?? false,
    changeable: spec.changeable ?? false,
    defined: true,
  };
}

/** One that is used before anything says what it is. */
function unknownVariable<H extends VariableHolder>(name: string): Variable<H> {
  return { name, index: -1, get: null, set: null, volatile: false, changeable: true, defined: false };
}

function notFound(): null {
  return null;
}

function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());
}
