import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  FrameScanner,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
} from "./frames.ts";
import type { FrameScannerOptions } from "./frames.ts";
import { writeClose, writeFrame, writePing, writePong } from "./frame-writer.ts";

const MASK = 0x37fa213d;
const FROM_CLIENT: FrameScannerOptions = { from: "client" };
const FROM_SERVER: FrameScannerOptions = { from: "server" };

/** Everything that a scanner tells, whatever way the bytes came. */
function facts(scanner: FrameScanner): Record<string, unknown> {
  const { frames, messages, pings, pongs, payloadBytes, closeCode, closeReason, error, errorCode } = scanner;
  const { atBoundary, inMessage, over } = scanner;
  return {
    frames,
    messages,
    pings,
    pongs,
    payloadBytes,
    closeCode,
    closeReason,
    error,
    errorCode,
    atBoundary,
    inMessage,
    over,
  };
}

function scanCut(
  options: FrameScannerOptions,
  bytes: Buffer,
  ends: Iterable<number>,
): Record<string, unknown> {
  const scanner = new FrameScanner(options);
  let from = 0;
  let consumed = 0;
  for (const end of ends) {
    consumed += scanner.scan(bytes, from, end);
    from = end;
  }
  return { ...facts(scanner), consumed };
}

/** Scans whole, cut in two at every byte, and byte by byte; all must tell the same. */
function scan(options: FrameScannerOptions, bytes: Buffer): Record<string, unknown> {
  const whole = scanCut(options, bytes, [bytes.length]);
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.deepEqual(scanCut(options, bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
  }
  const everyByte = Array.from({ length: bytes.length }, (_, index) => index + 1);
  assert.deepEqual(scanCut(options, bytes, everyByte), whole, "byte by byte");
  return whole;
}

function matches(actual: Record<string, unknown>, expected: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(actual[name], value, name);
}

describe("FrameScanner", () => {
  it("counts frames, messages and bytes", () => {
    const bytes = Buffer.concat([
      writeFrame(OPCODE_TEXT, Buffer.from("Hello"), { mask: MASK }),
      writeFrame(OPCODE_TEXT, Buffer.from("Hel"), { mask: MASK, fin: false }),
      writePing(Buffer.from("p"), MASK),
      writeFrame(OPCODE_CONTINUATION, Buffer.from("lo"), { mask: MASK }),
      writePong(Buffer.alloc(0), MASK),
      writeFrame(OPCODE_BINARY, Buffer.alloc(0), { mask: 0 }),
    ]);
    matches(scan(FROM_CLIENT, bytes), {
      frames: 6,
      messages: 3,
      pings: 1,
      pongs: 1,
      payloadBytes: 10,
      atBoundary: true,
      inMessage: false,
      error: "",
      closeCode: 0,
    });
  });

  it("reads the examples of RFC 6455", () => {
    const cases: [FrameScannerOptions, string, Record<string, unknown>][] = [
      [FROM_SERVER, "810548656c6c6f", { messages: 1, payloadBytes: 5 }],
      [FROM_CLIENT, "818537fa213d7f9f4d5158", { messages: 1, payloadBytes: 5 }],
      [FROM_SERVER, "010348656c80026c6f", { messages: 1, frames: 2, payloadBytes: 5 }],
      [FROM_SERVER, "890548656c6c6f", { pings: 1 }],
      [FROM_CLIENT, "8a8537fa213d7f9f4d5158", { pongs: 1 }],
    ];
    for (const [options, hex, expected] of cases) matches(scan(options, Buffer.from(hex, "hex")), expected);
  });

  it("reads all three forms of length", () => {
    for (const length of [0, 125, 126, 127, 65535, 65536, 70000]) {
      const bytes = writeFrame(OPCODE_BINARY, Buffer.alloc(length), { mask: MASK });
      const ends = [1, 2, 3, 5, 9, 13, bytes.length - 1, bytes.length].filter((end) => end <= bytes.length);
      matches(scanCut(FROM_CLIENT, bytes, ends), {
        messages: 1,
        payloadBytes: length,
        atBoundary: true,
        error: "",
      });
    }
  });

  it("tells code and reason of a close frame, and nothing after it", () => {
    const close = writeClose(1001, "brb \u00e9", MASK);
    const bytes = Buffer.concat([close, Buffer.from("garbage")]);
    matches(scan(FROM_CLIENT, bytes), {
      closeCode: 1001,
      closeReason: "brb \u00e9",
      over: true,
      error: "",
      consumed: close.length,
    });
    matches(scan(FROM_SERVER, writeClose(1005, "")), { closeCode: 1005, closeReason: "", error: "" });
    matches(scan(FROM_SERVER, writeClose(4999, "x".repeat(200))), {
      closeCode: 4999,
      closeReason: "x".repeat(123),
    });
  });

  it("names what breaks the protocol, with the close code that answers it", () => {
    const bad = (hex: string, options = FROM_SERVER): unknown[] => {
      const { error, errorCode } = scan(options, Buffer.from(hex, "hex"));
      return [error, errorCode];
    };
    assert.deepEqual(bad("c100"), ["reserved bits are set", 1002]);
    assert.deepEqual(bad("a100"), ["reserved bits are set", 1002]);
    assert.deepEqual(bad("8300"), ["unknown opcode", 1002]);
    assert.deepEqual(bad("8b00"), ["unknown opcode", 1002]);
    assert.deepEqual(bad("0900"), ["fragmented control frame", 1002]);
    assert.deepEqual(bad("897e007e"), ["too long control frame", 1002]);
    assert.deepEqual(bad("8000"), ["continuation without a message", 1002]);
    assert.deepEqual(bad("010161810161"), ["new message inside a message", 1002]);
    assert.deepEqual(bad("8180"), ["masked frame from a server", 1002]);
    assert.deepEqual(bad("8100", FROM_CLIENT), ["unmasked frame from a client", 1002]);
    assert.deepEqual(bad("827fffffffffffffffff"), ["too long frame", 1009]);
    assert.deepEqual(bad("880103"), ["close frame with one byte", 1002]);
    assert.deepEqual(bad("880203ed"), ["invalid close code", 1002]);
    assert.deepEqual(bad("88020000"), ["invalid close code", 1002]);
    assert.deepEqual(bad("880303e8ff"), ["close reason is not UTF-8", 1007]);
    assert.deepEqual(bad("820400000000", { from: "server", messageBytesMax: 3 }), ["too long message", 1009]);
    assert.deepEqual(bad("0202000080020000", { from: "server", messageBytesMax: 3 }), [
      "too long message",
      1009,
    ]);
  });

  it("takes RSV1 on the first frame of a message alone, and when it was agreed", () => {
    const agreed: FrameScannerOptions = { from: "server", rsv1Allowed: true };
    matches(scan(agreed, Buffer.from("c10161", "hex")), { error: "", messages: 1 });
    matches(scan(agreed, Buffer.from("410161c00161", "hex")), { error: "reserved bits are set" });
    matches(scan(agreed, Buffer.from("c900", "hex")), { error: "reserved bits are set" });
  });

  it("tells where the last frame of a chunk ended", () => {
    const scanner = new FrameScanner(FROM_SERVER);
    const bytes = Buffer.from("8101618901628103", "hex");
    scanner.scan(bytes, 0, bytes.length);
    assert.equal(scanner.boundary, 6);
    assert.equal(scanner.atBoundary, false);
    scanner.scan(Buffer.from("616161"), 0, 2);
    assert.equal(scanner.boundary, -1);
  });

  it("counts what was written, however cut", () => {
    const opcode = fc.constantFrom(OPCODE_TEXT, OPCODE_BINARY, OPCODE_PING, OPCODE_PONG);
    const frame = fc.tuple(opcode, fc.uint8Array({ maxLength: 125 }), fc.nat(0xffffffff));
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.nat(700), { maxLength: 4 }),
        (frames, cuts) => {
          const written = frames.map(([code, payload, mask]) => writeFrame(code, payload, { mask }));
          const bytes = Buffer.concat(written);
          const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          const count = (code: number): number => frames.filter(([one]) => one === code).length;
          matches(scanCut(FROM_CLIENT, bytes, ends), {
            frames: frames.length,
            messages: count(OPCODE_TEXT) + count(OPCODE_BINARY),
            pings: count(OPCODE_PING),
            pongs: count(OPCODE_PONG),
            error: "",
          });
        },
      ),
    );
  });

  it("does not throw, and tells the same however cut, whatever it is fed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(FROM_CLIENT, FROM_SERVER),
        (garbage, options) => {
          scan(options, Buffer.from(garbage));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("tells an observer the frames and their payload", () => {
    const seen: string[] = [];
    const scanner = new FrameScanner(FROM_SERVER, {
      onFrameStart: (one) => seen.push(`start ${one.opcode} ${one.payloadLength}`),
      onPayload: (one, bytes, start, end) => {
        seen.push(`${one.payloadOffset} ${Buffer.from(bytes.subarray(start, end)).toString()}`);
      },
      onFrameEnd: (one) => seen.push(`end ${one.opcode}`),
    });
    const bytes = Buffer.concat([writeFrame(OPCODE_TEXT, Buffer.from("hello")), writeClose(1000, "")]);
    scanner.scan(bytes, 0, 4);
    scanner.scan(bytes, 4, bytes.length);
    assert.deepEqual(seen, [
      "start 1 5",
      "0 he",
      "2 llo",
      "end 1",
      `start ${OPCODE_CLOSE} 2`,
      `end ${OPCODE_CLOSE}`,
    ]);
  });
});
