import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OPCODE_BINARY, OPCODE_CONTINUATION, OPCODE_PING } from "../../websocket/frames.ts";
import { writeFrame } from "../../websocket/frame-writer.ts";
import { Outbox } from "./outbox.ts";

const mask = 0x01020304;
const message = (text: string, fin = true): Buffer =>
  writeFrame(OPCODE_BINARY, Buffer.from(text), { mask, fin });
const more = (text: string, fin: boolean): Buffer =>
  writeFrame(OPCODE_CONTINUATION, Buffer.from(text), { mask, fin });
const ping = writeFrame(OPCODE_PING, Buffer.from("p"), { mask });

const one = message("one");
const two = message("two two");
const parts = [message("three ", false), ping, more("and ", false), more("more", true)];
const stream = Buffer.concat([one, two, ...parts, one]);
/** Where messages begin, and the end. */
const starts = [0, one.length, one.length + two.length, stream.length - one.length, stream.length];

/** The beginning of the message that `at` is in, or where it ends. */
const startOf = (at: number): number => starts.findLast((start) => start <= at)!;

describe("what is sent again to another server", () => {
  test("is the message under way, from its beginning, wherever it was cut", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      for (let first = 0; first <= cut; first += 3) {
        const outbox = new Outbox(1000);
        outbox.sent(stream.subarray(0, first), 0);
        outbox.sent(stream.subarray(first, cut), 0);
        const what = `${first} and ${cut} bytes`;
        assert.deepEqual(outbox.waiting(), stream.subarray(startOf(cut), cut), what);
        assert.equal(outbox.clean, startOf(cut) === cut, what);
      }
    }
  });

  test("is also what the connection still had in its queue, from the beginning of its first message", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      for (let queued = 0; queued <= cut; queued++) {
        const outbox = new Outbox(1000);
        outbox.sent(stream.subarray(0, cut), queued);
        assert.deepEqual(
          outbox.waiting(),
          stream.subarray(startOf(cut - queued), cut),
          `${queued} of ${cut}`,
        );
      }
    }
  });

  test("shrinks as the queue does", () => {
    const outbox = new Outbox(1000);
    outbox.sent(one, one.length);
    outbox.sent(two, two.length + 2);
    assert.equal(outbox.size, one.length + two.length);
    outbox.sent(one, 3);
    assert.deepEqual(outbox.waiting(), one);
    outbox.drained();
    assert.ok(outbox.clean);
  });

  test("holds what comes meanwhile, and forgets it once it is out", () => {
    const outbox = new Outbox(1000);
    outbox.sent(two.subarray(0, 4), 0);
    outbox.hold(two.subarray(4));
    outbox.hold(one);
    assert.deepEqual(outbox.waiting(), Buffer.concat([two, one]));
    outbox.given(2);
    assert.deepEqual(outbox.waiting(), one);
    outbox.given(0);
    assert.ok(outbox.clean);
  });

  test("is not a message that is larger than the buffer, but those behind it", () => {
    const large = message("x".repeat(100));
    const outbox = new Outbox(50);
    outbox.sent(large.subarray(0, 80), 0);
    assert.deepEqual([outbox.repeatable, outbox.clean, outbox.size], [false, false, 0]);
    outbox.sent(Buffer.concat([large.subarray(80), one.subarray(0, 3)]), 0);
    assert.ok(outbox.repeatable);
    assert.deepEqual(outbox.waiting(), one.subarray(0, 3));
    outbox.sent(one.subarray(3), 0);
    assert.ok(outbox.clean);
  });

  test("may be more than the buffer where many small messages wait in a queue", () => {
    const outbox = new Outbox(50);
    for (let count = 1; count <= 20; count++) outbox.sent(one, count * one.length);
    assert.equal(outbox.size, 20 * one.length);
    assert.ok(outbox.repeatable);
  });
});
