import type { SettingsByModule } from "./module.ts";
import type { Scope } from "./scope.ts";
import type { Directive } from "./tree.ts";

/** Where a value comes from: the directive that set it, and its place. */
export interface SettingOrigin {
  readonly directive: string;
  readonly args: readonly string[];
  readonly file: string;
  readonly line: number;
}

/** What the directives of one block set, and the level around it. */
interface LevelOrigins {
  readonly outer: SettingsByModule | null;
  readonly own: Map<string, SettingOrigin[]>;
}

/** By the settings that the block's directives write to; goes with them. */
const levels = new WeakMap<SettingsByModule, LevelOrigins>();

/** Directives of these blocks are of another kind: their names would be taken for those of the level around. */
const foreign: ReadonlySet<string> = new Set([
  "upstream",
  "events",
  "mail",
  "mail server",
  "stream upstream",
]);

/** Called before the directives of a block are applied: ties it to the level around it. */
export function beginOrigins(scope: Scope): void {
  if (foreign.has(scope.context)) return;
  const settings = settingsOf(scope);
  if (!levels.has(settings)) levels.set(settings, { outer: outerOf(scope, settings), own: new Map() });
}

/** Called for each directive that was applied: remembers its place. Blocks are places, not values. */
export function noteOrigin(scope: Scope, { name, args, file, line, block }: Directive): void {
  if (block !== null || foreign.has(scope.context)) return;
  const own = levels.get(settingsOf(scope))?.own;
  const origin: SettingOrigin = { directive: name, args, file, line };
  const before = own?.get(name);
  if (before === undefined) own?.set(name, [origin]);
  else before.push(origin);
}

/**
 * The directive that a level has the value of `directive` from: its own, else that of the nearest level around it
 * that has one. Null where the value is the default. Of several of one level the last.
 */
export function originOf(settings: SettingsByModule, directive: string): SettingOrigin | null {
  return originsOf(settings, directive).at(-1) ?? null;
}

/** The same for directives that may stand several times: all of the nearest level that has any. */
export function originsOf(settings: SettingsByModule, directive: string): readonly SettingOrigin[] {
  for (let at: SettingsByModule | null = settings; at !== null;) {
    const level: LevelOrigins | undefined = levels.get(at);
    const own = level?.own.get(directive);
    if (own !== undefined) return own;
    at = level?.outer ?? null;
  }
  return [];
}

/** "proxy_read_timeout 60s at /etc/nginx/nginx.conf:12". */
export function describeSettingOrigin({ directive, args, file, line }: SettingOrigin): string {
  return `${[directive, ...args].join(" ")} at ${file}:${line}`;
}

function settingsOf(scope: Scope): SettingsByModule {
  return scope.context === "main" ? scope.mainSettings : scope.locationSettings;
}

function outerOf(scope: Scope, settings: SettingsByModule): SettingsByModule | null {
  for (let at = scope.parent; at !== null; at = at.parent) {
    const outer = settingsOf(at);
    if (outer !== settings) return outer;
  }
  return null;
}
