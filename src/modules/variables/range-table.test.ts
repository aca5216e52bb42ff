import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../net/address.ts";
import { RangeTable } from "./range-table.ts";

const ipv4 = (text: string): number => parseIp(text)!.readUInt32BE();

test("a range inside another takes its part of it", () => {
  const table = new RangeTable();
  table.add(ipv4("10.0.0.0"), ipv4("10.0.255.255"), "outer");
  table.add(ipv4("10.0.1.0"), ipv4("10.0.1.255"), "inner");
  table.add(ipv4("10.0.0.0"), ipv4("10.0.0.9"), "first");
  table.add(ipv4("10.0.255.0"), ipv4("10.0.255.255"), "last");
  table.add(ipv4("9.0.0.0"), ipv4("9.0.0.0"), "before");
  const found = ["10.0.0.9", "10.0.0.10", "10.0.1.0", "10.0.2.0", "10.0.255.1", "9.0.0.0"].map((text) => {
    return table.find(ipv4(text));
  });
  assert.deepEqual(found, ["first", "outer", "inner", "outer", "last", "before"]);
  assert.equal(table.find(ipv4("10.1.0.0")), undefined);
  assert.equal(table.find(0), undefined);
});

test("the same range is replaced, one that overlaps is refused", () => {
  const table = new RangeTable();
  table.add(10, 20, "a");
  assert.deepEqual(table.add(10, 20, "b"), { old: "a" });
  assert.deepEqual(table.add(15, 25, "c"), { overlaps: "0.0.0.10-0.0.0.20" });
  assert.equal(table.delete(10, 19), false);
  assert.equal(table.delete(10, 20), true);
  assert.equal(table.find(15), undefined);
});

/** Ranges of ten addresses, sixteen apart, in the order that `place` gives them. */
function filled(count: number, place: (at: number) => number): RangeTable {
  const table = new RangeTable();
  for (let at = 0; at < count; at++) {
    const start = 16 * place(at);
    assert.deepEqual(table.add(start, start + 9, `v${start}`), {});
  }
  return table;
}

const orders: Readonly<Record<string, (count: number) => (at: number) => number>> = {
  "in order": () => (at) => at,
  backwards: (count) => (at) => count - 1 - at,
  // Odd, so that every place below a power of two comes once.
  scattered: (count) => (at) => (at * 40_503) % count,
};

for (const [name, order] of Object.entries(orders)) {
  test(`ranges that are listed ${name} are found, and eight times as many cost little more each`, () => {
    const few = filled(4096, order(4096));
    const many = filled(32_768, order(32_768));
    const each = [few.steps / 4096, many.steps / 32_768] as const;
    assert.ok(each[1] < 3 * each[0], `${each[0]} steps for each of few, ${each[1]} of many`);
    for (const at of [0, 1, 511, 512, 513, 20_000, 32_767]) {
      assert.equal(many.find(16 * at), `v${16 * at}`);
      assert.equal(many.find(16 * at + 9), `v${16 * at}`);
      assert.equal(many.find(16 * at + 10), undefined);
    }
  });
}

test("all ranges can be removed, one by one", () => {
  const table = filled(4096, orders["scattered"]!(4096));
  for (let at = 0; at < 4096; at++) assert.equal(table.delete(16 * at, 16 * at + 9), true);
  assert.equal(table.find(0), undefined);
  table.add(1, 2, "again");
  assert.equal(table.find(2), "again");
});

test("a range that is cut by many keeps its parts between them", () => {
  const table = new RangeTable();
  table.add(0, 100_000, "outer");
  for (let at = 0; at < 2000; at++) table.add(50 * at + 10, 50 * at + 19, "inner");
  const found = [9, 10, 19, 20, 59, 60, 99_959, 99_960, 99_969, 99_970].map((at) => table.find(at));
  assert.deepEqual(found, [
    "outer",
    "inner",
    "inner",
    "outer",
    "outer",
    "inner",
    "outer",
    "inner",
    "inner",
    "outer",
  ]);
});
