import assert from "node:assert/strict";
import { test } from "node:test";
import { murmurHash2 } from "./murmur-hash.ts";

test("known values of MurmurHash2 with seed 0, for each length of the last piece", () => {
  const known: readonly (readonly [string, number])[] = [
    ["", 0],
    ["a", 0x92685f5e],
    ["ab", 0x1aa14063],
    ["abc", 0x13577c9b],
    ["abcd", 0x26873021],
    ["client1", 0xd1dc304d],
  ];
  for (const [text, hash] of known) assert.equal(murmurHash2(text), hash, text);
});
