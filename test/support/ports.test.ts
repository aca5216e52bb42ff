import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { freePorts, freePortsInRow } from "./ports.ts";

const count = 250;
test("processes side by side take no port from each other, and none twice", { timeout: 60_000 }, async () => {
  const program = new URL("./ports.fixture.ts", import.meta.url);
  const others = Array.from({ length: 3 }, () => fork(program, [String(count)]));
  const lists = await Promise.all(others.map(async (other) => (await once(other, "message"))[0] as number[]));
  const all = [...lists.flat(), ...(await freePorts(count)), ...(await freePortsInRow(3))];
  for (const other of others) other.send("enough");
  assert.equal(new Set(all).size, (others.length + 1) * count + 3);
});

test("ports in a row have no gap", async () => {
  const [first, ...rest] = await freePortsInRow(5);
  assert.deepEqual(
    rest,
    [1, 2, 3, 4].map((more) => first! + more),
  );
});
