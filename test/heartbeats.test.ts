import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { openPairs, websocketHttp } from "../src/gateway/serve/drain.fixture.ts";
import { Endpoint } from "./why-closed/endpoint.ts";
import { startEchoBackend } from "./support/backend.ts";
import { longhaul, repository, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { Program } from "./support/program.ts";
import { WebSocket } from "./support/ws.ts";

const intervalMs = 1_500;
const timeoutMs = 1_500;
/** Machines that run tests are busy. */
const latenessMs = 6_000;

function config(port: number, upstreamPort: number, to: string): string {
  return `
    events { }
    http {
      access_log off;
      websocket_ping ${intervalMs}ms timeout=${timeoutMs}ms to=${to};
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${upstreamPort};
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
        }
      }
    }`;
}

/** A process of its own that runs a script with `ws` at hand, and can be stopped. */
function script(text: string): Program {
  const whole = `const { WebSocket, WebSocketServer } = require("ws"); ${text}`;
  const command = [process.execPath, "-e", whole];
  return new Program(command, { cwd: repository, env: process.env });
}

/** Milliseconds from now to a line of the record. */
async function foundAfter(gateway: Gateway, who: string): Promise<number> {
  const fromMs = performance.now();
  const line = await gateway.logged(new RegExp(`${who} did not answer a ping in time`));
  assert.match(line, /\[warn\] .*, websocket: closed by gateway, code: 1001, .*websocket_ping 1500ms /);
  return performance.now() - fromMs;
}

describe("websocket_ping finds who is frozen", () => {
  test("a client", async (t) => {
    const backend = await startEchoBackend("echo");
    const port = await freePort();
    const gateway = await startGateway(longhaul, { config: config(port, backend.port, "client"), port });
    const connected = backend.nextConnection();
    const url = `ws://127.0.0.1:${port}/silent`;
    const client = script(`new WebSocket("${url}").on("open", () => console.log("open"));`);
    t.after(async () => {
      client.signal("SIGKILL");
      await gateway.stop();
      await backend.stop();
    });
    await client.printed(/open/);
    const closed = once(await connected, "close");
    client.signal("SIGSTOP");
    const tookMs = await foundAfter(gateway, "client");
    assert.ok(tookMs <= intervalMs + timeoutMs + latenessMs, `${tookMs} ms`);
    assert.equal((await closed)[0], 1001);
  });

  test("a server", async (t) => {
    const server = script(
      `const s = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => console.log("port " + s.address().port));`,
    );
    const [, upstreamPort] = await server.printed(/port (\d+)/);
    const port = await freePort();
    const text = config(port, Number(upstreamPort), "upstream");
    const gateway = await startGateway(longhaul, { config: text, port });
    t.after(async () => {
      server.signal("SIGKILL");
      await gateway.stop();
    });
    const client = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(client, "open");
    const closed = once(client, "close");
    server.signal("SIGSTOP");
    const tookMs = await foundAfter(gateway, "upstream");
    assert.ok(tookMs <= intervalMs + timeoutMs + latenessMs, `${tookMs} ms`);
    const [code, reason] = (await closed) as [number, Buffer];
    assert.equal(code, 1001);
    assert.match(String(reason), /^websocket_ping /);
  });
});

test("1,000 WebSockets that are silent for ten times proxy_read_timeout live by websocket_ping", async () => {
  const directives = "websocket_ping 25s;";
  const { simulation, pairs } = await openPairs(1_000, { directives });
  await simulation.configure(
    websocketHttp(directives).replace("proxy_read_timeout 1h", "proxy_read_timeout 60s"),
  );
  const clients = pairs.map(({ client }) => new Endpoint(client, "client"));
  const servers = pairs.map(({ server }) => new Endpoint(server, "server"));
  await simulation.advance(600_000);
  assert.equal(simulation.gateway.tunnels.size, 1_000);
  assert.ok(clients.every(({ pings, saw }) => pings >= 24 && pings <= 28 && saw === "open"));
  // Nothing of it reaches the applications' other ends.
  assert.ok(servers.every(({ wire }) => wire.inbox.length === 0));
  await simulation.finish();
});
