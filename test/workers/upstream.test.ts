import assert from "node:assert/strict";
import http from "node:http";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { NameServer } from "../../src/net/name-server.fixture.ts";
import { close, listen, portOf } from "../support/backend.ts";
import { get, startScene, until } from "./scene.ts";

/** A server that holds requests until told otherwise, and counts the checks that it answers with `status`. */
class Backend {
  readonly waiting: http.ServerResponse[] = [];
  checks = 0;
  status = 200;
  private readonly server = http.createServer((request, response) => {
    if (request.url === "/health") {
      this.checks += 1;
      response.writeHead(this.status).end();
    } else this.waiting.push(response);
  });

  async start(t: TestContext): Promise<number> {
    await listen(this.server, 0);
    t.after(async () => {
      this.server.closeAllConnections();
      await close(this.server);
    });
    return portOf(this.server);
  }

  answerAll(): void {
    for (const response of this.waiting.splice(0)) response.end("ok");
  }
}

function serving(upstream: string, more = ""): string {
  return `upstream u { ${upstream} keepalive 0; }
    server {
      listen 127.0.0.1:PORT;
      location / { proxy_pass http://u; proxy_next_upstream off; ${more} }
      location /generation { return 200 "GENERATION"; }
    }`;
}

describe("across three workers", () => {
  test("a peer of a run-time name has one count, also after reloads", async (t) => {
    const names = new NameServer("app.test 127.0.0.1");
    const dns = await names.listen();
    t.after(() => names.close());
    const backend = new Backend();
    const server = `server app.test:${await backend.start(t)} resolve max_conns=5 max_fails=0;`;
    const upstream = `resolver 127.0.0.1:${dns} ipv6=off; ${server} server 127.0.0.1:1 down;`;
    const { port, reload } = await startScene(t, 3, serving(upstream));
    for (let round = 0; round < 3; round++) {
      let refused = 0;
      const answers = Array.from({ length: 30 }, async () => {
        const { status } = await get(port);
        if (status === 502) refused += 1;
        return status;
      });
      await until(() => backend.waiting.length + refused === 30);
      assert.equal(backend.waiting.length, 5);
      await reload(3);
      assert.equal((await get(port)).status, 502, "the five are still counted");
      backend.answerAll();
      assert.equal((await Promise.all(answers)).filter((status) => status === 200).length, 5);
    }
  });

  test("one thread checks a server's health for all", async (t) => {
    const backend = new Backend();
    const upstream = `server 127.0.0.1:${await backend.start(t)};`;
    const check = "health_check uri=/health interval=300ms;";
    const { port, gateway } = await startScene(t, 3, serving(upstream, check));
    await until(() => backend.checks >= 3);
    backend.status = 500;
    await gateway.logged(/peer is unhealthy while checking status code/);
    for (let at = 0; at < 12; at++) assert.equal((await get(port)).status, 502);
    const { checks } = backend;
    await until(() => backend.checks >= checks + 2);
    assert.equal(gateway.log().match(/peer is unhealthy/g)?.length, 1);
    backend.status = 200;
    await gateway.logged(/peer is healthy while checking status code/);
    const answer = get(port);
    await until(() => backend.waiting.length === 1);
    backend.answerAll();
    assert.equal((await answer).status, 200);
  });
});
