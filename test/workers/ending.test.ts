import assert from "node:assert/strict";
import { renameSync, existsSync, readFileSync } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { startEchoBackend } from "../support/backend.ts";
import { WebSocket } from "../support/ws.ts";
import { get, KeptConnection, livingThreads, startScene, until } from "./scene.ts";

const tunnelling = (backend: number): string => `server {
  listen 127.0.0.1:PORT;
  location / { return 200 "$worker_thread"; }
  location /generation { return 200 "GENERATION"; }
  location /ws {
    proxy_pass http://127.0.0.1:${backend};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
    add_header X-Worker $worker_thread always;
  }
}`;

async function openTunnels(port: number, count: number): Promise<WebSocket[]> {
  const sockets = Array.from({ length: count }, () => new WebSocket(`ws://127.0.0.1:${port}/ws`));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  return sockets;
}

async function echo(socket: WebSocket, text: string): Promise<void> {
  const answer = once(socket, "message");
  socket.send(text);
  const [data] = (await answer) as [Buffer];
  assert.equal(String(data), text);
}

test("QUIT lets tunnels of all workers end, then the process ends", async (t) => {
  const backend = await startEchoBackend("a");
  t.after(() => backend.stop());
  const { port, gateway } = await startScene(t, 2, tunnelling(backend.port));
  const tunnels = await openTunnels(port, 12);
  const idle = await Promise.all(Array.from({ length: 6 }, () => KeptConnection.open(port)));
  for (const connection of idle) await connection.get();
  process.kill(gateway.pid, "SIGQUIT");
  for (const connection of idle) await until(() => connection.ended);
  await assert.rejects(get(port), /ECONNREFUSED/);
  for (const socket of tunnels) await echo(socket, "still here");
  for (const socket of tunnels) socket.close();
  await gateway.logged(/\[notice\] (\d+)#\1: exit$/);
  assert.equal(gateway.log().match(/#\d: gracefully shutting down/g)?.length, 2);
  await until(() => !existsSync(path.join(gateway.directory, "gateway.pid")));
});

test("tunnels live through reloads and through the end of their worker's service", async (t) => {
  const backend = await startEchoBackend("a");
  t.after(() => backend.stop());
  const { port, reload, gateway } = await startScene(t, 1, tunnelling(backend.port));
  const tunnels = await openTunnels(port, 5);
  for (const workers of [3, 2, 2, 1, 4]) {
    await reload(workers);
    tunnels.push(...(await openTunnels(port, 5)));
    for (const socket of tunnels) await echo(socket, `${workers} workers`);
  }
  for (const socket of tunnels) socket.close();
  await Promise.all(tunnels.map((socket) => once(socket, "close")));
  await until(() => livingThreads(gateway.log()) === 4);
});

test("a worker that waits for its tunnels serves again before another is started", async (t) => {
  const backend = await startEchoBackend("a");
  t.after(() => backend.stop());
  const { port, reload, gateway } = await startScene(t, 3, tunnelling(backend.port));
  const tunnels: WebSocket[] = [];
  const served = new Set<string>();
  while (served.size < 3) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    const [[response]] = (await Promise.all([once(socket, "upgrade"), once(socket, "open")])) as [
      [IncomingMessage],
      unknown,
    ];
    served.add(String(response.headers["x-worker"]));
    tunnels.push(socket);
  }
  await reload(1);
  await reload(3);
  const serving = new Set<string>();
  await until(async () => serving.add((await get(port)).body).size === 3);
  assert.deepEqual(serving, served);
  assert.equal(gateway.log().match(/start worker thread/g)?.length, 3);
  for (const socket of tunnels) await echo(socket, "still here");
  await reload(1);
  for (const socket of tunnels) socket.close();
  await until(() => livingThreads(gateway.log()) === 1);
});

test("TERM ends all workers at once", async (t) => {
  const { port, gateway } = await startScene(t, 3);
  const kept = await Promise.all(Array.from({ length: 9 }, () => KeptConnection.open(port)));
  for (const connection of kept) await connection.get();
  process.kill(gateway.pid, "SIGTERM");
  for (const connection of kept) await until(() => connection.ended);
  await gateway.logged(/\[notice\] (\d+)#\1: exit$/);
});

test("USR1 has all workers open their logs anew", async (t) => {
  const { port, gateway } = await startScene(t, 2, `access_log PREFIX/access.log; ${tunnelling(1)}`);
  const log = path.join(gateway.directory, "access.log");
  renameSync(log, `${log}.1`);
  process.kill(gateway.pid, "SIGUSR1");
  await until(() => existsSync(log));
  const threads = new Set<string>();
  await until(async () => threads.add((await get(port, "/")).body).size === 2);
  const answered = (file: string): number => readFileSync(file, "latin1").split("\n").length;
  await until(() => answered(log) > 2);
});

test("a listener that the configuration drops is closed in all workers", async (t) => {
  const { port, reload } = await startScene(t, 2);
  const other = await startScene(t, 1);
  await other.gateway.stop();
  const two = `server { listen 127.0.0.1:${other.port}; location / { return 200 two; } }`;
  const one = `server { listen 127.0.0.1:PORT; location / { return 200 one; }
    location /generation { return 200 "GENERATION"; } }`;
  await reload(2, one + two);
  await until(() =>
    get(other.port).then(
      ({ body }) => body === "two",
      () => false,
    ),
  );
  await reload(3, one);
  await until(() =>
    get(other.port).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
    ),
  );
  assert.equal((await get(port)).body, "one");
});

test("a unix socket answers with any number of workers", async (t) => {
  const servers = `server { listen unix:PREFIX/socket; listen 127.0.0.1:PORT;
    location / { return 200 "$worker_thread"; } location /generation { return 200 "GENERATION"; } }`;
  const { reload, gateway } = await startScene(t, 2, servers);
  const ask = async (): Promise<string> => {
    const socket = net.connect({ path: path.join(gateway.directory, "socket") });
    socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let text = "";
    for await (const chunk of socket.setEncoding("latin1")) text += String(chunk);
    return text;
  };
  for (const workers of [1, 3, 2]) {
    assert.match(await ask(), /^HTTP\/1\.1 200/);
    await reload(workers);
  }
  assert.match(await ask(), /^HTTP\/1\.1 200/);
});
