import assert from "node:assert/strict";
import { test } from "node:test";
import { testReading } from "../../config/test-reading.ts";
import { http2 } from "./http2.ts";

test("http2 on starts, with a warning", async () => {
  const reading = testReading(http2.directives, { context: "server" });
  assert.equal(await reading.read("http2 on; http2_max_concurrent_streams 64;"), "ok");
  assert.deepEqual(reading.remarks, [
    '[warn] "http2 on" has no effect: longhaul does not speak HTTP/2 yet, clients fall back to HTTP/1.1 in f:1',
  ]);
});

test("http2 off says nothing, and twice is once too often", async () => {
  const reading = testReading(http2.directives, { context: "server" });
  assert.equal(await reading.read("http2 off;"), "ok");
  assert.deepEqual(reading.remarks, []);
  assert.equal(await reading.read("http2 on;"), '"http2" directive is duplicate in f:1');
});
