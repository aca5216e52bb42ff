import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { constantValue } from "../../../config/complex-value.ts";
import { ErrorLog } from "../../../gateway/log/error-log.ts";
import { SharedRegions } from "../../../gateway/zones/shared-memory.ts";
import { Zone } from "../../../gateway/zones/zones.ts";
import { createMemoryNetwork } from "../../../net/memory/network.ts";
import { rateZoneUse } from "./rate-zone.ts";
import { RequestRates } from "./request-rates.ts";

function zoneOf(size: number, shared = new SharedRegions()): Zone {
  const zone = new Zone("one", rateZoneUse, shared);
  const { clock } = createMemoryNetwork({ seed: 1 });
  zone.data = { key: constantValue(""), rate: 0, log: new ErrorLog([], clock), worker: 0, rates: null };
  zone.size = size;
  return zone as Zone;
}

/** ngx_http_limit_req_lookup and its `expire`, in the integers that C has. */
class NginxRates {
  private readonly states = new Map<string, { excess: bigint; last: bigint }>();
  private readonly rate: bigint;
  private readonly statesMax: number;

  constructor(rate: number, statesMax: number) {
    this.rate = BigInt(rate);
    this.statesMax = statesMax;
  }

  look(key: string, burst: number, nowMs: number): { passed: boolean; excess: number } {
    const now = BigInt(nowMs);
    const state = this.states.get(key);
    if (state === undefined) {
      this.expire(1, now);
      if (this.states.size === this.statesMax) this.expire(0, now);
      this.states.set(key, { excess: 0n, last: now });
      return { passed: true, excess: 0 };
    }
    this.states.delete(key);
    this.states.set(key, state);
    let ms = now - state.last;
    if (ms < -60_000n) ms = 1n;
    else if (ms < 0n) ms = 0n;
    let excess = state.excess - (this.rate * ms) / 1000n + 1000n;
    if (excess < 0n) excess = 0n;
    if (excess > BigInt(burst)) return { passed: false, excess: Number(excess) };
    state.excess = excess;
    if (ms !== 0n) state.last = now;
    return { passed: true, excess: Number(excess) };
  }

  private expire(from: number, now: bigint): void {
    for (let n = from; n < 3;) {
      const oldest = this.states.entries().next();
      if (oldest.done === true) return;
      const [key, { excess, last }] = oldest.value;
      if (n++ !== 0) {
        const ms = now > last ? now - last : last - now;
        if (ms < 60_000n || excess - (this.rate * ms) / 1000n > 0n) return;
      }
      this.states.delete(key);
    }
  }
}

const request = fc.record({
  key: fc.nat(250),
  burst: fc.constantFrom(0, 1000, 3000, 5_000_000),
  /** Clocks may be set back, too. */
  laterMs: fc.oneof(
    { weight: 8, arbitrary: fc.nat(400) },
    fc.nat(200_000),
    fc.integer({ min: -100_000, max: 0 }),
  ),
});

describe("the rates of a zone", () => {
  test("decide as nginx's arithmetic does", () => {
    const rates = fc.constantFrom(16, 1000, 4000, 16_666, 1_000_000);
    fc.assert(
      fc.property(rates, fc.array(request, { maxLength: 600, size: "max" }), (rate, requests) => {
        const own = new RequestRates(zoneOf(32 * 1024), rate, 0);
        const nginx = new NginxRates(rate, 191);
        let nowMs = 1_900_000_000_000;
        for (const { key, burst, laterMs } of requests) {
          nowMs += laterMs;
          const expected = nginx.look(String(key), burst, nowMs);
          const finding = own.look(String(key), burst, true, nowMs);
          assert.deepEqual({ passed: finding === "passed", excess: own.excess }, expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("do not count what a later limit refuses", () => {
    const rates = new RequestRates(zoneOf(32 * 1024), 1000, 0);
    assert.equal(rates.look("a", 0, false, 5000), "held");
    assert.equal(rates.account(5000), true);
    assert.equal(rates.look("a", 1000, false, 5000), "held");
    rates.letGo();
    assert.equal(rates.look("a", 1000, false, 5000), "held");
    assert.equal(rates.excess, 1000);
    assert.equal(rates.account(5000), true);
    assert.equal(rates.look("a", 1000, true, 5000), "busy");
    assert.equal(rates.account(5000), false, "nothing is held");
  });

  test("forget no state that is held, and say so when there is no room", () => {
    const shared = new SharedRegions();
    const threads = Array.from({ length: 192 }, (_, worker) => {
      return new RequestRates(zoneOf(32 * 1024, shared), 1000, worker);
    });
    const findings = threads.map((rates, worker) => rates.look(`key ${worker}`, 0, false, 5000));
    assert.equal(findings.filter((finding) => finding === "held").length, 191);
    assert.equal(findings.at(-1), "no memory");
    for (const rates of threads) rates.letGo();
    assert.equal(threads.at(-1)!.look("another", 0, true, 5000), "passed");
  });
});
