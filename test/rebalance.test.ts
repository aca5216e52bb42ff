/**
 * WebSockets over several threads when a server comes, and when they share a limit. `REBALANCE_CLIENTS=900` makes it as
 * many as may be looked at by hand.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { ChatServer } from "./support/chat-server-process.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { WebSocket } from "./support/ws.ts";

const clientCount = Number(process.env["REBALANCE_CLIENTS"] ?? 90);
const ratePerSecond = clientCount / 3;
const workers = 4;

/** Answers `text` as soon as it is known: "<name> text". */
async function ask(socket: WebSocket, text: string): Promise<string> {
  const answered = once(socket, "message") as Promise<[Buffer]>;
  socket.send(text);
  const [answer] = await answered;
  return answer.toString();
}

async function openAll(url: (id: number) => string, count: number): Promise<WebSocket[]> {
  const sockets = Array.from({ length: count }, (_, id) => new WebSocket(url(id)));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  return sockets;
}

describe(`${clientCount} WebSockets over ${workers} threads`, () => {
  const servers: ChatServer[] = [];
  let gateway: Gateway;
  let port = 0;

  const config = (count: number, method: string): string => `
    worker_processes ${workers};
    events { worker_connections 4000; }
    http {
      access_log off;
      websocket_limit_zone $arg_k zone=keys:64k messages=100/s;
      upstream chat {
        zone chat 64k;
        ${method}
        ${servers
          .slice(0, count)
          .map((server) => `server 127.0.0.1:${server.port};`)
          .join(" ")}
      }
      server {
        listen 127.0.0.1:${port};
        websocket on;
        websocket_failover on;
        location / { websocket_rebalance rate=${ratePerSecond}/s; proxy_pass http://chat; }
        location /limited { websocket_limit zone=keys burst=9; proxy_pass http://chat; }
      }
    }`;

  async function reload(count: number, method: string): Promise<void> {
    const file = path.join(gateway.directory, "nginx.conf");
    await writeFile(file, config(count, method).replaceAll("PREFIX", gateway.directory), "latin1");
    process.kill(gateway.pid, "SIGHUP");
  }

  before(async () => {
    for (const name of ["a", "b", "c"]) servers.push(new ChatServer(name, await freePort()));
    await Promise.all(servers.map((server) => server.start()));
    port = await freePort();
    gateway = await startGateway(longhaul, { config: config(2, ""), port });
  });

  after(async () => {
    await gateway.stop();
    for (const server of servers) await server.end("SIGKILL");
  });

  const namesOf = (sockets: readonly WebSocket[]): Promise<string[]> =>
    Promise.all(sockets.map(async (socket) => (await ask(socket, "who")).split(" ")[0]!));

  const countOf = (names: readonly string[]): number[] =>
    ["a", "b", "c"].map((name) => names.filter((other) => other === name).length);

  for (const method of ["", "least_conn;"]) {
    test(`give a third server its part, and only the surplus, with "${method}"`, async (context) => {
      await reload(2, method);
      await wait(1500);
      const sockets = await openAll((id) => `ws://127.0.0.1:${port}/?k=${id}`, clientCount);
      let closed = 0;
      for (const socket of sockets) socket.on("close", () => (closed += 1));
      const before = await namesOf(sockets);
      assert.equal(countOf(before)[2], 0);
      const beganMs = performance.now();
      await reload(3, method);
      await gateway.logged(/rebalanced upstream "chat"/);
      const fair = clientCount / 3;
      let counts: number[] = [];
      let after: string[] = [];
      while (Math.max(...counts, 0) > fair * 1.1 || counts.length === 0) {
        assert.ok(performance.now() - beganMs < 20_000, `still ${counts.join()}`);
        await wait(200);
        after = await namesOf(sockets);
        counts = countOf(after);
      }
      const tookMs = Math.round(performance.now() - beganMs);
      await wait(500);
      after = await namesOf(sockets);
      counts = countOf(after);
      context.diagnostic(`${countOf(before).join()} became ${counts.join()} within ${tookMs} ms`);
      for (const [index, count] of counts.entries()) {
        // Who had less than that before has lost none.
        if (index < 2) assert.ok(count >= Math.min(fair, countOf(before)[index]!), counts.join());
        assert.ok(count <= fair * 1.1 + 1, counts.join());
      }
      const moved = after.filter((name, index) => name !== before[index]);
      assert.equal(moved.length, counts[2]);
      assert.equal(closed, 0);
      for (const socket of sockets) socket.terminate();
      await reload(2, method);
      await wait(1000);
    });
  }

  test("let as many messages pass as their key allows, all together", async (context) => {
    const sockets = await openAll(() => `ws://127.0.0.1:${port}/limited?k=one`, 20);
    let answers = 0;
    for (const socket of sockets) socket.on("message", () => (answers += 1));
    const beganMs = performance.now();
    for (let round = 0; round < 50; round++) for (const socket of sockets) socket.send("text");
    await wait(3000);
    const got = answers;
    const seconds = (performance.now() - beganMs) / 1000;
    context.diagnostic(`${got} messages in ${seconds.toFixed(3)} s`);
    assert.ok(got <= 10 + 100 * seconds, `${got} in ${seconds} s`);
    assert.ok(got >= 100 * (seconds - 1), `${got} in ${seconds} s`);
    for (const socket of sockets) socket.terminate();
  });
});
