/** A thread that hammers zones together with others, as the workers of a gateway do. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { SharedRegions } from "../../gateway/zones/shared-memory.ts";
import { Zone } from "../../gateway/zones/zones.ts";
import { ConnectionCounts } from "./limit-conn/connection-counts.ts";
import { connectionZoneUse } from "./limit-conn/connection-zone.ts";
import { rateZoneUse } from "./limit-req/rate-zone.ts";
import { RequestRates } from "./limit-req/request-rates.ts";

export interface ThreadWork {
  readonly worker: number;
  readonly regions: ReadonlyMap<string, SharedArrayBuffer>;
  /** Word 0: threads that are ready. From word 1: for each key, what is counted just now. */
  readonly scene: SharedArrayBuffer;
  readonly threads: number;
  readonly task: "requests" | "two limits" | "connections" | "all connections" | "die with the lock";
}

export interface ThreadResult {
  readonly passed: number;
  /** The most that was ever counted for one key. */
  readonly most: number;
}

/** What all threads agree on. */
export const scene = {
  keys: 5,
  rate: 1000,
  burst: 499_000,
  connections: 7,
  allConnections: 777,
  rounds: 20_000,
};

export function requestZone(
  regions: ReadonlyMap<string, SharedArrayBuffer>,
  worker: number,
  name = "r",
): RequestRates {
  return new RequestRates(zoneNamed(name, new SharedRegions(regions), "limit_req"), scene.rate, worker);
}

export function connectionZone(
  regions: ReadonlyMap<string, SharedArrayBuffer>,
  worker: number,
): ConnectionCounts {
  return ConnectionCounts.of(zoneNamed("c", new SharedRegions(regions), "limit_conn"), worker);
}

/** Memory for the zones, with their tables made. */
export function zoneRegions(): ReadonlyMap<string, SharedArrayBuffer> {
  const shared = new SharedRegions();
  for (const name of ["r", "s"]) void new RequestRates(zoneNamed(name, shared, "limit_req"), scene.rate, 0);
  ConnectionCounts.of(zoneNamed("c", shared, "limit_conn"), 0);
  return shared.used;
}

function zoneNamed(name: string, shared: SharedRegions, use: "limit_req" | "limit_conn"): Zone {
  const zone =
    use === "limit_req"
      ? (new Zone(name, rateZoneUse, shared) as Zone)
      : (new Zone(name, connectionZoneUse, shared) as Zone);
  zone.size = 64 * 1024;
  return zone;
}

function work({ worker, regions, scene: memory, threads, task }: ThreadWork): ThreadResult {
  const words = new Int32Array(memory);
  Atomics.add(words, 0, 1);
  while (Atomics.load(words, 0) < threads);
  switch (task) {
    case "requests":
      return { passed: ask(requestZone(regions, worker)), most: 0 };
    case "two limits":
      return { passed: askTwice(requestZone(regions, worker), requestZone(regions, worker, "s")), most: 0 };
    case "connections":
      return comeAndGo(connectionZone(regions, worker), words);
    case "all connections":
      return { passed: comeAndStay(connectionZone(regions, worker)), most: 0 };
    case "die with the lock": {
      const counts = connectionZone(regions, worker);
      for (let count = 0; count < scene.connections; count++) counts.take("key 0", scene.connections);
      counts.memory.lock();
      return { passed: 0, most: 0 };
    }
  }
}

/** All requests at one moment: the burst and one more pass, for each key. */
function ask(rates: RequestRates): number {
  let passed = 0;
  for (let round = 0; round < scene.rounds; round++) {
    if (rates.look(`key ${round % scene.keys}`, scene.burst, true, 5000) === "passed") passed += 1;
  }
  return passed;
}

function askTwice(first: RequestRates, second: RequestRates): number {
  let passed = 0;
  for (let round = 0; round < scene.rounds; round++) {
    const key = `key ${round % scene.keys}`;
    if (first.look(key, Infinity, false, 5000) !== "held") continue;
    if (second.look(key, scene.burst, true, 5000) === "passed") {
      first.account(5000);
      passed += 1;
    } else {
      first.letGo();
    }
  }
  return passed;
}

/** Takes and frees in turns; counts for itself what is taken at a time. */
function comeAndGo(counts: ConnectionCounts, words: Int32Array): ThreadResult {
  const held: { key: number; node: number }[] = [];
  let passed = 0;
  let most = 0;
  for (let round = 0; round < scene.rounds; round++) {
    const key = (round * 7 + (round >> 3)) % scene.keys;
    const node = counts.take(`key ${key}`, scene.connections);
    if (node > 0) {
      most = Math.max(most, Atomics.add(words, 1 + key, 1) + 1);
      held.push({ key, node });
      passed += 1;
    }
    if (held.length > round % 9) {
      const gone = held.shift()!;
      Atomics.sub(words, 1 + gone.key, 1);
      counts.free(gone.node);
    }
  }
  for (const { key, node } of held) {
    Atomics.sub(words, 1 + key, 1);
    counts.free(node);
  }
  return { passed, most };
}

function comeAndStay(counts: ConnectionCounts): number {
  let passed = 0;
  for (let round = 0; round < scene.allConnections; round++) {
    if (counts.take("key 0", scene.allConnections) > 0) passed += 1;
  }
  return passed;
}

if (!isMainThread && parentPort !== null) parentPort.postMessage(work(workerData as ThreadWork));
