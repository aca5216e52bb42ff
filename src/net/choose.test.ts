import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { bunApi } from "./bun/api.ts";
import { systemNetwork } from "./choose.ts";

const before = process.env["LONGHAUL_NET"];

afterEach(() => {
  if (before === undefined) delete process.env["LONGHAUL_NET"];
  else process.env["LONGHAUL_NET"] = before;
});

test("the runtime's own sockets are chosen unless the environment says otherwise", () => {
  delete process.env["LONGHAUL_NET"];
  assert.equal(systemNetwork().name, bunApi === null ? "node" : "bun");
  process.env["LONGHAUL_NET"] = "node";
  assert.equal(systemNetwork().name, "node");
});

test("a network that is not there is refused", () => {
  process.env["LONGHAUL_NET"] = "bnu";
  assert.throws(() => systemNetwork(), /LONGHAUL_NET must be "node" or "bun"/);
  if (bunApi !== null) return;
  process.env["LONGHAUL_NET"] = "bun";
  assert.throws(() => systemNetwork(), /needs Bun/);
});
