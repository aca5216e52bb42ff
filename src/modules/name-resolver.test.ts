import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryNetwork } from "../net/memory/network.ts";
import type { NameAnswer } from "../net/network.ts";
import { NameResolver } from "./name-resolver.ts";
import type { Resolution } from "./name-resolver.ts";

const nameServers = { servers: ["127.0.0.1:53"], ipv4: true, ipv6: true, validSeconds: null };

/** A network whose name servers answer when told to. */
class SlowNames extends MemoryNetwork {
  readonly questions: {
    readonly name: string;
    answer(answer: NameAnswer): void;
    fail(code: string): void;
  }[] = [];

  override query(name: string): Promise<NameAnswer> {
    return new Promise((answer, reject) => {
      this.questions.push({ name, answer, fail: (code) => reject(Object.assign(new Error(code), { code })) });
    });
  }
}

function setUp(validSeconds: number | null = null): { network: SlowNames; resolver: NameResolver } {
  const network = new SlowNames({ seed: 1 });
  return { network, resolver: new NameResolver(network, { ...nameServers, validSeconds }) };
}

test("an answer is used for its time to live, then asked for again", async () => {
  const { network, resolver } = setUp();
  const first = resolver.resolve("a.test", 1000);
  network.questions[0]!.answer({ addresses: ["127.0.0.1"], ttlSeconds: 10 });
  assert.deepEqual(await first, { addresses: ["127.0.0.1"], untilMs: 10_000 });
  await network.advance(9999);
  assert.deepEqual(resolver.resolve("A.Test", 1000), { addresses: ["127.0.0.1"], untilMs: 10_000 });
  await network.advance(1);
  assert.ok(resolver.resolve("a.test", 1000) instanceof Promise);
  assert.equal(network.questions.length, 2);
});

test("`valid` takes the place of the time to live", async () => {
  const { network, resolver } = setUp(100);
  const first = resolver.resolve("a.test", 1000);
  network.questions[0]!.answer({ addresses: ["127.0.0.1"], ttlSeconds: 1 });
  await first;
  await network.advance(50_000);
  assert.deepEqual(resolver.resolve("a.test", 1000), { addresses: ["127.0.0.1"], untilMs: 100_000 });
});

test("those who ask the same at once wait for one question", async () => {
  const { network, resolver } = setUp();
  const both: (Resolution | Promise<Resolution>)[] = [
    resolver.resolve("a.test", 1000),
    resolver.resolve("a.test", 1000),
  ];
  assert.equal(network.questions.length, 1);
  network.questions[0]!.fail("ESERVFAIL");
  const failure = { failure: 2, reason: "Server failure" };
  assert.deepEqual(await Promise.all(both.map(async (each) => await each)), [failure, failure]);
});

test("failures are not remembered", async () => {
  const { network, resolver } = setUp();
  const first = resolver.resolve("a.test", 1000);
  network.questions[0]!.fail("ENOTFOUND");
  assert.deepEqual(await first, { failure: 3, reason: "Host not found" });
  assert.ok(resolver.resolve("a.test", 1000) instanceof Promise);
  assert.equal(network.questions.length, 2);
});

test("who waits too long is told so, and the answer serves those who come later", async () => {
  const { network, resolver } = setUp();
  const first = resolver.resolve("a.test", 1000);
  await network.advance(1000);
  assert.deepEqual(await first, { failure: 110, reason: "Operation timed out" });
  const second = resolver.resolve("a.test", 1000);
  network.questions[0]!.answer({ addresses: ["127.0.0.1"], ttlSeconds: 10 });
  assert.deepEqual(await second, { addresses: ["127.0.0.1"], untilMs: 11_000 });
  assert.equal(network.questions.length, 1);
});

test("several addresses are all given, beginning with any of them", async () => {
  const { network, resolver } = setUp();
  const first = resolver.resolve("a.test", 1000);
  const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
  network.questions[0]!.answer({ addresses, ttlSeconds: 10 });
  await first;
  const starts = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const resolution = resolver.resolve("a.test", 1000);
    assert.ok(!(resolution instanceof Promise) && "addresses" in resolution);
    assert.deepEqual([...resolution.addresses].sort(), addresses);
    starts.add(resolution.addresses[0]!);
  }
  assert.equal(starts.size, 3);
});
