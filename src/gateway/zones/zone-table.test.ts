import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ZoneLock } from "./zone-lock.ts";
import { ZoneTable } from "./zone-table.ts";
import type { TableShape } from "./zone-table.ts";

const shape: TableShape = { keysMax: 12, nodesMax: 20, nodeBytes: 64, keyOffset: 32 };
const keys = [
  "a",
  "b",
  "ab",
  "\0",
  "\0\0",
  "k".repeat(32),
  "l".repeat(33),
  "m".repeat(33),
  "n".repeat(70_000),
];
for (let number = 0; number < 12; number++) keys.push(`10.0.0.${number}`);

function regionOf(ofShape = shape): SharedArrayBuffer {
  return new SharedArrayBuffer(ZoneTable.byteLength(ofShape));
}

/** What a table must do, in the plainest way: nodes with their keys, oldest first. */
class Model {
  readonly order: { node: number; key: string }[] = [];

  nodesOf(key: string): number[] {
    return this.order.filter((one) => one.key === key).map(({ node }) => node);
  }

  hasRoomFor(key: string): boolean {
    const known = new Set(this.order.map((one) => one.key));
    return this.order.length < shape.nodesMax && (known.has(key) || known.size < shape.keysMax);
  }

  take(node: number): { node: number; key: string } {
    const index = this.order.findIndex((one) => one.node === node);
    return this.order.splice(index, 1)[0]!;
  }
}

type Step = readonly ["insert" | "touch" | "remove" | "remove oldest" | "other thread" | "rebuild", number];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom("insert", "insert", "insert", "touch", "remove", "remove oldest", "other thread"),
    fc.nat(keys.length - 1),
  ) as fc.Arbitrary<Step>,
  { maxLength: 200, size: "max" },
);

function nodesOf(table: ZoneTable): number[] {
  const nodes: number[] = [];
  for (let node = table.first(); node !== 0; node = table.next(node)) nodes.push(node);
  return nodes;
}

function inOrder(table: ZoneTable): number[] {
  const nodes: number[] = [];
  table.each((node) => nodes.push(node));
  return nodes;
}

function sorted(nodes: readonly number[]): number[] {
  return nodes.toSorted((one, other) => one - other);
}

/** Does a step to table and model alike. */
function apply(table: ZoneTable, model: Model, [kind, index]: Step): void {
  const key = keys[index]!;
  table.select(key);
  const known = nodesOf(table);
  assert.deepEqual(sorted(known), sorted(model.nodesOf(key)));
  const node = kind === "remove oldest" ? table.oldest : known[0];
  if (kind === "insert") {
    const room = model.hasRoomFor(key);
    const made = table.insert();
    assert.equal(made !== 0, room);
    if (room) model.order.push({ node: made, key });
  } else if (node !== undefined && node !== 0) {
    if (kind === "touch") {
      table.touch(node);
      model.order.push(model.take(node));
    } else {
      if (kind === "remove oldest") assert.equal(node, model.order[0]!.node);
      table.remove(node);
      model.take(node);
    }
  }
  assert.equal(table.keyCount, new Set(model.order.map((one) => one.key)).size);
}

describe("a table in a zone", () => {
  test("does what lists and sets do", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const region = regionOf();
        const tables = [new ZoneTable(region, shape, 0), new ZoneTable(region, shape, 1)];
        const model = new Model();
        let turn = 0;
        for (const step of list) {
          if (step[0] === "other thread") turn = 1 - turn;
          const table = tables[turn]!;
          table.lock();
          if (step[0] !== "other thread") apply(table, model, step);
          assert.deepEqual(
            inOrder(table),
            model.order.map(({ node }) => node),
          );
          table.unlock();
        }
      }),
      { numRuns: 300 },
    );
  });

  test("has all its keys, and all its room, after a thread died in the middle of a change", () => {
    fc.assert(
      fc.property(steps, fc.integer(), (list, garbage) => {
        const region = regionOf();
        const table = new ZoneTable(region, shape, 0);
        const model = new Model();
        for (const step of list) apply(table, model, step);
        spoilLinks(region, table, garbage);
        // Thread 7 has died with the lock.
        new ZoneLock(new Int32Array(region), 0, 7).acquire();
        table.unlockFor(7);
        assert.deepEqual(sorted(inOrder(table)), sorted(model.order.map(({ node }) => node)));
        for (const key of keys) {
          table.select(key);
          assert.deepEqual(sorted(nodesOf(table)), sorted(model.nodesOf(key)));
        }
        model.order.length = 0;
        table.each((node) => {
          table.remove(node);
        });
        assert.equal(table.keyCount, 0);
        table.select("same");
        for (let count = 0; count < shape.nodesMax; count++) assert.notEqual(table.insert(), 0);
        assert.equal(table.insert(), 0);
      }),
      { numRuns: 100 },
    );
  });

  test("keeps a note, as far as there is room", () => {
    const region = regionOf();
    const table = new ZoneTable(region, shape, 0);
    assert.equal(table.note, "");
    table.note = "$uri\xe9";
    assert.equal(new ZoneTable(region, shape, 1).note, "$uri\xe9");
    assert.ok(table.hasNote("$uri\xe9"));
    table.note = "x".repeat(10_000);
    assert.ok(table.hasNote("x".repeat(10_000)));
    assert.ok(!table.hasNote("x".repeat(100)));
  });
});

/** Ties every link of the table wrongly. */
function spoilLinks(region: SharedArrayBuffer, table: ZoneTable, garbage: number): void {
  const words = new Int32Array(region);
  for (const word of [3, 5, 6, 7]) words[word] = garbage;
  words.fill(garbage, 4096 / 4, table.word(1));
  for (let node = 1; node <= shape.nodesMax; node++)
    words.fill(garbage, table.word(node), table.word(node) + 3);
}
