import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../net/memory/clock.ts";
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

function filterAt(sink: Sink, bytesPerSecond: number, freeBytes = 0): RateFilter {
  return new RateFilter({ bytesPerSecond, freeBytes, startMs: sink.clock.now() }, sink.clock, sink);
}

test("a second's worth goes out at once, and another with each second", () => {
  const sink = new Sink();
  const filter = filterAt(sink, 1000);
  assert.equal(filter.write(Buffer.alloc(3000)), false);
  filter.end();
  assert.equal(sink.bytes, 1000);
  sink.advance(999);
  assert.equal(sink.bytes, 1000);
  sink.advance(2);
  assert.equal(sink.bytes, 2000);
  assert.equal(sink.ended, false);
  sink.advance(1000);
  assert.equal(sink.bytes, 3000);
  assert.equal(sink.ended, true);
});

test("what comes in one turn is one piece; what comes later waits for as long as that is worth", async () => {
  const sink = new Sink();
  const filter = filterAt(sink, 1000);
  assert.equal(filter.write(Buffer.alloc(100)), true);
  assert.equal(filter.write(Buffer.alloc(100)), true);
  sink.advance(1);
  assert.equal(filter.write(Buffer.alloc(50)), false);
  assert.equal(sink.bytes, 200);
  sink.advance(200);
  assert.equal(sink.bytes, 250);
});

test("what is free goes out before the rate counts", () => {
  const sink = new Sink();
  const filter = filterAt(sink, 100, 5000);
  assert.equal(filter.write(Buffer.alloc(5000)), true);
  assert.equal(filter.write(Buffer.alloc(200)), false);
  assert.equal(sink.bytes, 5100);
});

test("the source is told when it may go on", () => {
  const sink = new Sink();
  const filter = filterAt(sink, 1000);
  let drains = 0;
  filter.onDrain = () => drains++;
  filter.write(Buffer.alloc(1500));
  sink.advance(600);
  assert.equal(drains, 0);
  sink.advance(600);
  assert.equal(drains, 1);
  assert.equal(sink.bytes, 1500);
});

test("a client that takes nothing holds everything up, and time passes meanwhile", () => {
  const sink = new Sink();
  const filter = filterAt(sink, 1000);
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
  const filter = filterAt(sink, 1000);
  filter.write(Buffer.alloc(3000));
  filter.close();
  sink.advance(5000);
  assert.equal(sink.bytes, 1000);
});

test("a great many pieces that wait are kept in one", () => {
  const sink = new Sink();
  const filter = filterAt(sink, 1_000_000);
  for (let count = 0; count < 300_000; count++) filter.write(Buffer.alloc(10));
  filter.end();
  sink.advance(2500);
  assert.equal(sink.bytes, 3_000_000);
  assert.equal(sink.ended, true);
});
