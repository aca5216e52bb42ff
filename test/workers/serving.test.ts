import assert from "node:assert/strict";
import { test } from "node:test";
import { Stream, get, KeptConnection, livingThreads, startScene, until } from "./scene.ts";

const connections = 2000;

for (const workers of [2, 4]) {
  test(`${connections} connections spread over ${workers} workers`, async (t) => {
    const { port } = await startScene(t, workers);
    const open: KeptConnection[] = [];
    for (let i = 0; i < connections; i += 100) {
      open.push(...(await Promise.all(Array.from({ length: 100 }, () => KeptConnection.open(port)))));
    }
    t.after(() => open.forEach((connection) => connection.close()));
    const counts = new Map<string, number>();
    for (const thread of await Promise.all(open.map((connection) => connection.get()))) {
      counts.set(thread, (counts.get(thread) ?? 0) + 1);
    }
    t.diagnostic(`connections per worker: ${[...counts.values()].join(" ")}`);
    assert.equal(counts.size, workers);
    for (const count of counts.values()) assert.ok(count > (connections / workers) * 0.7, String(count));
  });
}

test("a reload under load fails no request, and ends no connection", async (t) => {
  const { port, reload } = await startScene(t, 2);
  const kept = await Promise.all(Array.from({ length: 20 }, () => KeptConnection.open(port)));
  t.after(() => kept.forEach((connection) => connection.close()));
  for (const connection of kept) await connection.get();
  const stream = new Stream(port, 20);
  for (let i = 0; i < 10; i++) await reload(2);
  for (const connection of kept) assert.equal(await connection.get("/generation"), "11");
  await stream.stop();
  t.diagnostic(`${stream.answered} requests`);
  assert.deepEqual(stream.failures, []);
});

test("the number of workers changes with no connection refused or reset", async (t) => {
  const { port, reload, gateway } = await startScene(t, 1);
  const stream = new Stream(port, 20);
  const kept: KeptConnection[] = [];
  t.after(() => kept.forEach((connection) => connection.close()));
  for (const workers of [2, 1, 4, 3, 1, 2]) {
    await reload(workers);
    const threads = new Set<string>();
    await until(async () => threads.add((await get(port)).body).size === workers);
    const own = await Promise.all(Array.from({ length: 8 }, () => KeptConnection.open(port)));
    for (const connection of own) await connection.get();
    // One that came to a worker about to retire was told not to come again.
    kept.push(...own.filter(({ closing }) => !closing));
  }
  // Whoever came to a worker that has retired since is served by the newest configuration, too.
  for (const connection of kept) assert.equal(await connection.get("/generation"), "7");
  assert.ok(kept.length >= 40, String(kept.length));
  for (const connection of kept) connection.close();
  await stream.stop();
  t.diagnostic(`${stream.answered} connections`);
  assert.deepEqual(stream.failures, []);
  await until(() => livingThreads(gateway.log()) === 2);
});

test("a configuration that is broken, or cannot be bound, changes nothing in any worker", async (t) => {
  const { port, signalWith, gateway } = await startScene(t, 2);
  const other = await startScene(t, 2);
  signalWith("worker_processes 3; events {} http { server { listen nowhere.invalid:80; } }");
  await gateway.logged(/\[emerg\] .*host not found in "nowhere.invalid:80"/);
  signalWith(`worker_processes 3; events {} http { server { listen 127.0.0.1:${port}; } server {
    listen 127.0.0.1:${other.port}; } }`);
  await gateway.logged(/\[emerg\] .*still could not bind\(\)/);
  const threads = new Set<string>();
  await until(async () => threads.add((await get(port)).body).size === 2);
  assert.equal((await get(port, "/generation")).body, "1");
});
