import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { after, test } from "node:test";
import { writeFrame } from "../src/websocket/frame-writer.ts";
import { ChatServer } from "./support/chat-server-process.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const cleanUps: (() => Promise<unknown> | void)[] = [];
after(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

test("a WebSocket over HTTP/2 goes on when its server is killed", async () => {
  const servers = [new ChatServer("a", await freePort()), new ChatServer("b", await freePort())];
  await Promise.all(servers.map((server) => server.start()));
  for (const server of servers) cleanUps.push(() => server.end("SIGKILL"));
  const port = await freePort();
  const gateway = await startGateway(longhaul, {
    port,
    config: `
      events {}
      http {
        access_log off;
        upstream chat { ${servers.map((server) => `server 127.0.0.1:${server.port};`).join(" ")} }
        server {
          listen 127.0.0.1:${port};
          http2 on;
          location / { websocket on; websocket_failover on; proxy_pass http://chat; }
        }
      }`,
  });
  cleanUps.push(() => gateway.stop());
  const session = http2.connect(`http://127.0.0.1:${port}`);
  cleanUps.push(() => session.destroy());
  await once(session, "remoteSettings");
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": "/",
    ":authority": "a.example",
    ":scheme": "http",
    "sec-websocket-version": "13",
  });
  const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  assert.equal(head[":status"], 200);
  const say = async (text: string): Promise<string> => {
    const answered = once(stream, "data") as Promise<[Buffer]>;
    stream.write(writeFrame(1, Buffer.from(text), { mask: 0x01020304 }));
    return (await answered)[0].toString("latin1", 2);
  };
  const first = await say("one");
  assert.match(first, /^[ab] one$/);
  const moved = gateway.logged(/WebSocket moved/);
  await servers.find(({ name }) => first.startsWith(name))!.end("SIGKILL");
  await moved;
  assert.equal(await say("two"), `${first.startsWith("a") ? "b" : "a"} two`);
});
