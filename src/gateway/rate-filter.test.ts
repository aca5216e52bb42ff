import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../net/memory/clock.ts";
import { RateFilter } from "./rate-filter.ts";

/** What came out, by the millisecond. */
class Sink {
  readonly clock = new VirtualClock(0, (error) => assert.fail(String(error)));
  bytes = 0;
  ended = false;
  open = true;

  write(bytes: Buffer): boolean {
    this.bytes += bytes.length;
    return this.open;
  }

  /** Lets time pass. */
  advance(ms: number): void {
    let due = false;
    this.clock.timer(ms, () => (due = true));
    while (!due) this.clock.step();
  }

  flush(): void {}

  end(): void {
    this.ended = true;
  }

  fail(error: Error): void {
    assert.fail(error);
  }
}

test("a second's worth goes out at once, the rest as time passes", () => {
  const sink = new Sink();
  const filter = new RateFilter({ bytesPerSecond: 1000, freeBytes: 0 }, sink.clock, sink);
  assert.equal(filter.write(Buffer.alloc(3000)), false);
  filter.end();
  assert.equal(sink.bytes, 1000);
  sink.advance(1000);
  assert.ok(sink.bytes >= 1900 && sink.bytes <= 2000, String(sink.bytes));
  assert.equal(sink.ended, false);
  sink.advance(1100);
  assert.equal(sink.bytes, 3000);
  assert.equal(sink.ended, true);
});

test("what is free goes out before the rate counts", () => {
  const sink = new Sink();
  const filter = new RateFilter({ bytesPerSecond: 100, freeBytes: 5000 }, sink.clock, sink);
  assert.equal(filter.write(Buffer.alloc(5000)), true);
  assert.equal(filter.write(Buffer.alloc(200)), false);
  assert.equal(sink.bytes, 5100);
});

test("the source is told when it may go on", () => {
  const sink = new Sink();
  const filter = new RateFilter({ bytesPerSecond: 1000, freeBytes: 0 }, sink.clock, sink);
  let drains = 0;
  filter.onDrain = () => drains++;
  filter.write(Buffer.alloc(1500));
  assert.equal(drains, 0);
  sink.advance(600);
  assert.equal(drains, 1);
  assert.equal(sink.bytes, 1500);
});

test("a client that takes nothing holds everything up, and time passes meanwhile", () => {
  const sink = new Sink();
  const filter = new RateFilter({ bytesPerSecond: 1000, freeBytes: 0 }, sink.clock, sink);
  sink.open = false;
  assert.equal(filter.write(Buffer.alloc(3000)), false);
  sink.advance(5000);
  assert.equal(sink.bytes, 1000);
  sink.open = true;
  filter.resume();
  assert.equal(sink.bytes, 3000);
});

test("nothing comes any more once it is closed", () => {
  const sink = new Sink();
  const filter = new RateFilter({ bytesPerSecond: 1000, freeBytes: 0 }, sink.clock, sink);
  filter.write(Buffer.alloc(3000));
  filter.close();
  sink.advance(5000);
  assert.equal(sink.bytes, 1000);
});
