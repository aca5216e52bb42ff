import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { get, KeptConnection, startScene, Stream, until } from "./scene.ts";

const crashing = `server {
  listen 127.0.0.1:PORT;
  location / { return 200 "$worker_thread"; }
  location /exception { worker_crash exception; }
  location /rejection { worker_crash rejection; }
  location /exit { worker_crash exit; }
}`;

describe("a worker that dies", () => {
  for (const way of ["exception", "rejection", "exit"]) {
    test(`by ${way} is replaced, and costs only its own connections`, async (t) => {
      const { port, gateway } = await startScene(t, 2, crashing);
      const kept = await Promise.all(Array.from({ length: 16 }, () => KeptConnection.open(port)));
      t.after(() => kept.forEach((connection) => connection.close()));
      const before = await Promise.all(kept.map((connection) => connection.get()));
      const [dead] = before;
      void kept[0]!.get(`/${way}`).catch(() => undefined);
      const code = way === "exit" ? 3 : 1;
      await gateway.logged(new RegExp(`\\[alert\\] .*worker thread ${dead} exited with code ${code}`));
      if (way !== "exit") {
        assert.match(gateway.log(), /\[alert\] .*uncaught exception in worker thread: Error: injected/);
      }
      for (const [i, connection] of kept.entries()) {
        if (before[i] !== dead) assert.equal(await connection.get(), before[i]);
        else await until(() => connection.ended);
      }
      const threads = new Set<string>();
      await until(async () => threads.add((await get(port)).body).size === 2);
      assert.ok(!threads.has(dead!));
    });
  }

  test("by exception hands on what waits to be accepted", async (t) => {
    const { port, gateway } = await startScene(t, 2, crashing);
    const stream = new Stream(port, 30);
    for (let i = 1; i <= 5; i++) {
      await get(port, "/exception").catch(() => undefined);
      await until(() => (gateway.log().match(/exited with code 1/g)?.length ?? 0) >= i);
      const threads = new Set<string>();
      await until(async () => threads.add((await get(port)).body).size === 2);
    }
    await stream.stop();
    // A request that the thread had taken is lost with it; nobody who waited is refused or reset.
    const refused = stream.failures.filter((failure) => failure.includes("ECONNREFUSED"));
    t.diagnostic(`${stream.answered} answered, ${stream.failures.length} lost with 5 threads`);
    assert.deepEqual(refused, []);
    assert.ok(stream.failures.length <= 5 * 30, String(stream.failures.length));
  });

  test("as the last one leaves those who come waiting for the next", async (t) => {
    const { port, gateway } = await startScene(t, 2, crashing);
    const kept = await Promise.all(Array.from({ length: 20 }, () => KeptConnection.open(port)));
    t.after(() => kept.forEach((connection) => connection.close()));
    const threads = await Promise.all(kept.map((connection) => connection.get()));
    const first = kept[0]!;
    const last = kept.find((_, at) => threads[at] !== threads[0])!;
    void first.get("/exception").catch(() => undefined);
    await gateway.logged(new RegExp(`worker thread ${threads[0]} exited with code 1`));
    // Answered by both sockets: the other one is not on its way to a thread, where it would be lost.
    await Promise.all(Array.from({ length: 20 }, () => get(port)));
    void last.get("/exception").catch(() => undefined);
    await until(() => last.ended);
    const waited = await Promise.all(Array.from({ length: 200 }, () => get(port)));
    assert.ok(waited.every(({ status }) => status === 200));
    await gateway.logged(
      new RegExp(`worker thread ${threads.find((one) => one !== threads[0])} exited with code 1`),
    );
  });

  test("with all the others is replaced as they are", async (t) => {
    const { port } = await startScene(t, 3, crashing);
    const kept = await Promise.all(Array.from({ length: 30 }, () => KeptConnection.open(port)));
    await Promise.all(kept.map((connection) => connection.get()));
    for (const connection of kept) void connection.get("/exception").catch(() => undefined);
    await until(() => kept.every(({ ended }) => ended));
    const threads = new Set<string>();
    await until(async () => {
      const answer = await get(port).catch(() => null);
      return answer !== null && threads.add(answer.body).size === 3;
    });
  });
});
