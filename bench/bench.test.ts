import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Histogram } from "./load/histogram.ts";
import { spreadOf } from "./measure.ts";
import { isAble, isAvailable } from "./contestants.ts";
import { rowsNamed } from "./rows.ts";
import { type RowResult, Runner } from "./runner.ts";
import { latencyTable, ratioTable, valueTable } from "./table.ts";
import { StampedFrame } from "./wire.ts";

const proxies = ["nginx", "longhaul-bun", "longhaul-node", "relay-bun", "relay-node"].filter(isAvailable);

describe("the benchmark", () => {
  let directory: string;
  let runner: Runner;
  const interruption = new AbortController();

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "longhaul-bench-test-"));
    const rows = rowsNamed(["echo-128-ws"]);
    const plan = { rows, proxies, rounds: 1, seconds: 0.2, warmupSeconds: 0, othersTolerated: 1, directory };
    runner = await Runner.start(plan, interruption.signal);
  });

  after(async () => {
    await runner.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function measure(name: string): Promise<RowResult> {
    const row = rowsNamed([name])[0]!;
    const result = await runner.run(row);
    for (const { proxy, failure, samples } of result.outcomes) {
      assert.equal(failure, null, `${proxy}: ${failure}`);
      if (!isAble(proxy, row.needs)) continue;
      assert.equal(samples.length, 1);
      assert.ok(samples[0]!.value > 0);
    }
    return result;
  }

  it("measures echoes over ws through every proxy that is here", { timeout: 60_000 }, async () => {
    const result = await measure("echo-128-ws");
    assert.ok(result.direct !== null && result.direct.throughput > 0);
    const [head, , body] = ratioTable([result]).split("\n");
    for (const name of proxies) assert.ok(head!.includes(name));
    assert.equal(body!.split("|").length, proxies.length + 3);
    assert.match(valueTable([result]), /echo 128 B/);
  });

  it("measures files, expressions and reloads of those who can", { timeout: 60_000 }, async () => {
    await measure("file-1k");
    await measure("expressions");
    await measure("reload");
  });

  it("measures requests, downloads and idle connections over HTTP/2", { timeout: 120_000 }, async () => {
    await measure("h2c-10");
    await measure("h2-download-10m");
    await measure("idle-h2");
  });

  it("measures echoes and idle tunnels over HTTP/2", { timeout: 60_000 }, async () => {
    await measure("h2-echo-128-100");
    await measure("h2-echo-16k-1");
    await measure("idle-h2-tunnel");
  });

  it("measures latencies at a fixed rate", { timeout: 60_000 }, async () => {
    assert.match(latencyTable([await measure("p99-5000")]), /p99-5000, p50/);
  });

  it("measures echoes over wss", { timeout: 60_000 }, async () => {
    await measure("echo-16k-wss");
  });
});

describe("an interrupted benchmark", () => {
  it("ends its children and tells what it has", { timeout: 60_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "longhaul-bench-test-"));
    const rows = rowsNamed(["echo-128-ws"]);
    const interruption = new AbortController();
    const endless = { rounds: 1000, seconds: 0.2, warmupSeconds: 0, othersTolerated: 1 };
    const plan = { rows, proxies: proxies.slice(0, 2), ...endless, directory };
    const runner = await Runner.start(plan, interruption.signal);
    setTimeout(() => interruption.abort(), 2500);
    const { outcomes } = await runner.run(rows[0]!);
    await runner.stop();
    rmSync(directory, { recursive: true, force: true });
    assert.deepEqual(
      outcomes.map((outcome) => outcome.failure),
      plan.proxies.map(() => null),
    );
    assert.match(valueTable([{ row: rows[0]!, outcomes, direct: null }]), /echo 128 B/);
  });
});

describe("the benchmark's tools", () => {
  it("tells the median between the two middle values", () => {
    assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
    assert.throws(() => spreadOf([]), RangeError);
  });

  it("tells quantiles exactly", () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 100; value += 1) histogram.record(value);
    assert.equal(histogram.quantile(0.5), 50);
    assert.equal(histogram.quantile(0.99), 99);
    assert.equal(histogram.quantile(1), 100);
  });

  it("writes frame headers for each length form", () => {
    const headerOf = (size: number): number[] => [...new StampedFrame(size, true).bytes.subarray(0, 10)];
    assert.deepEqual(headerOf(128).slice(0, 8), [0x82, 0xfe, 0, 128, 0, 0, 0, 0]);
    assert.deepEqual(headerOf(100).slice(0, 6), [0x82, 0x80 | 100, 0, 0, 0, 0]);
    assert.deepEqual(headerOf(65536), [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);
  });
});
