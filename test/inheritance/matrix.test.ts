/**
 * Every directive at every level that it may stand at, and what the levels inside have of it: as the directive
 * table says. The table is that of the modules, so that a new directive is asked for its samples here.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../../src/config/errors.ts";
import type { Context, DirectiveSpec } from "../../src/config/module.ts";
import { directivesOf } from "../../src/config/walk.ts";
import { httpModules } from "../../src/modules/index.ts";
import { mainModule } from "../../src/modules/core/main.ts";
import { ownMark, places, readLevels } from "./levels.ts";
import type { Level, Levels } from "./levels.ts";
import { samples, statementOf } from "./samples.ts";

/** Names stand for several directives: `server`, `resolver` and `error_log` are other ones in other contexts. */
const directives = directivesOf([mainModule, ...httpModules]);
const byName = Map.groupBy(directives, ({ name }) => name);

/** Contexts that hold no levels of settings: what stands there is the block's or the process's own. */
const withoutLevels: ReadonlySet<Context> = new Set(["main", "events", "upstream"]);

/** Directives that may set nothing: a notice is all that comes of them, or only a process of its own follows them. */
function maySetNothing({ name, hasNoEffect }: DirectiveSpec): boolean {
  return hasNoEffect === true || name === "user";
}

/** Blocks that the text has already, where only one may stand. */
const onlyOnce = new Set(["events", "http"]);

/** Where a directive may not stand although its context allows it. */
const elsewhereOnly: Readonly<Record<string, readonly string[]>> = {
  // Not in named locations.
  alias: ["named"],
  // Not in exact or named ones, and below others only what is inside of them.
  location: ["location", "deep", "regex", "exact", "named"],
};

interface Placement {
  readonly spec: DirectiveSpec;
  readonly place: string;
}

function placementsOf(spec: DirectiveSpec): Placement[] {
  if (onlyOnce.has(spec.name)) return [];
  const banned = elsewhereOnly[spec.name] ?? [];
  return Object.entries(places)
    .filter(([name, { context }]) => spec.contexts.includes(context) && !banned.includes(name))
    .map(([place]) => ({ spec, place }));
}

/** The levels inside of a place that a request may end in. */
function inside(place: string): string[] {
  const names = Object.keys(places).filter((name) => {
    for (let at = places[name]!.outer; at !== null; at = places[at]!.outer) if (at === place) return true;
    return false;
  });
  return [...(place === "http" ? ["elsewhere"] : []), ...names.filter((name) => name !== "if in server")];
}

/** What two values that are the same in different readings have in common. */
function printOf(value: unknown, depth = 0): string {
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null)
    return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "undefined");
  if (depth > 6) return "…";
  const inner = (part: unknown): string => printOf(part, depth + 1);
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    return `${value.constructor.name}(${[...(value as Iterable<unknown>)].map(inner).join()})`;
  }
  // What is no plain object belongs to one reading.
  if (Object.getPrototypeOf(value) !== Object.prototype) return `a ${value.constructor.name}`;
  // What is numbered in a reading, or counted.
  const entries = Object.entries(value).filter(([key]) => !["index", "healthChecks"].includes(key));
  return `{${entries.map(([key, part]) => `${key}:${inner(part)}`).join()}}`;
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === typeof other && printOf(one) === printOf(other));
}

const untouched = await readLevels({});

/** The keys of a level that differ from those of a configuration without the directive. */
function changedKeys(level: Level, name: string): string[] {
  const before = untouched[name]!;
  return [...level.keys()].filter((key) => !isSame(level.get(key), before.get(key)));
}

/** The level to look at for what stands in a place: the `http` block itself serves nothing, its servers do. */
function levelAt(place: string): string {
  return place === "http" ? "elsewhere" : place;
}

/** Worked out of the others on each level, or made where the level is used. */
const made = [".context", ".options", ".ids"];

/** Settings of servers are no locations' settings. */
function holds(level: string, key: string): boolean {
  if (made.some((name) => key.endsWith(name))) return false;
  return !key.includes(" server.") || level === "server" || level === "elsewhere";
}

/** The statement with the first or second sample. */
function statement({ name, contexts }: DirectiveSpec, which: 0 | 1): string {
  const sample =
    (contexts.includes("upstream") ? samples[`${name} in upstream`] : undefined) ?? samples[name];
  return statementOf(name, sample![which]);
}

/** What was read for the directive that is tested now. */
const known = new Map<string, Levels>();

async function read(at: Readonly<Record<string, string>>): Promise<Levels> {
  const text = JSON.stringify(at);
  try {
    const levels = known.get(text) ?? (await readLevels(at));
    known.set(text, levels);
    return levels;
  } catch (error) {
    if (error instanceof ConfigError) assert.fail(`${text}: ${error.describe()}`);
    throw error;
  }
}

