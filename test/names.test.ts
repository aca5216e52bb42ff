import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { repository } from "./support/gateway.ts";

const source = path.join(repository, "src");

interface Defined {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly exported: boolean;
}

const definition =
  /^(export )?(?:abstract )?(?:async )?(class|interface|type|function\*?|const|let) ([\w$]+)/gm;

function definedIn(file: string): Defined[] {
  const text = readFileSync(path.join(source, file), "utf8");
  return [...text.matchAll(definition)].map(([, exported, kind, name]) => ({
    file,
    kind: kind!,
    name: name!,
    exported: exported !== undefined,
  }));
}

const defined = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(name))
  .toSorted()
  .flatMap(definedIn);
const types = new Set(["class", "interface", "type"]);

/** "Name: one/file.ts, other/file.ts" for each exported name that things of other files have, too. */
function shared(among: readonly Defined[]): string[] {
  return [...Map.groupBy(among, ({ name }) => name)]
    .filter(([, all]) => all.some(({ exported }) => exported))
    .map(([name, all]) => [name, [...new Set(all.map(({ file }) => file))]] as const)
    .filter(([, files]) => files.length > 1)
    .map(([name, files]) => `${name}: ${files.join(", ")}`);
}

describe("a name stands for one thing", () => {
  test("among all that is exported", () => {
    const exports = defined.filter(({ exported }) => exported);
    assert.ok(exports.length > 900, "the sources are found");
    assert.deepEqual(shared(exports), []);
  });

  test("so that no class or type of one file bears the name of another's export", () => {
    const kinds = defined.filter(({ kind }) => types.has(kind));
    assert.deepEqual(shared(kinds), []);
  });
});
