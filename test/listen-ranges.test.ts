/** Port ranges in `listen`. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { products, startGateway } from "./support/gateway.ts";
import { freePortsInRow } from "./support/ports.ts";

const limit = { timeout: 60_000 };

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
        const [first] = (await freePortsInRow(3)) as [number];
        const config = `events {} http { access_log off;
          server { listen ${address}${first}-${first + 2}; return 200 "$server_port"; }
          server { listen ${address}${first + 1} default_server; return 200 "other"; } }`;
        const gateway = await startGateway(product, { config, port: first + 2 });
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
