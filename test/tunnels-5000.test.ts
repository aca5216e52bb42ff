import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { startEchoBackend } from "./support/backend.ts";
import { products, startGateway } from "./support/gateway.ts";
import { residentMemory } from "./support/memory.ts";
import { freePort } from "./support/ports.ts";
import { WebSocket } from "./support/ws.ts";

const tunnelCount = 5_000;
const rounds = 3;
/** Handshakes under way at once: fewer than the shortest listen queue (nginx: 511). */
const openingCount = 100;

describe("5,000 tunnels open at once through one worker", () => {
  for (const product of products()) {
    test(`${product.name} echoes on all of them, several rounds, and loses none`, async (t) => {
      const backend = await startEchoBackend("echo");
      const port = await freePort();
      const gateway = await startGateway(product, { config: config(port, backend.port), port });
      t.after(async () => {
        await gateway.stop();
        await backend.stop();
      });
      const before = await residentMemory(gateway);
      const clients = await openAll(`ws://127.0.0.1:${port}/`);
      let closedCount = 0;
      for (const client of clients) client.on("close", () => closedCount++);
      const after = await residentMemory(gateway);
      if (before !== null && after !== null) {
        t.diagnostic(
          `${((after - before) / 1024 / tunnelCount).toFixed(1)} KiB of resident memory per tunnel`,
        );
      }
      for (let round = 0; round < rounds; round++) {
        await Promise.all(clients.map((client, index) => echo(client, `round ${round}, tunnel ${index}`)));
      }
      assert.equal(closedCount, 0);
      assert.equal(clients.filter(({ readyState }) => readyState === WebSocket.OPEN).length, tunnelCount);
      for (const client of clients) client.terminate();
    });
  }
});

function config(port: number, upstreamPort: number): string {
  return `
    worker_processes 1;
    worker_rlimit_nofile 20000;
    events { worker_connections 16384; }
    http {
      access_log off;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${upstreamPort};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
        }
      }
    }`;
}

async function openAll(url: string): Promise<WebSocket[]> {
  const clients: WebSocket[] = [];
  const openSome = async (): Promise<void> => {
    while (clients.length < tunnelCount) {
      const client = new WebSocket(url, { perMessageDeflate: false });
      clients.push(client);
      await once(client, "open");
    }
  };
  await Promise.all(Array.from({ length: openingCount }, openSome));
  return clients;
}

async function echo(client: WebSocket, text: string): Promise<void> {
  const answered = once(client, "message");
  client.send(text);
  assert.equal(String((await answered)[0]), text);
}
