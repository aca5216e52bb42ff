/**
 * Many streams at once for long: `h2load` (nghttp2), which counts each answer that is not what it should be.
 * `LONGHAUL_TEST_H2LOAD=100000` sets how many requests.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { startEchoBackend, type EchoBackend } from "./support/backend.ts";
import { certificateFiles } from "./support/certificate.ts";
import { isOnPath, longhaul, startGateway, type Gateway } from "./support/gateway.ts";
import { freePorts } from "./support/ports.ts";

const run = promisify(execFile);
const count = Number(process.env["LONGHAUL_TEST_H2LOAD"] ?? "5000");
const skip = isOnPath("h2load") ? false : "h2load is not installed (apt-get install nghttp2-client)";

describe(`${count} requests with 100 streams`, { skip }, () => {
  let gateway: Gateway;
  let backend: EchoBackend;
  let [plain, secure] = [0, 0];

  before(async () => {
    backend = await startEchoBackend("B1");
    [plain, secure] = (await freePorts(2)) as [number, number];
    const config = `events {}
      http {
        access_log off;
        keepalive_requests 10000000;
        http2 on;
        server {
          listen 127.0.0.1:${plain};
          listen 127.0.0.1:${secure} ssl;
          ssl_certificate PREFIX/certificate.pem;
          ssl_certificate_key PREFIX/certificate.key;
          root PREFIX;
          location /text { return 200 "hello"; }
          location /proxied { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://127.0.0.1:${backend.port}; }
        }
      }`;
    const files = { ...(await certificateFiles()), "page.html": "0123456789abcdef".repeat(1024) };
    gateway = await startGateway(longhaul, { port: plain, config, files });
  });
  after(async () => {
    await gateway?.stop();
    await backend?.stop();
  });

  /** All of `requests` are answered with 2xx. */
  async function succeeds(requests: number, ...args: readonly string[]): Promise<void> {
    const { stdout } = await run("h2load", ["-n", String(requests), "-m", "100", ...args]);
    const words = `requests: ${requests} total, ${requests} started, ${requests} done, ${requests} succeeded, 0 failed, 0 errored, 0 timeout`;
    assert.ok(stdout.includes(words), stdout);
    assert.ok(stdout.includes(`status codes: ${requests} 2xx, 0 3xx, 0 4xx, 0 5xx`), stdout);
  }

  test("texts, on one connection", { timeout: 300_000 }, () =>
    succeeds(count, "-c", "1", `http://127.0.0.1:${plain}/text`),
  );
  test("texts, over TLS on four", { timeout: 300_000 }, () =>
    succeeds(count, "-c", "4", `https://127.0.0.1:${secure}/text`),
  );
  test("files of 16 KiB, on two", { timeout: 300_000 }, () =>
    succeeds(count / 5, "-c", "2", `http://127.0.0.1:${plain}/page.html`),
  );
  test("requests to a server, over TLS on two", { timeout: 300_000 }, () =>
    succeeds(count / 5, "-c", "2", `https://127.0.0.1:${secure}/proxied`),
  );
  test("bodies to a server, on two", { timeout: 300_000 }, () =>
    succeeds(
      count / 5,
      "-c",
      "2",
      "-d",
      new URL(import.meta.url).pathname,
      `http://127.0.0.1:${plain}/proxied`,
    ),
  );
});
