import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr, parseIp } from "../../net/address.ts";
import { NetworkTable } from "./geo-table.ts";

const address = (text: string): Buffer => parseIp(text)!;

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
