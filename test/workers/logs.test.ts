import assert from "node:assert/strict";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { get, KeptConnection, startScene, until } from "./scene.ts";

const serving = `server {
  listen 127.0.0.1:PORT;
  access_log PREFIX/access-GENERATION.log;
  error_log PREFIX/error-GENERATION.log;
  location / { return 200 "$worker_thread"; }
  location /generation { return 200 "GENERATION"; }
}`;

/** Log files that a process has open, with one entry for each descriptor. */
function openLogs(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((descriptor) => {
    try {
      const target = readlinkSync(`${folder}/${descriptor}`);
      return target.endsWith(".log") ? [target.slice(target.lastIndexOf("/") + 1)] : [];
    } catch {
      return [];
    }
  });
}

for (const workers of [1, 2]) {
  test(`logs that a reload does not name are closed, with ${workers} workers`, async (t) => {
    const { gateway, port, reload, signalWith } = await startScene(t, workers, serving);
    const kept = await KeptConnection.open(port);
    t.after(() => kept.close());
    await kept.get();
    for (let round = 0; round < 10; round++) await reload(workers);
    const own = ["access-11.log", "error-11.log"];
    await until(() => openLogs(gateway.pid).every((name) => own.includes(name)));
    // Threads and the main thread have theirs.
    assert.equal(openLogs(gateway.pid).length, (workers + 1) * own.length);
    signalWith(`worker_processes ${workers}; events {} http {
      server { listen 127.0.0.1:${port}; access_log PREFIX/access-bad.log; location / { nonsense; } } }`);
    await gateway.logged(/unknown directive "nonsense"/);
    assert.ok(!openLogs(gateway.pid).includes("access-bad.log"));
    await get(port);
    await until(() => readFileSync(`${gateway.directory}/access-11.log`, "latin1").includes('"GET / HTTP'));
  });
}
