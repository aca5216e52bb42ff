import type { Module, SettingsByModule } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";

/** Gives a level's unset keys the values of the enclosing level, or their defaults. */
export function mergeLevel(
  module: Module,
  which: "server" | "location",
  child: SettingsByModule,
  parent: SettingsByModule | null,
  scope: Scope,
): void {
  const level = module[which];
  if (level === undefined) return;
  const settings = (child.get(module) ?? {}) as Record<string, unknown>;
  child.set(module, settings);
  const inherited = (parent?.get(module) ?? {}) as Record<string, unknown>;
  if (parent !== null) level.inherit?.(settings, inherited);
  const defaults = level.defaults() as Record<string, unknown>;
  for (const key of Object.keys(defaults)) {
    if (settings[key] !== undefined) continue;
    settings[key] = inherited[key] === undefined ? defaults[key] : inherited[key];
  }
  level.finish?.(settings, scope);
}

/** The same for the settings of the `http` block as a whole. */
export function completeMain(module: Module, main: SettingsByModule, scope: Scope): void {
  const level = module.main;
  if (level === undefined) return;
  const settings = (main.get(module) ?? {}) as Record<string, unknown>;
  main.set(module, settings);
  const defaults = level.defaults() as Record<string, unknown>;
  for (const key of Object.keys(defaults)) settings[key] ??= defaults[key];
  level.finish?.(settings, scope);
}
