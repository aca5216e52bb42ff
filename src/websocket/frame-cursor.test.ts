import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrameCursor } from "./frame-cursor.ts";
import { writeClose, writeFrame, writePing } from "./frame-writer.ts";

const mask = 0x0a_5f_80_ff;

/** Streams of frames, with the payload lengths where the header's form changes. */
const streams: readonly { readonly name: string; readonly frames: readonly Buffer[] }[] = [
  {
    name: "small frames from a server",
    frames: [0, 1, 125].map((length) => writeFrame(2, Buffer.alloc(length, 0x81))),
  },
  {
    name: "small frames from a client",
    frames: [0, 1, 125].map((length) => writeFrame(1, Buffer.alloc(length, 0x88), { mask })),
  },
  {
    name: "frames with a length of 16 bits",
    frames: [126, 300].flatMap((length) => [
      writeFrame(2, Buffer.alloc(length, 0x88)),
      writeFrame(2, Buffer.alloc(length, 0x88), { mask }),
    ]),
  },
  {
    name: "a frame with a length of 64 bits",
    frames: [writeFrame(2, Buffer.alloc(65_536, 0x88), { mask }), writePing(Buffer.from("p"), mask)],
  },
  {
    name: "a fragmented message with a ping inside",
    frames: [
      writeFrame(1, Buffer.from("one"), { fin: false }),
      writePing(Buffer.from("ping")),
      writeFrame(0, Buffer.alloc(0), { fin: false }),
      writeFrame(0, Buffer.from("three")),
    ],
  },
  {
    name: "compressed messages",
    frames: [writeFrame(1, Buffer.alloc(20, 0xff), { rsv1: true }), writeFrame(1, Buffer.alloc(2))],
  },
];

/** Ends of the frames within their stream, and the whole stream. */
function laidOut(frames: readonly Buffer[]): { ends: Set<number>; bytes: Buffer } {
  const ends = new Set([0]);
  let at = 0;
  for (const frame of frames) ends.add((at += frame.length));
  return { ends, bytes: Buffer.concat(frames) };
}

/** Where cuts are tried: everywhere in short streams, around the frames' ends in long ones. */
function cutsOf(bytes: Buffer, ends: ReadonlySet<number>): number[] {
  const all = Array.from({ length: bytes.length + 1 }, (_, at) => at);
  return bytes.length < 1_000 ? all : all.filter((at) => [...ends].some((end) => Math.abs(at - end) < 20));
}

describe("where a frame ends", () => {
  for (const { name, frames } of streams) {
    const { ends, bytes } = laidOut(frames);

    test(`is known of ${name}, cut at every byte`, () => {
      for (const cut of cutsOf(bytes, ends)) {
        const cursor = new FrameCursor();
        cursor.pass(bytes.subarray(0, cut));
        assert.equal(cursor.atBoundary, ends.has(cut), `after ${cut} bytes`);
        cursor.pass(bytes.subarray(cut));
        assert.ok(cursor.atBoundary, `cut at ${cut}`);
        assert.equal(cursor.closing, false);
      }
    });

    test(`is known of ${name}, byte by byte`, () => {
      const cursor = new FrameCursor();
      for (let at = 0; at < bytes.length; at++) {
        cursor.pass(bytes.subarray(at, at + 1));
        assert.equal(cursor.atBoundary, ends.has(at + 1), `after ${at + 1} bytes`);
      }
    });

    test(`is where steps through ${name} stop`, () => {
      for (const cut of cutsOf(bytes, ends)) {
        const cursor = new FrameCursor();
        cursor.pass(bytes.subarray(0, cut));
        for (let at = cut; at < bytes.length;) {
          let next = cursor.advance(bytes, at);
          if (cursor.inFrame && next < bytes.length) next = cursor.advance(bytes, next);
          assert.ok(next > at);
          assert.equal(cursor.atBoundary, ends.has(next));
          assert.ok(ends.has(next), `a step from ${at} ended at ${next}`);
          at = next;
        }
      }
    });
  }

  test("is not looked for behind a close frame, which is noticed from its first byte on", () => {
    for (const close of [writeClose(1001, "bye", mask), writeClose(1005, "")]) {
      for (let cut = 1; cut <= close.length; cut++) {
        const cursor = new FrameCursor();
        cursor.pass(writeFrame(2, Buffer.from("x")));
        cursor.pass(close.subarray(0, cut));
        assert.ok(cursor.closing);
        assert.equal(cursor.closed, cut === close.length);
        cursor.pass(close.subarray(cut));
        assert.ok(cursor.closed);
        cursor.pass(Buffer.from([0x81, 0x7f, 1, 2]));
        assert.ok(cursor.closed);
      }
    }
  });

  test("is never reached of a frame whose length makes no sense", () => {
    for (const cut of [1, 2, 5, 10]) {
      const header = Buffer.from([0x82, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0]);
      const cursor = new FrameCursor();
      cursor.pass(header.subarray(0, cut));
      cursor.pass(header.subarray(cut));
      cursor.pass(Buffer.alloc(100_000));
      assert.equal(cursor.atBoundary, false);
    }
  });

  test("tells the opcode of the frame under way", () => {
    const cursor = new FrameCursor();
    const ping = writePing(Buffer.from("abc"));
    cursor.pass(ping.subarray(0, 1));
    assert.equal(cursor.opcode, 9);
    cursor.pass(ping.subarray(1));
    assert.equal(cursor.opcode, 9);
    cursor.pass(writeFrame(2, Buffer.from("x")).subarray(0, 2));
    assert.equal(cursor.opcode, 2);
  });
});
