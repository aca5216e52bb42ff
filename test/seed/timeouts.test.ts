import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { startEchoBackend, type EchoBackend } from "../support/backend.ts";
import { products, type Gateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { WebSocket } from "../support/ws.ts";
import { startPublished } from "./published.ts";

/** Well below the scaled-down read timeout of one second. */
const heartbeatMs = 200;

for (const product of products()) {
  describe(`the 60-second rule, scaled down to one second, in ${product.name}`, () => {
    let backend: EchoBackend;
    let strict: Gateway;
    let patient: Gateway;
    let strictUrl: string;
    let patientUrl: string;

    before(async () => {
      backend = await startEchoBackend("echo");
      const [strictPort, patientPort] = (await freePorts(2)) as [number, number];
      strictUrl = `ws://127.0.0.1:${strictPort}`;
      patientUrl = `ws://127.0.0.1:${patientPort}`;
      const start = (port: number, readTimeout: string): Promise<Gateway> =>
        startPublished(product, "2-timeouts", port, {
          "listen 80": `listen 127.0.0.1:${port}`,
          "http://webscoket": `http://127.0.0.1:${backend.port}`,
          "proxy_read_timeout 60s": `proxy_read_timeout ${readTimeout}`,
        });
      strict = await start(strictPort, "1s");
      patient = await start(patientPort, "1h");
    });

    after(async () => {
      await Promise.all([strict.stop(), patient.stop()]);
      await backend.stop();
    });

    /** As long as it takes an idle tunnel to be cut, twice in a row. */
    const twoTimeouts = async (): Promise<void> => {
      await once(await open(`${strictUrl}/idle`), "close");
      await once(await open(`${strictUrl}/idle`), "close");
    };

    test("an idle tunnel is cut on both sides, and the log says why", async () => {
      const connected = backend.nextConnection();
      const client = await open(`${strictUrl}/idle`);
      const closed = await Promise.all([once(client, "close"), once(await connected, "close")]);
      assert.deepEqual(
        closed.map(([code]) => code as number),
        // Longhaul says it by close frames.
        product.name === "nginx" ? [1006, 1006] : [1001, 1001],
      );
      const line = await strict.logged(/upstream timed out/);
      // Longhaul's level is "warn", so that the line is there where people look.
      assert.match(line, /\[(info|warn)\] .* while proxying upgraded connection, client: 127\.0\.0\.1, /);
      assert.match(
        line,
        /, request: "GET \/idle HTTP\/1\.1", upstream: "http:\/\/127\.0\.0\.1:\d+\/idle", host: "/,
      );
    });

    test("cure 1: a longer proxy_read_timeout keeps an idle tunnel", async () => {
      const client = await open(`${patientUrl}/idle`);
      await twoTimeouts();
      assert.equal(await echo(client, "still here"), "still here");
      client.terminate();
    });

    test("cure 2: heartbeats keep an otherwise idle tunnel", async () => {
      const client = await open(`${strictUrl}/heartbeats`);
      const heartbeats = setInterval(() => client.ping(), heartbeatMs);
      await twoTimeouts();
      clearInterval(heartbeats);
      assert.equal(await echo(client, "still here"), "still here");
      client.terminate();
    });

    test("bytes from the client alone keep a tunnel", async () => {
      const connected = backend.nextConnection();
      const client = await open(`${strictUrl}/silent`);
      const server = await connected;
      const heartbeats = setInterval(() => client.send("beat"), heartbeatMs);
      await twoTimeouts();
      clearInterval(heartbeats);
      assert.equal(server.readyState, WebSocket.OPEN);
      client.terminate();
    });

    test("bytes from the upstream alone keep a tunnel", async () => {
      const connected = backend.nextConnection();
      const client = await open(`${strictUrl}/silent`);
      const server = await connected;
      const heartbeats = setInterval(() => server.send("beat"), heartbeatMs);
      await twoTimeouts();
      clearInterval(heartbeats);
      assert.equal(client.readyState, WebSocket.OPEN);
      client.terminate();
    });
  });
}

async function open(url: string): Promise<WebSocket> {
  const client = new WebSocket(url);
  await once(client, "open");
  return client;
}

async function echo(client: WebSocket, text: string): Promise<string> {
  client.send(text);
  return String((await once(client, "message"))[0]);
}
