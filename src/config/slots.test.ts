import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComplexValue } from "./complex-value.ts";
import type { ArgumentRule, DirectiveSpec, Module } from "./module.ts";
import { obsolete, slots } from "./slots.ts";
import type { Setter } from "./slots.ts";
import { testReading } from "./test-reading.ts";
import { VariableRegistry } from "./variable-registry.ts";
import type { VariableHolder } from "./variables.ts";

interface Settings {
  flag: boolean;
  text: string | null;
  count: number;
  level: number;
  atLeast: number;
  size: number;
  offset: number;
  msec: number;
  sec: number;
  buffers: { readonly count: number; readonly size: number };
  satisfy: "all" | "any";
  version: number;
  tries: ReadonlySet<"error" | "timeout">;
  hide: readonly string[];
  headers: readonly (readonly [string, string])[];
  value: ComplexValue<VariableHolder> | null;
  rate: ComplexValue<VariableHolder>;
}

const module: Module<object, object, Settings> = { name: "test", directives: [] };
const registry = new VariableRegistry<VariableHolder>();
const slot = slots<Settings>((scope) => scope.location(module));

function spec(name: string, args: ArgumentRule, set: Setter): DirectiveSpec {
  return { name, contexts: ["http"], args, default: null, doc: "", set };
}

const SPECS: readonly DirectiveSpec[] = [
  spec("flag", "flag", slot.flag("flag")),
  spec("text", "1", slot.string("text")),
  spec("count", "1", slot.number("count")),
  spec("level", "1", slot.number("level", { min: 1, max: 9 })),
  spec("at_least", "1", slot.number("atLeast", { min: 2 })),
  spec("size", "1", slot.size("size")),
  spec("offset", "1", slot.offset("offset")),
  spec("msec", "1", slot.msec("msec")),
  spec("sec", "1", slot.sec("sec")),
  spec("buffers", "2", slot.buffers("buffers")),
  spec("satisfy", "1", slot.word("satisfy", { all: "all", any: "any" })),
  spec("version", "1", slot.word("version", { "1.0": 10, "1.1": 11 })),
  spec("tries", "1+", slot.words("tries", ["error", "timeout"])),
  spec("hide", "1", slot.strings("hide")),
  spec("header", "2", slot.pairs("headers")),
  spec(
    "value",
    "1",
    slot.value("value", () => registry),
  ),
  spec(
    "rate",
    "1",
    slot.sizeValue("rate", () => registry),
  ),
  spec("old", "1", obsolete("new")),
  spec("gone", "1", obsolete(null)),
];

async function read(
  text: string,
): Promise<{ result: string; settings: Partial<Settings>; remarks: string[] }> {
  const reading = testReading(SPECS);
  const result = await reading.read(text);
  return { result, settings: reading.scope.location(module), remarks: reading.remarks };
}

const STORED: readonly [string, keyof Settings, unknown][] = [
  ["flag on;", "flag", true],
  ["flag OFF;", "flag", false],
  ["text 'a b';", "text", "a b"],
  ["count 12;", "count", 12],
  ["level 9;", "level", 9],
  ["size 4k;", "size", 4096],
  ["offset 1g;", "offset", 1073741824],
  ["msec 1m;", "msec", 60_000],
  ["sec 1m;", "sec", 60],
  ["buffers 8 4k;", "buffers", { count: 8, size: 4096 }],
  ["satisfy ANY;", "satisfy", "any"],
  ["version 1.1;", "version", 11],
  ["tries error; tries Timeout;", "tries", new Set(["error", "timeout"])],
  ["hide a; hide b; hide a;", "hide", ["a", "b", "a"]],
  [
    "header A 1; header B 2;",
    "headers",
    [
      ["A", "1"],
      ["B", "2"],
    ],
  ],
];

describe("slots store what was written", () => {
  for (const [text, key, expected] of STORED) {
    test(text, async () => {
      const { result, settings } = await read(text);
      assert.equal(result, "ok");
      assert.deepEqual(settings[key], expected);
    });
  }
});

const REFUSED: readonly [string, string][] = [
  ["flag maybe;", 'invalid value "maybe" in "flag" directive, it must be "on" or "off"'],
  ["flag on; flag on;", '"flag" directive is duplicate'],
  ["text a; text b;", '"text" directive is duplicate'],
  ["count x;", '"count" directive invalid number'],
  ["count -1;", '"count" directive invalid number'],
  ["count 1; count x;", '"count" directive is duplicate'],
  ["level 0;", "value must be between 1 and 9"],
  ["level 10;", "value must be between 1 and 9"],
  ["at_least 1;", "value must be equal to or greater than 2"],
  ["size 1g;", '"size" directive invalid value'],
  ["offset x;", '"offset" directive invalid value'],
  ["msec 1x;", '"msec" directive invalid value'],
  ["sec 1ms;", '"sec" directive invalid value'],
  ["buffers 0 4k;", '"buffers" directive invalid value'],
  ["buffers 8 0;", '"buffers" directive invalid value'],
  ["satisfy some;", 'invalid value "some"'],
  ["satisfy any; satisfy some;", '"satisfy" directive is duplicate'],
  ["tries error never;", 'invalid value "never"'],
  ["value ${x;", 'the closing bracket in "x" variable is missing'],
  ["rate 1x;", '"rate" directive invalid value'],
];

describe("slots refuse in nginx's words", () => {
  for (const [text, message] of REFUSED) {
    test(text, async () => assert.equal((await read(text)).result, `${message} in f:1`));
  }
});

test("a word that is given twice is warned about", async () => {
  assert.deepEqual((await read("tries error error;")).remarks, ['[warn] duplicate value "error" in f:1']);
});

test("a size may come from a variable", async () => {
  const { result, settings } = await read("rate $speed;");
  assert.equal(result, "ok");
  assert.equal(settings.rate?.constant, null);
});

test("obsolete directives warn and name their replacement", async () => {
  assert.deepEqual((await read("old 1; gone 1;")).remarks, [
    '[warn] the "old" directive is obsolete, use the "new" directive instead in f:1',
    '[warn] the "gone" directive is obsolete, ignored in f:1',
  ]);
});
