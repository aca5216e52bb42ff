import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { startEchoBackend } from "../support/backend.ts";
import { products } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { WebSocket } from "../support/ws.ts";
import { startPublished } from "./published.ts";

/** Loopback addresses, as many clients would have. */
const clients = Array.from({ length: 24 }, (_, index) => `127.0.${index}.2`);

test("hash $remote_addr consistent keeps each client on its backend, the same in every product", async (t) => {
  const [first, second] = await Promise.all([startEchoBackend("first"), startEchoBackend("second")]);
  t.after(() => Promise.all([first.stop(), second.stop()]));
  const choices: string[][] = [];
  for (const product of products()) {
    const [port] = (await freePorts(1)) as [number];
    const gateway = await startPublished(product, "1-http-websocket", port, {
      "listen 80": `listen 127.0.0.1:${port}`,
      "10.0.12.108:9000": `127.0.0.1:${first.port}`,
      "10.0.12.109:9000": `127.0.0.1:${second.port}`,
    });
    t.after(() => gateway.stop());
    const chosen = await chosenBackends(port);
    assert.deepEqual(await chosenBackends(port), chosen, `${product.name} moved a client`);
    choices.push(chosen);
  }
  for (const chosen of choices) assert.deepEqual(chosen, choices[0]);
  assert.deepEqual(new Set(choices[0]), new Set(["first", "second"]));
});

describe("consistent hashing when a backend goes", () => {
  for (const product of products()) {
    test(`${product.name} moves the clients of that backend and no others`, async (t) => {
      const [first, second] = await Promise.all([startEchoBackend("first"), startEchoBackend("second")]);
      t.after(() => Promise.all([first.stop(), second.stop()]));
      const [port] = (await freePorts(1)) as [number];
      const gateway = await startPublished(product, "1-http-websocket", port, {
        "listen 80": `listen 127.0.0.1:${port}`,
        "10.0.12.108:9000": `127.0.0.1:${first.port}`,
        "10.0.12.109:9000": `127.0.0.1:${second.port}`,
      });
      t.after(() => gateway.stop());
      await second.stop();
      assert.deepEqual(new Set(await chosenBackends(port)), new Set(["first"]));
    });
  }
});

/** Opens a WebSocket from every client address and asks which backend answered. */
async function chosenBackends(port: number): Promise<string[]> {
  const chosen: string[] = [];
  for (const localAddress of clients) {
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { localAddress });
    const [[response]] = (await Promise.all([once(client, "upgrade"), once(client, "open")])) as [
      [IncomingMessage],
      [],
    ];
    chosen.push(String(response.headers["x-backend"]));
    client.terminate();
  }
  return chosen;
}