async function checkAlone({ spec, place }: Placement): Promise<void> {
  const { name, inherited } = spec;
  const levels = await read({ [place]: statement(spec, 0) });
  // An `if` in a server has no level: its statements are steps of the server's.
  if (place === "if in server") return checkUntouched(levels, ["server"]);
  const reference = levelAt(place);
  const changed = changedKeys(levels[reference]!, reference);
  const own = changed.filter((key) => key.endsWith(ownMark));
  const handedDown = changed.filter((key) => !key.endsWith(ownMark));
  if (inherited === "own")
    assert.deepEqual(onlyWith(handedDown, name), [], "it is said to be of its own level");
  else assert.deepEqual(own, [], "it is said to be inherited");
  const ofAllServers = spec.contexts.every((context) => context === "http");
  if (inherited !== "own" && !ofAllServers && !maySetNothing(spec))
    assert.notDeepEqual(changed, [], "it changes nothing");
  for (const level of inside(place)) {
    for (const key of handedDown) {
      if (!holds(level, key)) continue;
      const found = levels[level]!.get(key);
      assert.ok(Object.is(found, levels[reference]!.get(key)), `${key} was lost in "${level}"`);
    }
    for (const key of own) {
      const before = untouched[level]!.get(key);
      assert.equal(printOf(levels[level]!.get(key)), printOf(before), `${key} came down to "${level}"`);
    }
  }
  checkUntouched(levels, [reference, place, ...inside(place)]);
}

function checkUntouched(levels: Levels, except: readonly string[]): void {
  for (const level of Object.keys(levels)) {
    if (except.includes(level)) continue;
    assert.deepEqual(changedKeys(levels[level]!, level), [], `"${level}" is changed`);
  }
}

/** What else a directive of its own level does. */
function onlyWith(keys: readonly string[], name: string): string[] {
  // `proxy_redirect default` of the outermost `proxy_pass` holds inside.
  return keys.filter((key) => !(["proxy_pass", "health_check"].includes(name) && key.endsWith(".redirects")));
}

async function checkPair(spec: DirectiveSpec, outer: string, inner: string): Promise<void> {
  const { inherited } = spec;
  const [one, other] = [statement(spec, 0), statement(spec, 1)];
  const outerOnly = await read({ [outer]: one });
  const innerOnly = await read({ [inner]: other });
  const both = await read({ [outer]: one, [inner]: other });
  const level = levelAt(inner);
  const ofOuter = changedKeys(outerOnly[levelAt(outer)]!, levelAt(outer)).filter(
    (key) => !key.endsWith(ownMark),
  );
  const ofInner = changedKeys(innerOnly[level]!, level);
  for (const key of onlyWith(ofInner, spec.name)) {
    const expected = printOf(innerOnly[level]!.get(key));
    for (const below of [level, ...inside(inner)]) {
      if ((key.endsWith(ownMark) && below !== level) || !holds(below, key)) continue;
      assert.equal(printOf(both[below]!.get(key)), expected, `${key} in "${below}"`);
    }
    const outside = both[levelAt(outer)]!.get(key);
    const found = both[level]!.get(key);
    if (typeof found === "object" && found !== null) assert.ok(found !== outside, `${key} is from outside`);
  }
  const left = ofOuter.filter((key) => !ofInner.includes(key));
  for (const key of left) {
    if (inherited === "by part") assert.equal(both[level]!.get(key), both[levelAt(outer)]!.get(key), key);
  }
}

/** Outer and inner place of two uses. */
const pairs: readonly (readonly [string, string])[] = [
  ["http", "server"],
  ["http", "location"],
  ["server", "location"],
  ["server", "named"],
  ["location", "nested"],
  ["location", "deep"],
  ["location", "if in location"],
  ["location", "limit_except"],
];

const tested = directives.filter((spec) => placementsOf(spec).length > 0);

test("each directive has two samples", () => {
  assert.deepEqual(
    [...byName.keys()].filter((name) => samples[name] === undefined),
    [],
  );
  const unused = Object.keys(samples).filter((name) => !byName.has(name.replace(" in upstream", "")));
  assert.deepEqual(unused, [], "samples of nothing");
});

describe("what a level says holds in the levels inside as the table says", () => {
  for (const spec of tested) {
    test(`${spec.name} in ${spec.contexts.join(", ")}`, async () => {
      known.clear();
      for (const placement of placementsOf(spec)) {
        if (withoutLevels.has(places[placement.place]!.context)) await checkProcess(placement);
        else await checkAlone(placement);
      }
      const allowed = placementsOf(spec).map(({ place }) => place);
      for (const [outer, inner] of pairs) {
        if (allowed.includes(outer) && allowed.includes(inner)) await checkPair(spec, outer, inner);
      }
    });
  }
});

/** What belongs to the process or to an upstream is taken, and is no setting of a server or location. */
async function checkProcess({ spec, place }: Placement): Promise<void> {
  const levels = await read({ [place]: statement(spec, 0) });
  for (const level of Object.keys(levels)) {
    const changed = changedKeys(levels[level]!, level);
    if (level !== "main" || place === "upstream") assert.deepEqual(changed, [], level);
    else if (!maySetNothing(spec)) assert.equal(changed.length, 1, `it sets ${changed.join()}`);
  }
}

test("the matrix is as large as it was", (t) => {
  const placements = tested.flatMap(placementsOf);
  t.diagnostic(`${tested.length} directives, ${placements.length} placements`);
  assert.ok(tested.length >= 240 && placements.length >= 1500, `${tested.length}, ${placements.length}`);
});
