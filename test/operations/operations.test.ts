/**
 * What operators do, under load, at a size that fits into every test run; `run.ts` does the same at full
 * size. nginx goes through it too, which shows that the program sees what it is meant to see.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { longhaul as thisRuntime } from "../support/gateway.ts";
import { allTold, runDrain } from "./drain.ts";
import { limits, runExactness } from "./exactness.ts";
import { Gateway, installedNginx, longhaulOn, longhaulWithWorkers } from "./gateway.ts";
import type { Product } from "./gateway.ts";
import { killProcess, runKillWorker, throwInThread } from "./kill-worker.ts";
import { runReload } from "./reload.ts";
import type { ReloadOptions, ReloadReport } from "./reload.ts";
import { linesOf } from "./report.ts";
import { runSpread } from "./spread.ts";
import { NotUpgradable, runUpgrade } from "./upgrade.ts";

const runtime = "bun" in process.versions ? "bun" : "node";
const longhaul = longhaulOn(runtime, thisRuntime.command[0]!);
const threads = longhaulWithWorkers(runtime, thisRuntime.command[0]!);
const nginx = installedNginx();
const noNginx = nginx === null ? "nginx is not installed here" : false;

const load = { tunnels: 120, arrivalsPerSecond: 60, keptClients: 6, keptPauseMs: 50 };

/** Why a product cannot be asked for this: what it says to the directives that it needs; false when it can. */
function cannot(product: Product, main: string, http: string): string | false {
  const gateway = new Gateway(product);
  try {
    gateway.write("nginx.conf", `${main} events {} http { ${http} }`);
    return gateway.complaint() ?? false;
  } finally {
    void gateway.stop();
  }
}

function reload(product: Product, options: Partial<ReloadOptions>): Promise<ReloadReport> {
  return runReload({
    product,
    workers: 2,
    load,
    reloads: 12,
    pauseMs: 100,
    warmUpMs: 500,
    churn: 3,
    sameWorkers: false,
    shutdownTimeout: null,
    ...options,
  });
}

/** Everything that was found out, for whoever has to find out why. */
function told(report: object): string {
  return linesOf(report).join("\n");
}

describe("reload under load", () => {
  test("Longhaul drops nothing, and no process or descriptor is left behind", async () => {
    const report = await reload(longhaul, {});
    const { wrongs, afterFirst, afterLast, afterAll, load: figures } = report;
    assert.equal(
      Object.values(wrongs).reduce((sum, count) => sum + count),
      0,
      told(report),
    );
    assert.equal(figures.idleCloses, 0, told(report));
    assert.equal(figures.arrivals.skipped, 0, told(report));
    assert.equal(afterLast.processes, afterFirst.processes, told(report));
    // A worker that was one too many stays as long as its tunnels; helpers of the runtime come and go.
    assert.ok(afterAll.threads <= afterFirst.threads + 4, told(report));
    // Each thread has some of its own; and clients come and go while they are counted.
    const threadsMore = Math.max(0, afterLast.threads - afterFirst.threads);
    assert.ok(afterLast.descriptors <= afterFirst.descriptors * 1.05 + 20 * (1 + threadsMore), told(report));
  });

  test("nginx drops no tunnel either, and keeps old workers for them", { skip: noNginx }, async () => {
    const report = await reload(nginx!, {});
    assert.equal(report.wrongs["tunnel dropped"], 0, told(report));
    assert.equal(report.wrongs["bytes lost"] + report.wrongs["bytes changed"], 0, told(report));
    assert.ok(report.afterLast.oldWorkers > 0, told(report));
    assert.equal(report.afterAll.oldWorkers, 0, told(report));
  });

  test("a tunnel that nginx cuts is noticed", { skip: noNginx }, async () => {
    const report = await reload(nginx!, { reloads: 2, pauseMs: 2_000, shutdownTimeout: "1s" });
    assert.ok(report.wrongs["tunnel dropped"] > load.tunnels / 2, told(report));
    assert.match(report.details.join("\n"), /tunnel dropped: tunnel \d+ \(wss?, generation 1, worker \d+\)/);
  });
});

