import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MessageAccount } from "./message-rate.ts";
import type { MessageRate } from "./message-rate.ts";

/** Waits for each of the frames, and for as long as it is told. @returns when each went, in milliseconds */
function times(rate: MessageRate, frames: readonly (readonly [messages: number, bytes: number])[]): number[] {
  let now = 5_000;
  const account = new MessageAccount(rate, { now: () => now });
  return frames.map(([messages, bytes]) => {
    now += account.take(messages, bytes);
    return now - 5_000;
  });
}

const one = [1, 0] as const;

describe("the account of a side", () => {
  test("lets a second's worth of messages go at once, and the others one by one", () => {
    const rate = { messagesPerSecond: 4, bytesPerSecond: 0, burst: null };
    assert.deepEqual(times(rate, [one, one, one, one, one, one, one]), [0, 0, 0, 0, 250, 500, 750]);
  });

  test("lets one and its burst go at once", () => {
    const rate = { messagesPerSecond: 2, bytesPerSecond: 0, burst: 0 };
    assert.deepEqual(times(rate, [one, one, one]), [0, 500, 1000]);
    assert.deepEqual(times({ ...rate, burst: 2 }, [one, one, one, one]), [0, 0, 0, 500]);
  });

  test("lets a message a minute go", () => {
    const rate = { messagesPerSecond: 1 / 60, bytesPerSecond: 0, burst: null };
    assert.deepEqual(times(rate, [one, one]), [0, 60_000]);
  });

  test("lets a frame go that is larger than all it has, and makes the next one wait for it", () => {
    const rate = { messagesPerSecond: 0, bytesPerSecond: 1000, burst: null };
    assert.deepEqual(
      times(rate, [
        [1, 3000],
        [1, 10],
        [1, 10],
      ]),
      [0, 2001, 2011],
    );
  });

  test("keeps to both rates", () => {
    const rate = { messagesPerSecond: 10, bytesPerSecond: 100, burst: 0 };
    assert.deepEqual(
      times(rate, [
        [1, 100],
        [1, 100],
        [1, 1],
      ]),
      [0, 100, 1010],
    );
  });

  test("never lets more than rate and burst go, whatever comes when", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let now = 0;
    const account = new MessageAccount(
      { messagesPerSecond: 50, bytesPerSecond: 0, burst: 9 },
      { now: () => now },
    );
    for (let count = 1; count < 5_000; count++) {
      now += random() < 0.5 ? 0 : random() * 100;
      now += account.take(1, 0);
      assert.ok(count <= 10 + (now / 1000) * 50 + 1e-6, `${count} after ${now} ms`);
    }
  });
});
