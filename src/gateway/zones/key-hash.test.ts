import assert from "node:assert/strict";
import { test } from "node:test";
import { keyHash } from "./key-hash.ts";

function hashOf(text: string, secret0 = 1, secret1 = 2): number {
  const bytes = Buffer.alloc(Math.ceil(text.length / 4) * 4);
  bytes.write(text, "latin1");
  const words = Int32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readInt32LE(index * 4));
  return keyHash(words, words.length, secret0, secret1);
}

test("keys spread over the buckets", () => {
  const counts = new Uint32Array(256);
  for (let number = 0; number < 25_600; number++)
    counts[hashOf(`10.0.${number >> 8}.${number & 255}`) & 255]! += 1;
  assert.ok(Math.max(...counts) < 160, `one bucket has ${Math.max(...counts)} of 100`);
});

test("another secret spreads them otherwise", () => {
  const same = Array.from({ length: 1000 }, (_, number) => String(number)).filter(
    (key) => (hashOf(key, 1, 2) & 255) === (hashOf(key, 1, 3) & 255),
  );
  assert.ok(same.length < 30, `${same.length} of 1000 stay together`);
});
