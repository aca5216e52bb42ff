/** Port ranges in `listen`. */
import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import { products, startGateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const limit = { timeout: 60_000 };

/** The first of some ports in a row that are free on every address. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const free = await Promise.all(ports.map(isFree));
    if (first + count < 65_536 && free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

async function ask(port: number, host = "a"): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Host: host, Connection: "close" } });
  return await response.text();
}

for (const product of products()) {
  describe(`${product.name}: listen`, () => {
    for (const [what, address] of [
      ["of an address", "127.0.0.1:"],
      ["of all addresses", ""],
      ["of all addresses, with a star", "*:"],
      ["of a name", "localhost:"],
    ] as const) {
      test(`a range ${what}: each port is one of its own`, limit, async (t) => {
        const first = await freePorts(3);
        const config = `events {} http { access_log off;
          server { listen ${address}${first}-${first + 2}; return 200 "$server_port"; }
          server { listen ${address}${first + 1} default_server; return 200 "other"; } }`;
        const gateway = await startGateway(product, { config, port: first });
        t.after(() => gateway.stop());
        assert.deepEqual(await Promise.all([0, 1, 2].map((at) => ask(first + at))), [
          String(first),
          "other",
          String(first + 2),
        ]);
      });
    }
  });
}
