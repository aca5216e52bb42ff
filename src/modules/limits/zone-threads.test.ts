import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { connectionZone, requestZone, scene, zoneRegions } from "./zone-thread.fixture.ts";
import type { ThreadResult, ThreadWork } from "./zone-thread.fixture.ts";

const threads = 4;
const file = new URL("./zone-thread.fixture.ts", import.meta.url);

/** What four threads came to that did the same at the same time. */
async function together(task: ThreadWork["task"], regions: ThreadWork["regions"]): Promise<ThreadResult[]> {
  const memory = new SharedArrayBuffer(256);
  const workers = Array.from({ length: threads }, (_, index) => {
    const workerData: ThreadWork = { worker: index + 1, regions, scene: memory, threads, task };
    return new Worker(file, { workerData });
  });
  const results = await Promise.all(
    workers.map(async (worker) => {
      const [result] = (await once(worker, "message")) as [ThreadResult];
      return result;
    }),
  );
  await Promise.all(workers.map((worker) => worker.terminate()));
  return results;
}

function passed(results: readonly ThreadResult[]): number {
  return results.reduce((sum, result) => sum + result.passed, 0);
}

describe("four threads at one zone", () => {
  test("let exactly as many requests pass as one would", async () => {
    const regions = zoneRegions();
    const results = await together("requests", regions);
    assert.equal(passed(results), scene.keys * 500);
    assert.equal(requestZone(regions, 0).look("key 0", scene.burst, true, 5999), "busy");
    assert.equal(requestZone(regions, 0).look("key 0", scene.burst, true, 6000), "passed");
  });

  test("count with the first of two limits exactly what the second lets pass", async () => {
    const regions = zoneRegions();
    const results = await together("two limits", regions);
    assert.equal(passed(results), scene.keys * 500);
    const first = requestZone(regions, 0);
    for (let key = 0; key < scene.keys; key++) {
      first.look(`key ${key}`, Infinity, true, 5000);
      assert.ok(first.excess === 500_000, `${first.excess} for key ${key}`);
    }
  });

  test("never count more connections than the limit, and none in the end", async () => {
    const regions = zoneRegions();
    const results = await together("connections", regions);
    assert.ok(passed(results) > scene.rounds / 2);
    assert.equal(Math.max(...results.map(({ most }) => most)), scene.connections);
    assert.equal(connectionZone(regions, 0).memory.keyCount, 0);
  });

  test("take exactly as many connections as one would", async () => {
    const regions = zoneRegions();
    assert.equal(passed(await together("all connections", regions)), scene.allConnections);
  });

  test("a thread that dies with the lock, and with all that is allowed, leaves nothing behind", async () => {
    const regions = zoneRegions();
    const memory = new SharedArrayBuffer(256);
    const workerData: ThreadWork = {
      worker: 1,
      regions,
      scene: memory,
      threads: 1,
      task: "die with the lock",
    };
    const worker = new Worker(file, { workerData });
    await once(worker, "message");
    await worker.terminate();
    const counts = connectionZone(regions, 0);
    counts.freeAll(1);
    for (let count = 0; count < scene.connections; count++) {
      assert.ok(counts.take("key 0", scene.connections) > 0);
    }
    assert.ok(counts.take("key 0", scene.connections) < 0);
  });
});
