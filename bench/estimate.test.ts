import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { estimatedSeconds } from "./estimate.ts";
import { rows, rowsNamed } from "./rows.ts";

const base = { rounds: 5, seconds: 2, warmupSeconds: 0.3, othersTolerated: 1, directory: "" };

describe("the estimate of a run", () => {
  it("counts every measured second of every proxy, and the turn that warms up", () => {
    const plan = { ...base, rows: rowsNamed(["echo-128-ws"]), proxies: ["nginx", "haproxy"] };
    const measured = (2 * (5 + 1) + 1) * (2 + 0.3);
    assert.ok(estimatedSeconds(plan) > measured);
    assert.ok(estimatedSeconds(plan) < 2 * measured);
  });

  it("leaves out proxies that cannot do what the row asks for", () => {
    const plan = { ...base, rows: rowsNamed(["file-1k"]) };
    const alone = estimatedSeconds({ ...plan, proxies: ["nginx"] });
    assert.equal(estimatedSeconds({ ...plan, proxies: ["nginx", "relay-bun"] }), alone);
  });

  it("grows with each row", () => {
    // One of the two can do whatever a row asks for.
    const plan = { ...base, proxies: ["nginx", "longhaul-node"] };
    for (const row of rows) assert.ok(estimatedSeconds({ ...plan, rows: [row] }) > 0, row.name);
  });
});
