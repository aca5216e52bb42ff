import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import { describe, test, type TestContext } from "node:test";
import { startEchoBackend, startRawBackend } from "../support/backend.ts";
import { products, type Gateway, type Product } from "../support/gateway.ts";
import { freePort, freePorts } from "../support/ports.ts";
import type { RawConnection } from "../support/raw.ts";
import { WebSocket } from "../support/ws.ts";
import { startPublished, type Mapping } from "./published.ts";

/** How the first peer spoils a request; each is a word of the published `proxy_next_upstream`. */
const faults: Record<string, (connection: RawConnection) => void> = {
  http_502: (connection) => connection.write("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
  http_504: (connection) => connection.write("HTTP/1.1 504 Gateway Time-out\r\nContent-Length: 0\r\n\r\n"),
  http_404: (connection) => connection.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
  "error (end before the response)": (connection) => connection.destroy(),
  "error (reset before the response)": (connection) => connection.reset(),
  "error (end amid the response's head)": (connection) => connection.socket.end("HTTP/1.1 200 OK\r\nX-Half"),
  invalid_header: (connection) => connection.write("HTTP/1.1 200 OK\r\nX-Bad\0: 1\r\n\r\n"),
  timeout: () => {},
};

interface Pair {
  readonly gateway: Gateway;
  readonly port: number;
  /** How many requests the first peer has seen. */
  spoilt(): number;
}

for (const product of products()) {
  describe(`next upstream in ${product.name}`, () => {
    for (const [word, fault] of Object.entries(faults)) {
      test(`${word}: a request and a WebSocket go on to the next peer`, async (t) => {
        const pair = await startPair(t, product, fault);
        const response = await request(pair.port, "GET");
        assert.deepEqual(response, { status: 200, body: "GET /shopApplets/x from good" });
        assert.equal(pair.spoilt(), 1);

        const other = await startPair(t, product, fault);
        const client = new WebSocket(`wss://127.0.0.1:${other.port}/shopApplets/x`, {
          rejectUnauthorized: false,
        });
        await once(client, "open");
        assert.equal(other.spoilt(), 1);
        client.send("hello");
        assert.equal(String((await once(client, "message"))[0]), "hello");
        client.terminate();
      });
    }

    test("error: a peer that refuses connections is passed over", async (t) => {
      const refused = `127.0.0.1:${await freePort()}`;
      const pair = await startPair(t, product, () => {}, { "192.0.2.1:10080": refused });
      assert.deepEqual(await request(pair.port, "POST"), {
        status: 200,
        body: "POST /shopApplets/x from good",
      });
      await pair.gateway.logged(
        /connect\(\) failed \(111: Connection refused\) while connecting to upstream/,
      );
    });

    test("a failed peer is left alone for fail_timeout", async (t) => {
      const pair = await startPair(t, product, faults["http_502"] as (connection: RawConnection) => void);
      for (let count = 0; count < 4; count++) assert.equal((await request(pair.port, "GET")).status, 200);
      assert.equal(pair.spoilt(), 1);
    });

    test("a 404 is no failure of the peer: it is asked again in its turn", async (t) => {
      const pair = await startPair(t, product, faults["http_404"] as (connection: RawConnection) => void);
      for (let count = 0; count < 4; count++) assert.equal((await request(pair.port, "GET")).status, 200);
      assert.ok(pair.spoilt() >= 2, `${pair.spoilt()} requests reached the first peer`);
    });

    test("a status that is not listed is the answer", async (t) => {
      const pair = await startPair(t, product, (connection) =>
        connection.write("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"),
      );
      assert.deepEqual(await request(pair.port, "GET"), { status: 500, body: "oops" });
    });

    test("a POST that was sent is not repeated", async (t) => {
      const pair = await startPair(t, product, faults["http_502"] as (connection: RawConnection) => void);
      assert.equal((await request(pair.port, "POST")).status, 502);
    });

    test("when every peer fails, the last failure is the answer", async (t) => {
      const bad = faults["http_504"] as (connection: RawConnection) => void;
      const second = await startRawBackend(async (connection) => {
        await connection.readHead();
        bad(connection);
      });
      t.after(() => second.stop());
      const pair = await startPair(t, product, bad, { "192.0.2.2:10080": `127.0.0.1:${second.port}` });
      assert.equal((await request(pair.port, "GET")).status, 504);
    });
  });
}

/** The published gateway before two peers: the first spoils every request, the second is good. */
async function startPair(
  t: TestContext,
  product: Product,
  fault: (connection: RawConnection) => void,
  mapping: Mapping = {},
): Promise<Pair> {
  let spoilt = 0;
  const bad = await startRawBackend(async (connection) => {
    // Until it is closed: after an answer without a body it is kept.
    for (;;) {
      await connection.readHead();
      spoilt++;
      fault(connection);
    }
  });
  const good = await startEchoBackend("good");
  const [port, plain] = (await freePorts(2)) as [number, number];
  const gateway = await startPublished(product, "4-https-and-http", port, {
    "listen       443": `listen       127.0.0.1:${port}`,
    "listen       80": `listen       127.0.0.1:${plain}`,
    "proxy_read_timeout 60s": "proxy_read_timeout 500ms",
    "192.0.2.1:10080": `127.0.0.1:${bad.port}`,
    "192.0.2.2:10080": `127.0.0.1:${good.port}`,
    ...mapping,
  });
  t.after(() => Promise.all([gateway.stop(), bad.stop(), good.stop()]));
  return { gateway, port, spoilt: () => spoilt };
}

function request(port: number, method: "GET" | "POST"): Promise<{ status: number; body: string }> {
  const url = `https://127.0.0.1:${port}/shopApplets/x`;
  return new Promise((resolve, reject) => {
    const sent = https.request(url, { method, rejectUnauthorized: false, agent: false }, (response) => {
      let body = "";
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
