import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { hpackCases } from "./cases/hpack-cases.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { huffmanDecode, huffmanDecodedMax, huffmanEncode, huffmanLength } from "./huffman.ts";

class Fields {
  readonly lines: string[] = [];

  onField(name: string, value: string): void {
    this.lines.push(`${name}: ${value}`);
  }
}

/** Decodes a block that stands between other bytes. */
function decode(decoder: HpackDecoder, block: Buffer): string[] | string {
  const fields = new Fields();
  const bytes = Buffer.concat([Buffer.from("ff", "hex"), block, Buffer.from("82", "hex")]);
  return decoder.decode(bytes, 1, bytes.length - 1, fields) ?? fields.lines;
}

function encode(encoder: HpackEncoder, fields: readonly (readonly [string, string])[]): Buffer {
  encoder.begin();
  for (const [name, value] of fields) encoder.field(name, value);
  return Buffer.from(encoder.finish());
}

describe("HpackDecoder", () => {
  for (const item of hpackCases) {
    it(`decodes: ${item.name}`, () => {
      const decoder = new HpackDecoder(item.tableSize ?? 4096);
      item.blocks.forEach((hex, index) => {
        assert.deepEqual(decode(decoder, Buffer.from(hex.replaceAll(" ", ""), "hex")), item.fields[index]);
      });
      if (item.tableBytes !== undefined) assert.equal(decoder.tableBytes, item.tableBytes);
    });

    it(`takes no part of a block for the whole: ${item.name}`, () => {
      const block = Buffer.from(item.blocks[0]!.replaceAll(" ", ""), "hex");
      const whole = new Fields();
      new HpackDecoder(item.tableSize ?? 4096).decode(block, 0, block.length, whole);
      for (let end = 0; end < block.length; end++) {
        const part = new Fields();
        new HpackDecoder(item.tableSize ?? 4096).decode(block, 0, end, part);
        assert.ok(part.lines.every((line, index) => line === whole.lines[index]));
        assert.ok(part.lines.length <= whole.lines.length);
      }
    });
  }

  it("does not throw, whatever is fed", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(4096);
        for (const block of blocks) {
          decode(decoder, Buffer.from(block));
          assert.ok(decoder.tableBytes <= 4096);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("does not copy a large value that is referred to again and again", () => {
    const decoder = new HpackDecoder(4096);
    const encoded = Buffer.concat([
      Buffer.from("400161", "hex"),
      Buffer.from([0x7f, 0x80 | (3873 & 0x7f), 3873 >> 7]),
      Buffer.alloc(4000, "v"),
      Buffer.alloc(60_000, 0xbe),
    ]);
    const values = new Set<string>();
    let count = 0;
    const sink = {
      onField(_name: string, value: string): void {
        values.add(value);
        count++;
      },
    };
    assert.equal(decoder.decode(encoded, 0, encoded.length, sink), null);
    assert.deepEqual([count, values.size], [60_001, 1]);
    assert.equal(decoder.tableBytes, 4033);
  });
});

describe("Huffman codes", () => {
  it("decode to what was encoded", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => {
        const text = Buffer.from(raw).toString("latin1");
        const packed = Buffer.alloc(huffmanLength(text) + 2, 0xee);
        assert.equal(huffmanEncode(text, packed, 1), packed.length - 1);
        const out = Buffer.alloc(huffmanDecodedMax(packed.length - 2));
        const length = huffmanDecode(packed, 1, packed.length - 1, out);
        assert.equal(out.toString("latin1", 0, length), text);
      }),
    );
  });

  it("have each byte's own code", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      const packed = Buffer.alloc(4);
      const end = huffmanEncode(text, packed, 0);
      const out = Buffer.alloc(huffmanDecodedMax(4));
      assert.equal(huffmanDecode(packed, 0, end, out), 1);
      assert.equal(out[0], byte);
    }
  });
});

describe("HpackEncoder", () => {
  const name = fc.oneof(
    fc.constantFrom(
      ":path",
      ":method",
      "cookie",
      "authorization",
      "content-type",
      "accept",
      "x-one",
      "x-two",
    ),
    fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  );
  const value = fc.oneof(
    fc.constantFrom("", "GET", "/", "gzip", "text/html"),
    fc.stringMatching(/^[\x20-\xff]{0,60}$/),
    fc.string({ minLength: 900, maxLength: 1100, unit: fc.constantFrom("a", "b", "\xff") }),
  );

  it("writes what the decoder reads, while tables change their sizes", () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.array(fc.tuple(name, value), { maxLength: 12 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 32, 100, 500, 4096, 65_536) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(4096);
        for (const one of steps) {
          if (typeof one === "number") {
            encoder.setTableSize(one);
          } else {
            const expected = one.map(([key, text]) => `${key}: ${text}`);
            assert.deepEqual(decode(decoder, encode(encoder, one)), expected);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("sends a field that comes again as one byte", () => {
    const encoder = new HpackEncoder();
    const fields = [["user-agent", "probe/1.0"]] as const;
    assert.ok(encode(encoder, fields).length > 5);
    assert.equal(encode(encoder, fields).toString("hex"), "be");
  });

  it("never lets secrets into a table, and says so to the next hop", () => {
    const encoder = new HpackEncoder();
    for (const [secret, text] of [
      ["authorization", "Basic YTpi"],
      ["proxy-authorization", "Basic YTpi"],
      ["set-cookie", "id=1"],
      ["cookie", "id=1"],
    ] as const) {
      const first = encode(encoder, [[secret, text]]);
      assert.equal(first[0]! & 0xf0, 0x10, secret);
      assert.deepEqual(encode(encoder, [[secret, text]]), first);
    }
    const long = [["cookie", "session=0123456789abcdef"]] as const;
    encode(encoder, long);
    assert.equal(encode(encoder, long).length, 1);
  });

  it("keeps out of the table what changes with every message", () => {
    const encoder = new HpackEncoder();
    for (const changing of [":path", "content-length", "etag", "location"]) {
      const first = encode(encoder, [[changing, "/some/1"]]);
      assert.equal(first[0]! & 0xf0, 0);
      assert.deepEqual(encode(encoder, [[changing, "/some/1"]]), first);
    }
  });

  it("tells the smallest and the last table size before the next block", () => {
    const encoder = new HpackEncoder();
    encoder.setTableSize(100);
    encoder.setTableSize(0);
    encoder.setTableSize(200);
    assert.equal(encode(encoder, [[":method", "GET"]]).toString("hex"), "203fa90182");
    assert.equal(encode(encoder, [[":method", "GET"]]).toString("hex"), "82");
    encoder.setTableSize(65_536);
    assert.equal(encode(encoder, []).toString("hex"), "3fe11f");
  });

  it("grows for a head of any size", () => {
    const encoder = new HpackEncoder();
    const large = "v".repeat(100_000);
    const block = encode(encoder, [["x-large", large]]);
    assert.deepEqual(decode(new HpackDecoder(4096), block), [`x-large: ${large}`]);
  });
});
