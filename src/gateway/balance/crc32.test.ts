import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { CRC32_START, crc32, crc32Final, crc32Update, crc32UpdateWord } from "./crc32.ts";

test("the checksum is CRC-32 of IEEE 802.3", () => {
  assert.equal(crc32(""), 0);
  assert.equal(crc32("123456789"), 0xcbf43926);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(crc32(Buffer.from(bytes).toString("latin1")), zlibCrc32(bytes));
    }),
  );
});

test("text in pieces and words give the checksum of the whole", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(0xffffffff), (bytes, word) => {
      const text = Buffer.from(bytes).toString("latin1");
      const tail = Buffer.alloc(4);
      tail.writeUInt32LE(word);
      const pieces = crc32UpdateWord(crc32Update(CRC32_START, text), word);
      assert.equal(crc32Final(pieces), crc32(text + tail.toString("latin1")));
    }),
  );
});
