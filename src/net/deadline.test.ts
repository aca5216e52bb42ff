import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Clock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import type { DeadlineOwner } from "./deadline.ts";
import { createMemoryNetwork } from "./memory/network.ts";

/** Notes when it is told. */
class Watch implements DeadlineOwner {
  readonly times: number[] = [];
  readonly deadline: Deadline;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
    this.deadline = new Deadline(clock, this);
  }

  onDeadline(): void {
    this.times.push(this.clock.now());
  }
}

describe("a deadline", () => {
  it("passes once, at its time", async () => {
    const network = createMemoryNetwork({ seed: 1 });
    const start = network.clock.now();
    const watch = new Watch(network.clock);
    watch.deadline.set(50);
    await network.advance(49);
    assert.deepEqual(watch.times, []);
    await network.advance(100);
    assert.deepEqual(watch.times, [start + 50]);
  });

  it("can be moved later, sooner, and taken back", async () => {
    const network = createMemoryNetwork({ seed: 1 });
    const start = network.clock.now();
    const [later, sooner, cleared, disposed] = [1, 2, 3, 4].map(() => new Watch(network.clock));
    for (const watch of [later, sooner, cleared, disposed]) watch!.deadline.set(100);
    later!.deadline.set(300);
    sooner!.deadline.set(20);
    cleared!.deadline.clear();
    disposed!.deadline.dispose();
    await network.advance(1000);
    assert.deepEqual(later!.times, [start + 300]);
    assert.deepEqual(sooner!.times, [start + 20]);
    assert.deepEqual([...cleared!.times, ...disposed!.times], []);
  });

  it("passes although another's owner throws at the same time", async () => {
    const errors: unknown[] = [];
    const network = createMemoryNetwork({ seed: 1, onInternalError: (error) => errors.push(error) });
    const failing: DeadlineOwner = {
      onDeadline() {
        throw new Error("failed");
      },
    };
    new Deadline(network.clock, failing).set(50);
    const watch = new Watch(network.clock);
    watch.deadline.set(50);
    await network.advance(50);
    assert.deepEqual(watch.times, [50]);
    assert.equal(errors.length, 1);
  });

  it("holds among many that are set, moved and dropped in any order", async () => {
    const step = fc.record({ who: fc.nat(9), wait: fc.nat(40), delay: fc.nat(200), act: fc.nat(5) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const network = createMemoryNetwork({ seed: 1 });
        const watches = Array.from({ length: 10 }, () => new Watch(network.clock));
        const due = new Map<number, number>();
        const expected: number[][] = watches.map(() => []);
        const settle = (until: number): void => {
          for (const [who, at] of due) {
            if (at > until) continue;
            expected[who]!.push(at);
            due.delete(who);
          }
        };
        for (const { who, wait, delay, act } of steps) {
          const { deadline } = watches[who]!;
          if (act === 0) deadline.clear();
          else if (act === 1) deadline.dispose();
          else deadline.set(delay + 1);
          if (act <= 1) due.delete(who);
          else due.set(who, network.clock.now() + delay + 1);
          await network.advance(wait);
          settle(network.clock.now());
        }
        await network.advance(500);
        settle(network.clock.now());
        assert.deepEqual(
          watches.map((watch) => watch.times),
          expected,
        );
      }),
      { numRuns: 60 },
    );
  });
});
