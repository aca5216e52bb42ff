import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { SharedRegions } from "../../../gateway/zones/shared-memory.ts";
import { allRounds, charge, ratesIn, scene } from "./message-rates.fixture.ts";

/** Takes at the given moments. */
function waits(
  rates: ReturnType<typeof ratesIn>,
  moments: readonly number[],
  more: Partial<ReturnType<typeof charge>> = {},
): number[] {
  return moments.map((nowMs) => rates.take({ ...charge(nowMs), ...more }));
}

const once10 = { messagesPerSecond: 10, bytesPerSecond: Infinity };

describe("what messages wait for that share a key", () => {
  test("each its turn, behind those before it", () => {
    assert.deepEqual(
      waits(ratesIn(new SharedRegions(), once10), [0, 0, 0, 50, 400, 1000]),
      [0, 100, 200, 250, 0, 0],
    );
  });

  test("nothing within the burst", () => {
    const rates = ratesIn(new SharedRegions(), once10);
    assert.deepEqual(waits(rates, [0, 0, 0, 0, 0, 1000, 1000], { burst: 2 }), [0, 0, 0, 100, 200, 0, 0]);
  });

  test("nothing that is charged where it is refused", () => {
    const rates = ratesIn(new SharedRegions(), once10);
    assert.deepEqual(waits(rates, [0, 10, 20, 99, 100, 100], { waits: false }), [0, 90, 80, 1, 0, 100]);
  });

  test("bytes, beyond what a second brings", () => {
    const rates = ratesIn(new SharedRegions(), { messagesPerSecond: Infinity, bytesPerSecond: 1000 });
    assert.deepEqual(waits(rates, [0, 0, 0, 0], { bytes: 1000 }), [0, 0, 1000, 2000]);
    assert.deepEqual(waits(rates, [6000], { bytes: 0 }), [0]);
  });

  test("the slower of both", () => {
    const rates = ratesIn(new SharedRegions(), { messagesPerSecond: 10, bytesPerSecond: 1000 });
    assert.deepEqual(waits(rates, [0, 0, 0], { bytes: 1500 }), [0, 500, 2000]);
  });

  test("nothing of other keys, nor of those that had to make room", () => {
    const rates = ratesIn(new SharedRegions(), once10);
    assert.equal(rates.take(charge(0)), 0);
    assert.equal(rates.take({ ...charge(0), key: "another" }), 0);
    assert.equal(rates.take(charge(0)), 100);
    for (let key = 0; key < 10_000; key++) rates.take({ ...charge(0), key: `key ${key}` });
    assert.equal(rates.take(charge(0)), 0);
  });

  test("as long, whoever of two clocks says what time it is", () => {
    const rates = ratesIn(new SharedRegions(), once10);
    assert.deepEqual(waits(rates, [1000, 999, 1000, 999, 1001]), [0, 100, 200, 300, 399]);
  });

  test("no longer when the clock was set back", () => {
    const rates = ratesIn(new SharedRegions(), once10);
    assert.deepEqual(waits(rates, [1_000_000, 0, 100, 200]), [0, 100, 100, 100]);
  });
});

test("four threads let exactly as much pass as one would", async () => {
  const shared = new SharedRegions();
  ratesIn(shared, scene.rate);
  const file = new URL("./message-rates.fixture.ts", import.meta.url);
  const ready = new SharedArrayBuffer(4);
  const workers = Array.from({ length: scene.threads }, (_, index) => {
    return new Worker(file, { workerData: { worker: index + 1, regions: shared.used, ready } });
  });
  const passed = await Promise.all(
    workers.map(async (worker) => ((await once(worker, "message")) as [number])[0]),
  );
  await Promise.all(workers.map((worker) => worker.terminate()));
  const sum = passed.reduce((all, one) => all + one, 0);
  assert.equal(sum, scene.burst + 1);
  assert.ok(sum < allRounds);
});
