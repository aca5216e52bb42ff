import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EchoStream, scratch } from "./echo-stream.ts";
import { clientClose, serverClose, StampedFrame } from "./wire.ts";

/** The reply to `bytes`, fed in pieces of `step` bytes. */
function echoed(bytes: Buffer, step: number): Buffer {
  const stream = new EchoStream();
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    const length = stream.reply(bytes.subarray(at, at + step));
    pieces.push(Buffer.from(scratch.subarray(0, length)));
  }
  return Buffer.concat(pieces);
}

describe("the backend's echo", () => {
  it("returns frames of every length form, however they are cut", () => {
    const sizes = [8, 125, 126, 1000, 65536];
    const request = Buffer.concat(sizes.map((size) => new StampedFrame(size, true).bytes));
    const reply = Buffer.concat(sizes.map((size) => new StampedFrame(size, false).bytes));
    for (const step of [1, 7, 4096, request.length])
      assert.ok(echoed(request, step).equals(reply), `step ${step}`);
  });

  it("removes the mask", () => {
    const masked = Buffer.from([0x82, 0x85, 1, 2, 3, 4, 1 ^ 1, 2 ^ 2, 3 ^ 3, 4 ^ 4, 5 ^ 1]);
    for (const step of [1, 3, masked.length])
      assert.deepEqual([...echoed(masked, step)], [0x82, 5, 1, 2, 3, 4, 5]);
  });

  it("answers a close frame and notices it", () => {
    const stream = new EchoStream();
    const length = stream.reply(clientClose);
    assert.ok(scratch.subarray(0, length).equals(serverClose));
    assert.ok(stream.closed);
  });
});
