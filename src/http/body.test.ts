import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LengthDecoder, UntilCloseDecoder } from "./body.ts";
import type { BodyDecoder } from "./body.ts";

function decode(decoder: BodyDecoder, text: string): { consumed: number; body: string } {
  let body = "";
  const sink = {
    onBody(bytes: Buffer, start: number, end: number): void {
      body += bytes.toString("latin1", start, end);
    },
  };
  const bytes = Buffer.from(`--${text}`);
  return { consumed: decoder.decode(bytes, 2, bytes.length, sink), body };
}

describe("LengthDecoder", () => {
  it("takes its length and leaves the rest", () => {
    const decoder = new LengthDecoder(5);
    assert.deepEqual(decode(decoder, "he"), { consumed: 2, body: "he" });
    assert.deepEqual(
      [decoder.state, decoder.remaining, decoder.received, decoder.end()],
      ["needMore", 3, 2, false],
    );
    assert.deepEqual(decode(decoder, "llo!"), { consumed: 3, body: "llo" });
    assert.deepEqual(
      [decoder.state, decoder.remaining, decoder.received, decoder.end()],
      ["done", 0, 5, true],
    );
    assert.deepEqual(decode(decoder, "x"), { consumed: 0, body: "" });
  });

  it("is done at once without a body", () => {
    assert.equal(new LengthDecoder(0).state, "done");
  });
});

describe("UntilCloseDecoder", () => {
  it("takes all until the end", () => {
    const decoder = new UntilCloseDecoder();
    assert.deepEqual(decode(decoder, "hello"), { consumed: 5, body: "hello" });
    assert.equal(decoder.state, "needMore");
    assert.equal(decoder.end(), true);
    assert.equal(decoder.state, "done");
    assert.deepEqual(decode(decoder, "x"), { consumed: 0, body: "" });
    assert.equal(decoder.received, 5);
  });
});