describe("binary upgrade under load", () => {
  const options = { workers: 2, load, upgrades: 1, pauseMs: 200 };

  test("Longhaul, as nginx's manual says, and back", async (t) => {
    try {
      const report = await runUpgrade({ ...options, product: longhaul });
      assert.equal(
        Object.values(report.wrongs).reduce((sum, count) => sum + count),
        0,
        told(report),
      );
      assert.ok(
        report.rounds.every(({ waitedForTunnels }) => waitedForTunnels),
        told(report),
      );
    } catch (error) {
      if (!(error instanceof NotUpgradable)) throw error;
      t.skip(error.message);
    }
  });

  test("nginx as its manual says, and back", { skip: noNginx }, async () => {
    const report = await runUpgrade({ ...options, product: nginx! });
    assert.equal(report.wrongs["tunnel dropped"] + report.wrongs["bytes lost"], 0, told(report));
    assert.equal(report.wrongs["request refused"], 0, told(report));
    assert.ok(
      report.rounds.every(({ waitedForTunnels }) => waitedForTunnels),
      told(report),
    );
  });
});

describe("drain", () => {
  const windowMs = 3_000;
  const http = "websocket_drain 3s;";

  test(
    "every client of Longhaul gets one Close frame with 1001, spread over the window",
    { skip: cannot(longhaul, "", http) },
    async () => {
      const options = { product: longhaul, workers: 2, load, windowMs, http, main: "", heldRequests: 10 };
      const report = await runDrain(options);
      assert.ok(allTold(report), told(report));
      assert.equal(
        Object.values(report.wrongs).reduce((sum, count) => sum + count),
        0,
        told(report),
      );
      assert.equal(report.heldAnswered, 10, told(report));
      assert.ok(report.histogram.filter((count) => count > 0).length >= 5, told(report));
      assert.notEqual(report.exitMs, null, told(report));
    },
  );

  test("no client of nginx is told anything, which is noticed", { skip: noNginx }, async () => {
    const main = "worker_shutdown_timeout 2s;";
    const options = { product: nginx!, workers: 2, load, windowMs, http: "", main, heldRequests: 10 };
    const report = await runDrain(options);
    assert.equal(report.withoutCloseFrame, report.tunnels, told(report));
    assert.equal(report.heldAnswered, 10, told(report));
  });
});

describe("workers", () => {
  for (const product of [threads, nginx]) {
    const name = product?.name ?? "a program that is not here";
    const skip = product === null;
    const killer = product === nginx ? killProcess : throwInThread;

    test(`a worker that dies costs its own tunnels only: ${name}`, { skip }, async () => {
      const report = await runKillWorker({ product: product!, workers: 2, load, killer });
      assert.equal(report.tunnelsOfOthersDropped, 0, told(report));
    });

    test(`connections reach all workers: ${name}`, { skip }, async () => {
      const report = await runSpread({ product: product!, workers: 4, connections: 300 });
      assert.equal(
        report.shares.reduce((sum, share) => sum + share),
        300,
        told(report),
      );
      // nginx's workers race for connections; Longhaul's are given theirs by the kernel.
      if (product === threads) assert.equal(report.shares.length, 4, told(report));
    });
  }
});

describe("limits over four workers are as exact as in one", () => {
  for (const product of [longhaul, ...(nginx === null ? [] : [nginx])]) {
    for (const limit of limits) {
      test(`${limit} of ${product.name}`, async (t) => {
        const report = await runExactness({ product, workers: 4, clients: 150, limits: [limit] });
        const [result] = report.results;
        if (!result!.isTried) return t.skip(result!.difference!);
        assert.equal(result!.difference, null, told(report));
      });
    }
  }
});
