import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { inputBytes, limitsOf, readRequestCases } from "./cases/request-case.ts";
import type { RequestCase } from "./cases/request-case.ts";
import { cutsOf } from "./cases/cuts.ts";
import { HeadWriter } from "./head-writer.ts";
import { RequestHeadReader } from "./request-head.ts";
import type { RequestHead } from "./request-head.ts";

/** Values of a head that a case does not mention. */
const USUAL = {
  method: "GET",
  requestUri: "/",
  uri: "/",
  args: null,
  protocol: "HTTP/1.1",
  host: "a",
  port: null,
  contentLength: null,
  chunked: false,
  connection: null,
  schemeFromAbsoluteForm: null,
  hostFromAbsoluteForm: null,
  requestUriValid: true,
  versionMinor: 1,
  uriChanged: false,
};
/** Longer values are not repeated in a case. */
const COMPARED_LENGTH_MAX = 200;

interface Outcome {
  readonly consumed: number;
  readonly text: string;
}

function outcomeOf(reader: RequestHeadReader, consumed: number): Outcome {
  if (reader.state === "done") return { consumed, text: JSON.stringify(reader.head) };
  return { consumed, text: JSON.stringify([reader.state, reader.failure, reader.requestLine]) };
}

/** Feeds pieces that end at the given places, until the head is complete or refused. */
function feedCut(reader: RequestHeadReader, bytes: Buffer, ends: Iterable<number>): Outcome {
  reader.reset();
  let consumed = 0;
  let from = 0;
  for (const end of ends) {
    consumed += reader.feed(bytes, from, end);
    from = end;
    if (reader.state !== "needMore") break;
  }
  return outcomeOf(reader, consumed);
}

function everyByte(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

function checkExpectation(item: RequestCase, reader: RequestHeadReader): void {
  const { expect } = item;
  assert.equal(reader.state, expect.outcome, reader.failure?.reason ?? "");
  if (expect.outcome === "failed") {
    assert.equal(reader.failure?.status, expect.status);
    if (expect.reason !== undefined) assert.equal(reader.failure?.reason, expect.reason);
  }
  if (expect.outcome === "done") checkHead(reader.head, item);
}

function checkHead(head: RequestHead, item: RequestCase): void {
  const { fieldCount, ...values } = item.expect.head ?? {};
  const expected: Record<string, unknown> = { ...USUAL, ...values };
  const actual = head as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(expected)) {
    const isLong = String(actual[name]).length > COMPARED_LENGTH_MAX;
    if (!isLong) assert.deepEqual(actual[name], value, name);
  }
  const fields = head.fields.names.map((name, index) => [name, head.fields.valueAt(index)]);
  if (fieldCount !== undefined) assert.equal(fields.length, fieldCount);
  else if (item.expect.fields !== undefined || !isUsual(fields)) assert.deepEqual(fields, item.expect.fields);
}

function isUsual(fields: readonly (readonly (string | undefined)[])[]): boolean {
  return JSON.stringify(fields) === '[["Host","a"]]';
}

