import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Spread } from "./measure.ts";
import { merged, type RunFile } from "./results.ts";
import { summaryTable } from "./summary-table.ts";
import type { Summary } from "./table.ts";
import { missedLines } from "./targets.ts";

const machine = { cpu: "a CPU", cores: 2, kernel: "6.1" };

function constant(median: number): Spread {
  return { median, min: median, max: median };
}

function summary(row: string, proxy: string, value: number | null, ratio: number | null): Summary {
  const spread = (figure: number | null): Spread | null => (figure === null ? null : constant(figure));
  return { row, unit: "µs", proxy, value: spread(value), ratio: spread(ratio) };
}

function run(summaries: Summary[], changes: Partial<RunFile> = {}): RunFile {
  return { machine, versions: {}, rounds: 5, seconds: 2, summaries, ...changes };
}

describe("results of partial runs", () => {
  it("come together, the later figure of a cell before the earlier", () => {
    const first = run([summary("echo-128-ws", "nginx", 10, 1), summary("echo-128-ws", "haproxy", 11, 1.1)]);
    const second = run([summary("echo-128-ws", "nginx", 20, 1), summary("idle-ws", "nginx", 17, 1)]);
    const { summaries } = merged([first, second]);
    const figures = summaries.map(({ row, proxy, value }) => `${row} ${proxy} ${value?.median}`);
    assert.deepEqual(figures.toSorted(), [
      "echo-128-ws haproxy 11",
      "echo-128-ws nginx 20",
      "idle-ws nginx 17",
    ]);
  });

  it("keep a figure where a later run has none", () => {
    const first = run([summary("echo-128-ws", "caddy", 12, 1.2)]);
    const second = run([summary("echo-128-ws", "caddy", null, null)]);
    assert.equal(merged([first, second]).summaries[0]?.value?.median, 12);
  });

  it("tell the fewest rounds and the shortest stretch", () => {
    const { rounds, seconds } = merged([run([]), run([], { rounds: 3 }), run([], { seconds: 1 })]);
    assert.deepEqual([rounds, seconds], [3, 1]);
  });

  it("are refused from different machines, and where there are none", () => {
    const elsewhere = run([], { machine: { ...machine, kernel: "6.18" } });
    assert.throws(() => merged([run([]), elsewhere]), /different machines/);
    assert.throws(() => merged([]), /no results/);
  });
});

describe("the summary", () => {
  const summaries = [
    summary("workers-1-2", "nginx", 0.97, 1),
    summary("workers-1-2", "haproxy", 1.02, 1.05),
    summary("echo-128-ws", "nginx", 10.31, 1),
    { ...summary("echo-128-ws", "longhaul-bun", 11, 1), ratio: { median: 1.07, min: 1.04, max: 1.1 } },
    summary("echo-1k-ws", "caddy", null, null),
  ];

  it("shows nginx's figure, the ratios to it, and own factors beside theirs", () => {
    const lines = summaryTable(run(summaries), ["longhaul-bun", "haproxy"]).split("\n");
    assert.deepEqual(lines.slice(-4), [
      "| work | nginx | Longhaul on Bun | haproxy |",
      "| --- | --- | --- | --- |",
      "| echo 128 B, ws: CPU per message | 10.3 µs | 1.07 (1.04–1.10) | – |",
      "| CPU per message, 2 workers ÷ 1 | 0.97 | – | 1.02; ÷ nginx 1.05 |",
    ]);
  });
});

describe("the targets", () => {
  it("are missed by costs above, rates below and own factors above", () => {
    const summaries = [
      summary("echo-128-ws", "longhaul-bun", 13, 1.26),
      summary("echo-128-ws", "longhaul-node", 13, 1.5),
      summary("new-tunnels", "longhaul-bun", 8000, 0.79),
      summary("new-tunnels", "longhaul-node", 8000, 0.5),
      summary("grow-100-8000", "nginx", 1.7, 1),
      summary("grow-100-8000", "longhaul-bun", 1.9, 1.1),
    ];
    assert.deepEqual(missedLines(summaries), [
      "echo-128-ws, longhaul-bun: 1.26 instead of at most 1.25",
      "new-tunnels, longhaul-bun: 0.79 instead of at least 0.8",
      "grow-100-8000, longhaul-bun: 1.90 instead of at most 1.3 (nginx: 1.70)",
    ]);
  });

  it("are missed on message rows where a rival is ahead", () => {
    const summaries = [
      summary("echo-1k-wss", "longhaul-bun", 10, 0.8),
      summary("echo-1k-wss", "haproxy", 9, 0.7),
      summary("echo-1k-wss", "caddy", 20, 1.6),
    ];
    assert.deepEqual(missedLines(summaries), [
      "echo-1k-wss, longhaul-bun: 0.80, not ahead of haproxy (0.70)",
    ]);
  });
});
