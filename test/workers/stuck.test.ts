import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { get, impatientProgram, KeptConnection, program, startScene, until } from "./scene.ts";
import type { Scene } from "./scene.ts";

const holding = `server {
  listen 127.0.0.1:PORT;
  location / { return 200 "$worker_thread"; }
  location /generation { return 200 "GENERATION"; }
  location /loop { worker_crash loop; }
  location /microtasks { worker_crash microtasks; }
  location /wait { worker_crash wait; }
}`;

/** A thread of the scene that is held by a request, and a connection to it. */
async function hold({ port }: Scene, way: string): Promise<{ thread: string; connection: KeptConnection }> {
  const connection = await KeptConnection.open(port);
  const thread = await connection.get();
  void connection.get(`/${way}?a=b`).catch(() => undefined);
  return { thread, connection };
}

describe("a worker that does not come back from its work", () => {
  for (const way of ["loop", "microtasks"]) {
    test(`by ${way} is told of with the request, ended and replaced; others serve on`, async (t) => {
      const scene = await startScene(t, 2, holding, impatientProgram);
      const { gateway, port } = scene;
      const kept = await Promise.all(Array.from({ length: 16 }, () => KeptConnection.open(port)));
      t.after(() => kept.forEach((connection) => connection.close()));
      const threads = await Promise.all(kept.map((connection) => connection.get()));
      const { thread, connection } = await hold(scene, way);
      // Of what goes on by promises, it is not known for whom.
      const request = `${way === "loop" ? "" : "last "}request: "GET /${way}\\?a=b HTTP/1.1"`;
      await gateway.logged(
        new RegExp(`\\[alert\\] .*worker thread ${thread} is stuck for \\d+ s, ${request}`),
      );
      for (const [i, other] of kept.entries()) {
        if (threads[i] !== thread) assert.equal(await other.get(), threads[i]);
      }
      await gateway.logged(
        new RegExp(`worker thread ${thread} is stuck for \\d+ s and is ended, ${request}`),
      );
      await gateway.logged(new RegExp(`\\[alert\\] .*worker thread ${thread} exited with code`));
      await until(() => connection.ended);
      const serving = new Set<string>();
      await until(async () => {
        const answer = await get(port).catch(() => null);
        return answer !== null && serving.add(answer.body).size === 2 + Number(serving.has(thread));
      });
    });
  }

  test("is replaced when it is the only one, and reloads work after it", async (t) => {
    const scene = await startScene(t, 1, holding, impatientProgram);
    const { thread } = await hold(scene, "loop");
    const reloaded = scene.reload(1).catch(() => undefined);
    await scene.gateway.logged(new RegExp(`worker thread ${thread} exited with code`));
    await until(async () => (await get(scene.port).catch(() => null)) !== null);
    await reloaded;
    assert.notEqual((await get(scene.port)).body, thread);
  });

  test("because the system holds it is told of, but not ended", async (t) => {
    const scene = await startScene(t, 1, holding, impatientProgram);
    const { thread } = await hold(scene, "wait");
    await scene.gateway.logged(new RegExp(`worker thread ${thread} is held up by the system for`));
    await scene.gateway.logged(new RegExp(`\\[notice\\] .*worker thread ${thread} goes on after`));
    assert.equal((await get(scene.port)).body, thread);
  });
});

describe("TERM ends the process", () => {
  for (const workers of [1, 2]) {
    test(`although of ${workers} workers one is stuck`, async (t) => {
      const scene = await startScene(t, workers, holding, program);
      await hold(scene, "loop");
      await scene.gateway.logged(/^the loop begins$/m);
      process.kill(scene.gateway.pid, "SIGTERM");
      await scene.gateway.logged(/\[alert\] .*worker thread \d+ does not stop and is ended/);
      await scene.gateway.logged(/\[notice\] (\d+)#\1: exit$/);
      await until(() => !isAlive(scene.gateway.pid));
    });
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
