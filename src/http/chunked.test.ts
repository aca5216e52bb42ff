import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { inputBytes } from "./cases/request-case.ts";
import { readChunkedCases } from "./cases/body-case.ts";
import { cutsOf } from "./cases/cuts.ts";
import { encodeChunk, LAST_CHUNK } from "./chunk-writer.ts";
import { ChunkedDecoder } from "./chunked.ts";

interface Outcome {
  readonly state: string;
  readonly failure: string | null;
  readonly body: string;
  readonly received: number;
  readonly consumed: number;
  readonly trailers: (readonly [string, string])[] | null;
}

function decodeCut(bytes: Buffer, ends: Iterable<number>): Outcome {
  const decoder = new ChunkedDecoder({ keepTrailers: true });
  let body = "";
  const sink = {
    onBody(piece: Buffer, start: number, end: number): void {
      body += piece.toString("latin1", start, end);
    },
  };
  let consumed = 0;
  let from = 0;
  for (const end of ends) {
    consumed += decoder.decode(bytes, from, end, sink);
    from = end;
    if (decoder.state !== "needMore") break;
  }
  const { state, failure, received, trailers } = decoder;
  const list = trailers?.names.map((name, index) => [name, trailers.valueAt(index)] as const) ?? null;
  return { state, failure, body, received, consumed, trailers: list };
}

function everyByte(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

describe("ChunkedDecoder", () => {
  for (const { name, input, expect } of readChunkedCases()) {
    it(`decodes, however cut: ${name}`, () => {
      const bytes = inputBytes(input);
      const whole = decodeCut(bytes, [bytes.length]);
      assert.equal(whole.state, expect.outcome, whole.failure ?? "");
      if (expect.body !== undefined) assert.equal(whole.body, expect.body);
      if (expect.failure !== undefined) assert.equal(whole.failure, expect.failure);
      if (expect.trailers !== undefined) assert.deepEqual(whole.trailers, expect.trailers);
      if (expect.outcome === "done") {
        assert.equal(bytes.toString("latin1", whole.consumed), expect.rest ?? "");
      }
      assert.equal(whole.received, whole.body.length);
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(decodeCut(bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
      }
      assert.deepEqual(decodeCut(bytes, everyByte(bytes.length)), whole, "byte by byte");
    });
  }

  it("decodes what the writer encodes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 8 }),
        fc.nat(),
        (pieces, seed) => {
          const bytes = Buffer.concat([...pieces.map((piece) => encodeChunk(piece)), LAST_CHUNK]);
          const outcome = decodeCut(bytes, [seed % bytes.length, bytes.length]);
          assert.equal(outcome.state, "done");
          assert.equal(outcome.consumed, bytes.length);
          assert.equal(outcome.body, Buffer.concat(pieces).toString("latin1"));
        },
      ),
    );
  });

  it("does not throw, and comes to the same result however cut, whatever it is fed", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-fA-F;\r\n X:]{0,60}$/), fc.nat(), (text, seed) => {
        const bytes = Buffer.from(text, "latin1");
        const whole = decodeCut(bytes, [bytes.length]);
        assert.deepEqual(decodeCut(bytes, [seed % (bytes.length + 1), bytes.length]), whole);
        assert.deepEqual(decodeCut(bytes, everyByte(bytes.length)), whole);
      }),
      { numRuns: 1000 },
    );
  });

  it("hands tiny chunks over together, and large ones as they are", () => {
    const text = Array.from({ length: 9_000 }, (_, index) => String(index)).join(" ");
    const large = "x".repeat(5_000);
    const tiny = Array.from(text, (letter) => `1\r\n${letter}\r\n`).join("");
    const bytes = Buffer.from(`${tiny}1388\r\n${large}\r\n${tiny}0\r\n\r\n`);
    const decoder = new ChunkedDecoder();
    const pieces: string[] = [];
    const sink = {
      onBody(piece: Buffer, start: number, end: number): void {
        pieces.push(piece.toString("latin1", start, end));
        // Another body may be decoded meanwhile.
        new ChunkedDecoder().decode(Buffer.from("1\r\n?\r\n1\r\n?\r\n"), 0, 12, { onBody: () => {} });
      },
    };
    assert.equal(decoder.decode(bytes, 0, bytes.length, sink), bytes.length);
    assert.equal(pieces.join(""), text + large + text);
    assert.ok(pieces.includes(large));
    assert.ok(pieces.length < 20, `${pieces.length} pieces`);
  });

  it("tells what is left of the current chunk, and that an early end is not an end", () => {
    const decoder = new ChunkedDecoder();
    const sink = { onBody: (): void => {} };
    assert.equal(decoder.remaining, null);
    decoder.decode(Buffer.from("5\r\nhe"), 0, 5, sink);
    assert.equal(decoder.remaining, 3);
    assert.equal(decoder.end(), false);
  });
});
