import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { repository } from "./support/gateway.ts";

/** Lowest floor first: a room imports only itself and rooms before it. */
const rooms = ["net", "http", "http2", "cgi", "websocket", "config", "gateway", "modules", "runtime", "cli"];
/**
 * The sub-rooms of `gateway/`, in the same order. A request, its location and their handlers cannot be told without
 * each other: `request` and `serve` stand on one floor.
 */
const gatewayRooms = [
  ["failure"],
  ["zones"],
  ["log"],
  ["balance"],
  ["request", "serve"],
  ["files"],
  ["tunnel"],
  ["upstream"],
  ["client"],
  ["health"],
  ["build"],
];
const source = path.join(repository, "src");

interface Import {
  readonly from: string;
  readonly to: string;
  /** Gone once types are stripped. */
  readonly typeOnly: boolean;
}

const statement = /^(?:import|export) (type )?(?:[^"';]*? from )?"(\.[^"]+)";/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(source, file), "utf8");
  return [...text.matchAll(statement)].map(([, type, target]) => ({
    from: file,
    to: path.join(path.dirname(file), target!),
    typeOnly: type !== undefined,
  }));
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(name),
);
const imports = files.flatMap(importsOf);

describe("the rooms", () => {
  test("import downwards only", () => {
    const floor = (file: string): number => rooms.indexOf(file.split("/")[0]!);
    const upwards = imports.filter(({ from, to }) => floor(from) >= 0 && floor(to) > floor(from));
    assert.deepEqual(
      upwards.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test("of the gateway import downwards, types too", () => {
    const floor = (file: string): number =>
      gatewayRooms.findIndex((names) => names.includes(file.split("/")[1]!));
    const own = imports.filter(({ from, to }) => from.startsWith("gateway/") && to.startsWith("gateway/"));
    for (const { from } of own) assert.ok(floor(from) >= 0, `${from} is in none of the sub-rooms`);
    const upwards = own.filter(({ from, to }) => floor(to) > floor(from));
    assert.deepEqual(
      upwards.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test("have time and chance from the seam only", () => {
    const leaks = files.filter((file) => {
      // A command of a few seconds has no time but the real one.
      if (/^(net|cli)\//.test(file)) return false;
      const text = readFileSync(path.join(source, file), "utf8");
      return /\b(Math\.random|Date\.now|setTimeout)\(/.test(text);
    });
    assert.deepEqual(leaks, ["http/cases/nginx-oracle.ts"]);
  });

  test("hold no cycle of imports that remains when types are stripped", () => {
    const targets = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) {
      if (!typeOnly) targets.set(from, [...(targets.get(from) ?? []), to]);
    }
    const done = new Set<string>();
    const visit = (file: string, trail: readonly string[]): void => {
      assert.ok(!trail.includes(file), [...trail.slice(trail.indexOf(file)), file].join(" → "));
      if (done.has(file)) return;
      for (const target of targets.get(file) ?? []) visit(target, [...trail, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });
});
