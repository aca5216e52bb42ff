import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context, DirectiveSpec } from "./module.ts";
import { describeSettingOrigin, originOf, originsOf } from "./setting-origin.ts";
import type { Scope } from "./scope.ts";
import { testReading, testScope } from "./test-reading.ts";

/** Reads a configuration, and gives the scope of each block by its argument. */
async function read(text: string): Promise<Map<string, Scope>> {
  const scopes = new Map<string, Scope>();
  const block = (name: string, context: Context, inner: Context): DirectiveSpec => ({
    name,
    contexts: [context],
    args: "1",
    block: true,
    default: null,
    doc: "",
    async set(scope, directive) {
      const own = testScope(scope.cycle, inner, scope);
      scopes.set(directive.args[0]!, own);
      await scope.cycle.walk(directive.block!, own);
    },
  });
  const value = (name: string): DirectiveSpec => ({
    name,
    contexts: ["http", "server", "location", "upstream"],
    args: "1+",
    default: null,
    doc: "",
    set: () => undefined,
  });
  const specs = [
    block("server", "http", "server"),
    block("location", "server", "location"),
    block("upstream", "http", "upstream"),
    value("timeout"),
    value("field"),
  ];
  const reading = testReading(specs);
  scopes.set("http", reading.scope);
  assert.equal(await reading.read(text), "ok");
  return scopes;
}

const at = (scopes: Map<string, Scope>, name: string, directive: string): string => {
  const origin = originOf(scopes.get(name)!.locationSettings, directive);
  return origin === null ? "default" : describeSettingOrigin(origin);
};

test("a value's origin is the nearest directive that set it", async () => {
  const scopes = await read(`timeout 60s;
    server s {
      location empty { }
      location own { timeout 5s; }
      location late { }
      timeout 10s;
    }
    server t { }`);
  assert.equal(at(scopes, "http", "timeout"), "timeout 60s at f:1");
  assert.equal(at(scopes, "empty", "timeout"), "timeout 10s at f:6");
  assert.equal(at(scopes, "own", "timeout"), "timeout 5s at f:4");
  assert.equal(at(scopes, "late", "timeout"), "timeout 10s at f:6");
  assert.equal(at(scopes, "t", "timeout"), "timeout 60s at f:1");
  assert.equal(at(scopes, "t", "field"), "default");
});

test("a list has the origins of the level that it comes from", async () => {
  const scopes = await read("field a; server s { field b 1; field c; location l { } }");
  const lines = originsOf(scopes.get("l")!.locationSettings, "field").map(describeSettingOrigin);
  assert.deepEqual(lines, ["field b 1 at f:1", "field c at f:1"]);
});

test("what an upstream block says is not said for the level around it", async () => {
  const scopes = await read("upstream u { timeout 1s; } server s { }");
  assert.equal(at(scopes, "s", "timeout"), "default");
});
