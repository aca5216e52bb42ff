import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { inputBytes } from "./cases/request-case.ts";
import { readResponseCases } from "./cases/body-case.ts";
import { cutsOf } from "./cases/cuts.ts";
import { HeadWriter } from "./head-writer.ts";
import { ResponseHeadReader } from "./response-head.ts";

const LIMIT_BYTES = 4096;
/** Values of a head that a case does not mention. */
const USUAL = {
  status: 200,
  statusLine: "200 OK",
  versionMajor: 1,
  versionMinor: 1,
  contentLength: null,
  chunked: false,
  connectionClose: false,
  warnings: [],
};

interface Outcome {
  readonly state: string;
  readonly failure: string | null;
  readonly head: string;
  /** Bytes behind the head. */
  readonly rest: string;
}

function readCut(reader: ResponseHeadReader, bytes: Buffer, ends: Iterable<number>): Outcome {
  reader.reset();
  let from = 0;
  let at = 0;
  for (const end of ends) {
    at = from + reader.feed(bytes, from, end);
    from = end;
    if (reader.state !== "needMore") break;
  }
  const isDone = reader.state === "done";
  const rest = isDone ? reader.replay.toString("latin1") + bytes.toString("latin1", at) : "";
  return {
    state: reader.state,
    failure: reader.failure,
    head: isDone ? JSON.stringify(reader.head) : "",
    rest,
  };
}

function everyByte(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

describe("ResponseHeadReader", () => {
  const cases = [
    ...readResponseCases().map((one) => ({ ...one, form: "http" as const })),
    ...readResponseCases("cgi").map((one) => ({ ...one, form: "cgi" as const })),
    ...readResponseCases("cgi")
      .filter(({ input }) => !inputBytes(input).includes("HTTP/1.1"))
      .map((one) => ({ ...one, form: "either" as const })),
    ...readResponseCases()
      .filter(({ expect }) => expect.head?.["versionMajor"] !== 0)
      .map((one) => ({ ...one, form: "either" as const })),
  ];
  for (const { name, input, expect, form } of cases) {
    it(`reads, however cut, as ${form}: ${name}`, () => {
      const bytes = inputBytes(input);
      const reader = new ResponseHeadReader(LIMIT_BYTES, form);
      const whole = readCut(reader, bytes, [bytes.length]);
      assert.equal(whole.state, expect.outcome, whole.failure ?? "");
      if (expect.failure !== undefined) assert.equal(whole.failure, expect.failure);
      if (expect.outcome === "done") {
        const actual = reader.head as unknown as Record<string, unknown>;
        for (const [key, value] of Object.entries({ ...USUAL, ...expect.head })) {
          assert.deepEqual(actual[key], value, key);
        }
        const { fields } = reader.head;
        const list = fields.names.map((fieldName, index) => [fieldName, fields.valueAt(index)]);
        if (expect.fields !== undefined) assert.deepEqual(list, expect.fields);
        if (expect.rest !== undefined) assert.equal(whole.rest, expect.rest);
      }
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(readCut(reader, bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
      }
      assert.deepEqual(readCut(reader, bytes, everyByte(bytes.length)), whole, "byte by byte");
    });
  }

  it("reads an interim response and, after a reset, the final one", () => {
    const reader = new ResponseHeadReader(LIMIT_BYTES);
    const bytes = Buffer.from("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    const first = reader.feed(bytes, 0, bytes.length);
    assert.equal(reader.head.status, 100);
    reader.reset();
    assert.equal(reader.feed(bytes, first, bytes.length), bytes.length - first);
    assert.equal(reader.head.status, 204);
  });

  it("leaves a large body behind a head that came in two pieces to the caller", () => {
    const head = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n");
    const bytes = Buffer.concat([head, Buffer.alloc(500_000, "x")]);
    const reader = new ResponseHeadReader(LIMIT_BYTES);
    reader.feed(bytes, 0, 3);
    assert.equal(reader.feed(bytes, 3, bytes.length), head.length - 3);
    const old = Buffer.from("HELLO ".repeat(1000));
    reader.reset();
    reader.feed(old, 0, 1);
    assert.equal(reader.feed(old, 1, old.length), 0);
    assert.equal(reader.replay.toString(), "H");
  });

  it("does not throw, and comes to the same result however cut, whatever it is fed", () => {
    const start = fc.constantFrom("", "HTTP", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n");
    fc.assert(
      fc.property(start, fc.stringMatching(/^[ -~\r\n\t\0]{0,120}$/), fc.nat(), (head, text, seed) => {
        const bytes = Buffer.from(head + text, "latin1");
        const reader = new ResponseHeadReader(LIMIT_BYTES);
        const whole = readCut(reader, bytes, [bytes.length]);
        assert.deepEqual(readCut(reader, bytes, [seed % (bytes.length + 1), bytes.length]), whole);
        assert.deepEqual(readCut(reader, bytes, everyByte(bytes.length)), whole);
      }),
      { numRuns: 1000 },
    );
  });

  it("reads what the writer writes", () => {
    const status = fc.integer({ min: 100, max: 599 });
    const value = fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/);
    fc.assert(
      fc.property(status, fc.array(value, { maxLength: 6 }), (code, values) => {
        const writer = HeadWriter.response(code);
        values.forEach((one, index) => writer.field(`X-${index}`, one));
        const bytes = writer.finishWith(Buffer.from("body"));
        const reader = new ResponseHeadReader(LIMIT_BYTES);
        assert.equal(reader.feed(bytes, 0, bytes.length), bytes.length - 4);
        assert.equal(reader.head.status, code);
        assert.deepEqual(reader.head.fields.values, values);
      }),
    );
  });
});
