import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr, parseIp } from "../net/address.ts";
import { NetworkTable, RangeTable } from "./geo-table.ts";

const address = (text: string): Buffer => parseIp(text)!;
const ipv4 = (text: string): number => address(text).readUInt32BE();

test("the longest prefix counts, in each family", () => {
  const table = new NetworkTable();
  for (const network of [
    "10.0.0.0/8",
    "10.1.0.0/20",
    "10.1.2.3",
    "2001:db8::/32",
    "2001:db8:1::/49",
    "::1",
  ]) {
    assert.equal(table.set(parseCidr(network)!, network), undefined);
  }
  assert.equal(table.find(address("10.9.9.9")), "10.0.0.0/8");
  assert.equal(table.find(address("10.1.15.255")), "10.1.0.0/20");
  assert.equal(table.find(address("10.1.16.0")), "10.0.0.0/8");
  assert.equal(table.find(address("10.1.2.3")), "10.1.2.3");
  assert.equal(table.find(address("::ffff:10.1.2.3")), "10.1.2.3");
  assert.equal(table.find(address("2001:db8:1:7fff::1")), "2001:db8:1::/49");
  assert.equal(table.find(address("2001:db8:1:8000::1")), "2001:db8::/32");
  assert.equal(table.find(address("11.0.0.1")), undefined);
});

test("a network can be replaced and removed", () => {
  const table = new NetworkTable();
  const network = parseCidr("10.0.0.0/8")!;
  table.set(network, "old");
  assert.equal(table.set(network, "new"), "old");
  assert.equal(table.delete(network), true);
  assert.equal(table.delete(network), false);
  assert.equal(table.find(address("10.0.0.1")), undefined);
});

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
