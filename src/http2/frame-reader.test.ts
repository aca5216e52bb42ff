import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cutsOf } from "../http/cases/cuts.ts";
import { frameCases } from "./cases/frame-cases.ts";
import { framesBytes } from "./cases/frame-text.ts";
import { errorCodeName } from "./error-code.ts";
import type { FrameHandler } from "./frame-handler.ts";
import { FrameReader } from "./frame-reader.ts";
import { http2Limits } from "./limits.ts";

/** Writes down what it hears; pieces of data that follow each other become one line. */
class Log implements FrameHandler {
  readonly lines: string[] = [];
  private data = "";

  onDataStart(streamId: number, flowBytes: number, dataBytes: number, endStream: boolean): void {
    this.lines.push(`data ${streamId} ${dataBytes}/${flowBytes}${endStream ? " end" : ""}`);
  }

  onDataPiece(bytes: Buffer, start: number, end: number): void {
    assert.ok(start < end);
    this.data += bytes.toString("hex", start, end);
  }

  onDataEnd(): void {
    if (this.data !== "") this.lines.push(this.data);
    this.data = "";
    this.lines.push("over");
  }

  onFieldBlock(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const hex = bytes.toString("hex", start, end);
    this.lines.push(`block ${streamId}${endStream ? " end" : ""}${hex === "" ? "" : ` ${hex}`}`);
  }

  onPriority(streamId: number): void {
    this.lines.push(`priority ${streamId}`);
  }

  onRstStream(streamId: number, code: number): void {
    this.lines.push(`reset ${streamId} ${errorCodeName(code)}`);
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    this.lines.push(`settings ${bytes.toString("hex", start, end)}`.trimEnd());
  }

  onSettingsAck(): void {
    this.lines.push("ack");
  }

  onPing(ack: boolean, bytes: Buffer, start: number): void {
    this.lines.push(`${ack ? "pong" : "ping"} ${bytes.toString("hex", start, start + 8)}`);
  }

  onGoAway(lastStreamId: number, code: number): void {
    this.lines.push(`goaway ${lastStreamId} ${errorCodeName(code)}`);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.lines.push(`window ${streamId} ${increment}`);
  }

  onUnknownFrame(type: number, streamId: number): void {
    this.lines.push(`unknown ${type} ${streamId}`);
  }

  onStreamError(streamId: number, code: number): void {
    this.lines.push(`stream ${streamId} ${errorCodeName(code)}`);
  }
}

function logOf(bytes: Buffer, ends: Iterable<number>): string[] {
  const log = new Log();
  const reader = new FrameReader(log, http2Limits);
  let from = 0;
  for (const end of ends) {
    // A piece of its own, as it would come from a socket: what is kept of it must be a copy.
    const piece = Buffer.from(bytes.subarray(from, end));
    reader.feed(piece, 0, piece.length);
    piece.fill(0xaa);
    from = end;
  }
  if (reader.failure !== null) log.lines.push(`fail ${errorCodeName(reader.failure.code)}`);
  return log.lines;
}

function everyByte(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

/** `61*3` is written out. */
function expanded(line: string): string {
  return line.replace(/([0-9a-f]+)\*(\d+)/g, (_, hex: string, times: string) => hex.repeat(Number(times)));
}

describe("FrameReader", () => {
  for (const { name, input, log } of frameCases) {
    it(`reads, however cut: ${name}`, () => {
      const isFirst = name.startsWith("first:");
      const bytes = framesBytes(isFirst ? input : ["SETTINGS - 0", ...input]);
      const expected = [...(isFirst ? [] : ["settings"]), ...log.map(expanded)];
      assert.deepEqual(logOf(bytes, [bytes.length]), expected);
      for (const cut of cutsOf(bytes.length)) {
        assert.deepEqual(logOf(bytes, [cut, bytes.length]), expected, `cut at ${cut}`);
      }
      assert.deepEqual(logOf(bytes, everyByte(bytes.length)), expected, "byte by byte");
    });
  }

  it("does not throw, and comes to the same result however cut, whatever is fed", () => {
    const frame = fc
      .tuple(fc.nat(12), fc.nat(255), fc.nat(4), fc.uint8Array({ maxLength: 20 }))
      .map(([type, flags, stream, payload]) =>
        Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]),
      );
    const garbage = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    const wire = fc.array(fc.oneof({ weight: 9, arbitrary: frame }, { weight: 1, arbitrary: garbage }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(wire, fc.nat(), (pieces, seed) => {
        const bytes = Buffer.concat([framesBytes(["SETTINGS - 0"]), ...pieces]);
        const whole = logOf(bytes, [bytes.length]);
        const cut = 1 + (seed % bytes.length);
        assert.deepEqual(logOf(bytes, [cut, bytes.length]), whole);
        assert.deepEqual(logOf(bytes, everyByte(bytes.length)), whole);
      }),
      { numRuns: 300 },
    );
  });

  it("tells whether it stands within a frame or a block", () => {
    const reader = new FrameReader(new Log(), http2Limits);
    const feed = (...texts: string[]): boolean => {
      const bytes = framesBytes(texts);
      reader.feed(bytes, 0, bytes.length);
      return reader.midFrame;
    };
    assert.equal(reader.midFrame, false);
    assert.equal(feed("SETTINGS - 0"), false);
    assert.equal(feed("raw 0000"), true);
    assert.equal(feed("raw 0004060000000000"), true);
  });

  it("stops where its handler says so", () => {
    const log = new Log();
    const reader = new FrameReader(log, http2Limits);
    log.onPriority = () => reader.fail(2, "enough");
    const bytes = framesBytes(["SETTINGS - 0", "PRIORITY - 1 0000000110", "PING - 0 00*8"]);
    reader.feed(bytes, 0, bytes.length);
    assert.deepEqual(log.lines, ["settings"]);
    assert.deepEqual(reader.failure, { code: 2, reason: "enough" });
  });
});
