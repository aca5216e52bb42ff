/** The tests of the published configurations once more, with `http2 on` added to each. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import http2 from "node:http2";
import { test } from "node:test";
import { longhaul, startGateway } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";

const folder = new URL(".", import.meta.url).pathname;
const files = ["mapping", "next-upstream", "socketio", "sticky", "timeouts", "websocket"];
const runs = process.versions.bun === undefined ? ["--test"] : ["test", "--timeout", "60000"];

for (const name of files) {
  test(name, { timeout: 120_000 }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...runs, `${folder}${name}.test.ts`], {
      encoding: "utf8",
      // A test that is run by another one would talk to its runner.
      env: {
        ...process.env,
        LONGHAUL_TEST_HTTP2: "on",
        LONGHAUL_TEST_PRODUCTS: "longhaul",
        NODE_TEST_CONTEXT: undefined,
      },
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout + stderr, /pass [1-9]|[1-9]\d* pass/);
  });
}

test("http2 on is added", async (t) => {
  process.env["LONGHAUL_TEST_HTTP2"] = "on";
  t.after(() => delete process.env["LONGHAUL_TEST_HTTP2"]);
  const port = await freePort();
  const config = `events {}\nhttp {\n  server { listen 127.0.0.1:${port}; return 200 $http2; }\n}\n`;
  const gateway = await startGateway(longhaul, { config, port });
  t.after(() => gateway.stop());
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const request = session.request({ ":path": "/" });
  assert.equal(Buffer.concat((await request.toArray()) as Buffer[]).toString(), "h2c");
  session.destroy();
});
