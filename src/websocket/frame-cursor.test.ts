import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SeededRandom } from "../net/memory/random.ts";
import { FrameCursor } from "./frame-cursor.ts";
import { writeClose, writeFrame, writePing } from "./frame-writer.ts";
import { FrameScanner } from "./frames.ts";

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

/** Frames at random, most of them as they should be; the same for the same seed. */
function randomStream(random: SeededRandom, from: "client" | "server"): Buffer {
  const frames: Buffer[] = [];
  const masked = from === "client" ? mask : null;
  let inMessage = false;
  for (let count = random.integer(1, 8); count > 0; count--) {
    const size = [0, 1, 8, 125, 126, 300][random.integer(0, 5)]!;
    const fin = random.chance(0.7);
    const control = random.chance(0.2);
    const payload = Buffer.alloc(control ? Math.min(size, 125) : size, 7);
    const opcode = control ? random.integer(9, 10) : inMessage ? 0 : random.integer(1, 2);
    const frame = writeFrame(opcode, payload, { fin: fin || control, mask: masked });
    if (!control) inMessage = !fin;
    if (random.chance(0.05)) frame[0]! ^= 1 << random.integer(0, 6);
    if (random.chance(0.02)) frame[1]! ^= 0x80;
    frames.push(frame);
  }
  if (random.chance(0.5)) frames.push(writeClose(random.chance(0.8) ? 1000 : 1005, "bye", masked));
  return Buffer.concat(frames);
}

describe("what goes by", () => {
  test("is told as the scanner for endpoints tells it, through any cuts", () => {
    for (let seed = 1; seed <= 4_000; seed++) {
      const random = new SeededRandom(seed);
      const from = random.chance(0.5) ? "client" : "server";
      const bytes = randomStream(random, from);
      const scanner = new FrameScanner({ from });
      scanner.scan(bytes, 0, bytes.length);
      const cursor = new FrameCursor({ from, reserved: "none" });
      for (let at = 0; at < bytes.length;) {
        const next = Math.min(bytes.length, at + random.integer(1, 400));
        cursor.pass(bytes.subarray(at, next));
        at = next;
      }
      // Its header is judged when all of it is there.
      if (cursor.cut) continue;
      assert.equal(cursor.violation !== null, scanner.error !== "", `seed ${seed}: ${scanner.error}`);
      if (scanner.error !== "") continue;
      const { messages, payloadBytes, close } = cursor;
      const told = { messages, payloadBytes, closeCode: close?.code ?? 0, closeReason: close?.reason ?? "" };
      const { messages: m, payloadBytes: p, closeCode, closeReason } = scanner;
      assert.deepEqual(told, { messages: m, payloadBytes: p, closeCode, closeReason }, `seed ${seed}`);
    }
  });

  test("counts a message when all of it has gone by", () => {
    const cursor = new FrameCursor({ from: "server", reserved: "none" });
    const frame = writeFrame(2, Buffer.alloc(10));
    cursor.pass(frame.subarray(0, 5));
    assert.deepEqual([cursor.messages, cursor.payloadBytes], [0, 3]);
    cursor.pass(frame.subarray(5));
    assert.deepEqual([cursor.messages, cursor.payloadBytes], [1, 10]);
  });

  test("may use the bits that an extension has agreed on", () => {
    const compressed = writeFrame(1, Buffer.alloc(3), { rsv1: true });
    for (const [reserved, broken] of [
      ["none", true],
      ["deflate", false],
      ["any", false],
    ] as const) {
      const cursor = new FrameCursor({ from: "server", reserved });
      cursor.pass(compressed);
      assert.equal(cursor.violation !== null, broken, reserved);
    }
    const cursor = new FrameCursor({ from: "server", reserved: "deflate" });
    cursor.pass(Buffer.from([0xc9, 0]));
    assert.equal(cursor.violation?.rule, "reserved bits are set");
  });

  test("is met as a whole where it may be a pong to the gateway's ping", () => {
    const pong = writeFrame(10, Buffer.from("12345678"), { mask });
    for (let cut = 1; cut < pong.length; cut++) {
      const cursor = new FrameCursor({ from: "client", reserved: "none" });
      cursor.meetsPongs = true;
      assert.equal(cursor.advance(pong.subarray(0, cut), 0), cut);
      assert.ok(cursor.cut);
      assert.equal(cursor.advance(pong.subarray(cut), 0), pong.length - cut);
      assert.ok(!cursor.cut && cursor.atBoundary);
      assert.deepEqual(cursor.kept!.subarray(0, cursor.keptBytes), pong);
    }
  });
});
