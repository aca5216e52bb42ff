import assert from "node:assert/strict";
import http from "node:http";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { close, listen, portOf } from "../support/backend.ts";
import { get, startScene, until } from "./scene.ts";

/** A server that answers when it is told. */
async function startPatient(t: TestContext): Promise<{ port: number; waiting: http.ServerResponse[] }> {
  const waiting: http.ServerResponse[] = [];
  const server = http.createServer((_, response) => waiting.push(response));
  await listen(server, 0);
  t.after(async () => {
    server.closeAllConnections();
    await close(server);
  });
  return { port: portOf(server), waiting };
}

function limited(backend: number): string {
  return `
    limit_conn_zone $host zone=connections:1m;
    limit_req_zone $host zone=requests:1m rate=1r/m;
    server {
      listen 127.0.0.1:PORT;
      location / { limit_conn connections 7; proxy_pass http://127.0.0.1:${backend}; }
      location /rate { limit_req zone=requests burst=9 nodelay; root /nonexistent; }
      location /generation { return 200 "GENERATION"; }
      location /crash { worker_crash exception; }
    }`;
}

/** Resolves when all requests have been refused or have come through to the backend. */
async function ask(port: number, waiting: readonly unknown[], count: number): Promise<void> {
  const before = waiting.length;
  let refused = 0;
  for (let i = 0; i < count; i++) {
    void get(port).then(
      ({ status }) => (refused += status === 503 ? 1 : 0),
      // Who comes to a thread just as it dies gets no answer.
      () => (refused += 1),
    );
  }
  await until(() => waiting.length - before + refused === count);
}

describe("across four workers", () => {
  test("limit_conn is exact, also after a reload", async (t) => {
    const { port: backend, waiting } = await startPatient(t);
    const { port, reload } = await startScene(t, 4, limited(backend));
    await ask(port, waiting, 60);
    assert.equal(waiting.length, 7);
    await reload(4);
    await ask(port, waiting, 30);
    assert.equal(waiting.length, 7);
    for (const response of waiting.splice(0, 3)) response.end("ok");
    await until(async () => {
      await ask(port, waiting, 10);
      return waiting.length === 7;
    });
    await ask(port, waiting, 30);
    assert.equal(waiting.length, 7);
  });

  test("limit_req is exact, also after a reload", async (t) => {
    const { port: backend } = await startPatient(t);
    const { port, reload } = await startScene(t, 4, limited(backend));
    const answers = await Promise.all(Array.from({ length: 80 }, () => get(port, "/rate")));
    assert.equal(answers.filter(({ status }) => status === 404).length, 10);
    assert.equal(answers.filter(({ status }) => status === 503).length, 70);
    await reload(4);
    const later = await Promise.all(Array.from({ length: 20 }, () => get(port, "/rate")));
    assert.ok(later.every(({ status }) => status === 503));
  });

  test("what a dead worker had counted is free again", async (t) => {
    const { port: backend, waiting } = await startPatient(t);
    const { port, gateway } = await startScene(t, 4, limited(backend));
    await ask(port, waiting, 40);
    assert.equal(waiting.length, 7);
    let closed = 0;
    for (const response of waiting) response.on("close", () => (closed += 1));
    for (let crashes = 1; closed < 7; crashes++) {
      await get(port, "/crash").catch(() => undefined);
      await until(() => (gateway.log().match(/exited with code 1/g)?.length ?? 0) >= crashes);
      await until(() =>
        get(port, "/generation").then(
          () => true,
          () => false,
        ),
      );
    }
    waiting.length = 0;
    await until(async () => {
      await ask(port, waiting, 10);
      return waiting.length === 7;
    });
    await ask(port, waiting, 40);
    assert.equal(waiting.length, 7);
  });
});
