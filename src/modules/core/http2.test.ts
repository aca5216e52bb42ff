import assert from "node:assert/strict";
import { test } from "node:test";
import { testReading } from "../../config/test-reading.ts";
import { http2 } from "./http2.ts";

async function read(text: string): Promise<string> {
  return await testReading(http2.directives, { context: "server" }).read(text);
}

test("http2 on and its limits are read without a word", async () => {
  const reading = testReading(http2.directives, { context: "server" });
  const text = "http2 on; http2_max_concurrent_streams 64; http2_body_preread_size 0; http2_chunk_size 1k;";
  assert.equal(await reading.read(text), "ok");
  assert.deepEqual(reading.remarks, []);
});

test("what tunes nginx's memory is checked, and told to have no effect", async () => {
  const reading = testReading(http2.directives, { context: "server" });
  assert.equal(await reading.read("http2_pool_size 128; http2_streams_index_size 64;"), "ok");
  assert.deepEqual(reading.remarks, [
    '[notice] the "http2_pool_size" directive has no effect: the runtime sizes HTTP/2\'s buffers in f:1',
    '[notice] the "http2_streams_index_size" directive has no effect: the runtime sizes HTTP/2\'s buffers in f:1',
  ]);
});

test("what cannot be is refused in nginx's words", async () => {
  assert.equal(await read("http2 on; http2 off;"), '"http2" directive is duplicate in f:1');
  assert.equal(await read("http2_chunk_size 0;"), "the http2 chunk size cannot be zero in f:1");
  assert.equal(
    await read("http2_body_preread_size 2048m;"),
    "the maximum body preread buffer size is 2147483647 in f:1",
  );
  assert.equal(await read("http2_pool_size 96;"), "the pool size must be no less than 112 in f:1");
  assert.equal(await read("http2_pool_size 120;"), "the pool size must be a multiple of 16 in f:1");
  assert.equal(
    await read("http2_streams_index_size 3;"),
    '"http2_streams_index_size" directive must be a power of two in f:1',
  );
  const inHttp = testReading(http2.directives, { context: "http" });
  assert.equal(
    await inHttp.read("http2_recv_buffer_size 32;"),
    '"http2_recv_buffer_size" directive value is too small in f:1',
  );
});
