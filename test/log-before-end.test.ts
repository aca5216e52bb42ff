/** Who has seen the end of an answer finds its lines in the logs: nobody has to wait for them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { products, startGateway } from "./support/gateway.ts";
import type { Gateway, Product } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const requests = 60;

async function ask(port: number, target: string): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  socket.resume();
  await once(socket, "end");
  socket.destroy();
}

for (const product of products()) linesAreThere(product);

function linesAreThere(product: Product): void {
  describe(`log lines before the end of an answer (${product.name})`, () => {
    let gateway: Gateway;
    let port = 0;

    before(async () => {
      port = await freePort();
      gateway = await startGateway(product, {
        port,
        config: `events {}
          http {
            access_log logs/lines.log;
            error_log logs/lines-error.log;
            server { listen 127.0.0.1:${port}; location /ok { return 200 "ok"; } location / { root PREFIX/html; } }
          }`,
      });
    });

    after(() => gateway.stop());

    for (const [log, target] of [
      ["logs/lines.log", "/ok"],
      ["logs/lines-error.log", "/missing"],
    ] as const) {
      test(log, async () => {
        for (let number = 1; number <= requests; number++) {
          const asked = `${target}-${number}`;
          await ask(port, asked);
          const text = readFileSync(`${gateway.directory}/${log}`, "latin1");
          assert.ok(text.includes(`GET ${asked} `), `no line of request ${number}`);
        }
      });
    }
  });
}