describe("RequestHeadReader", () => {
  for (const item of readRequestCases()) {
    it(`reads, however cut: ${item.name}`, () => {
      const bytes = inputBytes(item.input);
      const reader = new RequestHeadReader(limitsOf(item));
      const whole = feedCut(reader, bytes, [bytes.length]);
      checkExpectation(item, reader);
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(feedCut(reader, bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
      }
      assert.deepEqual(feedCut(reader, bytes, everyByte(bytes.length)), whole, "byte by byte");
    });
  }

  it("leaves pipelined bytes to the caller and reads them next", () => {
    const reader = new RequestHeadReader();
    const bytes = Buffer.from("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
    const first = reader.feed(bytes, 0, bytes.length);
    assert.equal(reader.head.uri, "/1");
    assert.equal(reader.feed(bytes, first, bytes.length), 0);
    reader.reset();
    assert.equal(reader.feed(bytes, first, bytes.length), bytes.length - first);
    assert.equal(reader.head.uri, "/2");
    assert.equal(reader.head.host, "b");
  });

  it("leaves a large body behind a head that came in two pieces to the caller", () => {
    const head = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    const bytes = Buffer.concat([head, Buffer.alloc(500_000, "x")]);
    const reader = new RequestHeadReader();
    for (const cut of [1, 20, head.length - 1]) {
      reader.reset();
      assert.equal(reader.feed(bytes, 0, cut), cut);
      assert.equal(reader.feed(bytes, cut, bytes.length), head.length - cut);
      assert.equal(reader.head.contentLength, 500_000);
    }
  });

  it("keeps no hold of the bytes it was fed", () => {
    const reader = new RequestHeadReader();
    const bytes = Buffer.from("GET /1 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
    const cut = 20;
    reader.feed(bytes, 0, cut);
    bytes.fill(0, 0, cut);
    reader.feed(bytes, cut, bytes.length);
    assert.equal(reader.head.requestLine, "GET /1 HTTP/1.1");
    assert.deepEqual(reader.head.fields.values, ["a", "y"]);
  });

  it("tells whether a request has begun and how far it got", () => {
    const reader = new RequestHeadReader();
    assert.deepEqual([reader.started, reader.inRequestLine], [false, true]);
    reader.feed(Buffer.from("\r\n"), 0, 2);
    assert.deepEqual([reader.started, reader.inRequestLine], [false, true]);
    reader.feed(Buffer.from("G"), 0, 1);
    assert.deepEqual([reader.started, reader.inRequestLine], [true, true]);
    const rest = Buffer.from("ET / HTTP/1.1\r\n");
    reader.feed(rest, 0, rest.length);
    assert.deepEqual([reader.started, reader.inRequestLine], [true, false]);
    assert.equal(reader.requestLine, "GET / HTTP/1.1");
    assert.throws(() => reader.head, /not complete/);
  });

  it("does not throw, and comes to the same result however cut, whatever is fed", () => {
    const wire = fc.stringMatching(/^[ -~\r\n\t:/%#?.\0]{0,200}$/);
    const start = fc.constantFrom("", "GET ", "GET /", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n");
    fc.assert(
      fc.property(start, wire, fc.nat(), (head, text, seed) => {
        const bytes = Buffer.from(head + text, "latin1");
        const reader = new RequestHeadReader();
        const whole = feedCut(reader, bytes, [bytes.length]);
        const cut = seed % (bytes.length + 1);
        assert.deepEqual(feedCut(reader, bytes, [cut, bytes.length]), whole);
        assert.deepEqual(feedCut(reader, bytes, everyByte(bytes.length)), whole);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        const bytes = Buffer.from(garbage);
        new RequestHeadReader().feed(bytes, 0, bytes.length);
      }),
    );
  });

  it("reads what the writer writes", () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/).map((text) => `X-${text}`);
    const value = fc.stringMatching(/^[!-~\xa0-\xff]([ -~\xa0-\xff]{0,40}[!-~\xa0-\xff])?$/);
    const target = fc.stringMatching(/^\/[a-z0-9/]{0,30}$/).filter((text) => !text.includes("//"));
    fc.assert(
      fc.property(target, fc.array(fc.tuple(name, value), { maxLength: 8 }), (path, list) => {
        const writer = HeadWriter.request("GET", path, "1.1").field("Host", "h");
        for (const [fieldName, fieldValue] of list) writer.field(fieldName, fieldValue);
        const bytes = writer.finish();
        const reader = new RequestHeadReader();
        assert.equal(reader.feed(bytes, 0, bytes.length), bytes.length);
        assert.equal(reader.head.uri, path);
        assert.equal(reader.head.bytes, bytes.length);
        assert.deepEqual(reader.head.fields.names, ["Host", ...list.map(([one]) => one)]);
        assert.deepEqual(reader.head.fields.values, ["h", ...list.map(([, one]) => one)]);
      }),
      { numRuns: 300 },
    );
  });
});
