import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cutsOf } from "../http/cases/cuts.ts";
import { RecordReader } from "./fastcgi-reader.ts";

interface RecordCase {
  readonly name: string;
  /** Hexadecimal numbers and quoted text, which `*` repeats. */
  readonly input: string;
  readonly events?: readonly string[];
  readonly failure?: string;
}

const cases = JSON.parse(
  readFileSync(new URL("cases/fastcgi-records.json", import.meta.url), "utf8"),
) as RecordCase[];

function inputOf(text: string): Buffer {
  const parts = text.match(/'(?:\\.|[^'])*'(?:\*\d+)?|[0-9a-f]+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => (part.startsWith("'") ? Buffer.from(textOf(part)) : Buffer.from(part, "hex"))),
  );
}

function textOf(part: string): string {
  const end = part.lastIndexOf("'");
  const times = part[end + 1] === "*" ? Number(part.slice(end + 2)) : 1;
  return part.slice(1, end).replaceAll("\\n", "\n").replaceAll("\\0", "\0").repeat(times);
}

interface Outcome {
  /** Pieces of one content put together. */
  readonly events: readonly string[];
  readonly failure: string | null;
}

function read(bytes: Buffer, ends: Iterable<number>): Outcome {
  const reader = new RecordReader();
  const events: string[] = [];
  let content = "";
  const close = (type: number): void => {
    if (content !== "") events.push(`${type} ${content}`);
    content = "";
  };
  let lastType = 0;
  const sink = {
    onRecord(type: number): boolean {
      lastType = type;
      return events.push(`${type} begins`) > 0;
    },
    onContent(_type: number, piece: Buffer, start: number, end: number): boolean {
      content += piece.toString("latin1", start, end);
      return true;
    },
    onRecordEnd(type: number): boolean {
      close(type);
      return events.push(`${type} ends`) > 0;
    },
  };
  let from = 0;
  for (const end of ends) {
    if (reader.failure === null) reader.feed(bytes, from, end, sink);
    from = end;
  }
  close(lastType);
  return { events, failure: reader.failure };
}

describe("RecordReader", () => {
  for (const { name, input, events = [], failure = null } of cases) {
    it(`reads, however cut: ${name}`, () => {
      const bytes = inputOf(input);
      const wanted = events.map((event) => event.replace(/'.*$/, textOf));
      const whole = read(bytes, [bytes.length]);
      assert.deepEqual(whole, { events: wanted, failure });
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(read(bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
      }
      const everyByte = Array.from({ length: bytes.length }, (_, index) => index + 1);
      assert.deepEqual(read(bytes, everyByte), whole, "byte by byte");
    });
  }

  it("stops where the sink has enough, and goes on from there", () => {
    const bytes = inputOf("01 06 0001 0002 00 00 'ok' 01 06 0001 0000 00 00 'rest'");
    const reader = new RecordReader();
    const no = { onRecord: () => true, onContent: () => true, onRecordEnd: () => false };
    assert.equal(reader.feed(bytes, 0, bytes.length, no), 10);
    assert.equal(reader.feed(bytes, 10, bytes.length, no), 18);
  });

  it("does not throw, and comes to the same result however cut, whatever it is fed", () => {
    const start = fc.constantFrom("", "01", "01 06 0001", "01 06 0001 0002 00 00", "01 03 0001 0000 ff 00");
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 64 }), fc.nat(64), (begin, tail, at) => {
        const bytes = Buffer.concat([inputOf(begin), tail]);
        const cut = Math.min(at, bytes.length);
        assert.deepEqual(read(bytes, [cut, bytes.length]), read(bytes, [bytes.length]));
      }),
    );
  });
});
