/** Accounts for the tests, and a thread that charges them together with others. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { SharedRegions } from "../../../gateway/zones/shared-memory.ts";
import { Zone } from "../../../gateway/zones/zones.ts";
import { MessageRates } from "./message-rates.ts";
import type { FrameCharge, ZoneRate } from "./message-rates.ts";
import { messageZoneUse } from "./message-zone.ts";

/** What all threads agree on: all charge at one moment. */
export const scene = {
  threads: 4,
  rounds: 5000,
  burst: 9000,
  rate: { messagesPerSecond: 1000, bytesPerSecond: Infinity },
};
export const allRounds = scene.threads * scene.rounds;

export function ratesIn(shared: SharedRegions, rate: ZoneRate, worker = 0): MessageRates {
  const zone = new Zone("z", messageZoneUse, shared) as Zone;
  zone.size = 64 * 1024;
  return new MessageRates(zone, rate, worker);
}

export function charge(nowMs: number): FrameCharge {
  return { key: "key", messages: 1, bytes: 0, burst: 0, waits: true, nowMs };
}

interface Work {
  readonly worker: number;
  readonly regions: ReadonlyMap<string, SharedArrayBuffer>;
  readonly ready: SharedArrayBuffer;
}

function work({ worker, regions, ready }: Work): number {
  const words = new Int32Array(ready);
  Atomics.add(words, 0, 1);
  while (Atomics.load(words, 0) < scene.threads);
  const rates = ratesIn(new SharedRegions(regions), scene.rate, worker);
  const one = { ...charge(5000), burst: scene.burst, waits: false };
  let passed = 0;
  for (let round = 0; round < scene.rounds; round++) if (rates.take(one) === 0) passed += 1;
  return passed;
}

if (!isMainThread && parentPort !== null) parentPort.postMessage(work(workerData as Work));
