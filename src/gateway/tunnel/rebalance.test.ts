import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { writeFrame } from "../../websocket/frame-writer.ts";
import { httpFor, say, stage, visit } from "./websocket-stage.fixture.ts";
import type { Server, Stage, StageOptions, Visitor } from "./websocket-stage.fixture.ts";

/** Open sessions of each server. */
const counts = ({ servers }: Stage): number[] => servers.map((server) => openOn(server).length);

function openOn({ sessions }: Server): Server["sessions"] {
  return sessions.filter(({ wire }) => !wire.finished);
}

interface Crowd extends Stage {
  readonly visitors: readonly Visitor[];
  readonly options: StageOptions;
}

const size = 90;

/** So many WebSockets on servers "a" and "b"; "c" is there, and not listed. */
async function crowd(directives: string, more: StageOptions = {}): Promise<Crowd> {
  const options: StageOptions = { directives, listed: ["a", "b"], ...more };
  const whole = await stage(options);
  const visitors: Visitor[] = [];
  for (let number = 0; number < size; number++) visitors.push(await visit(whole.simulation, `/?k=${number}`));
  return { ...whole, visitors, options };
}

function configure({ simulation, options }: Crowd, more: StageOptions): Promise<void> {
  return simulation.configure(httpFor({ ...options, ...more }));
}

const everyServer: StageOptions = { listed: ["a", "b", "c"] };

/** How many are told to come again. */
const closed = (visitors: readonly Visitor[]): number =>
  visitors.filter(({ closeCode }) => closeCode === 1012).length;

describe("a server that a reload adds", () => {
  for (const method of ["", "least_conn;", "random;", "hash $arg_k;", "ip_hash;", "least_time header;"]) {
    test(`gets the surplus of the others, and no more, with "${method}"`, async () => {
      const whole = await crowd("websocket_failover on; websocket_rebalance rate=100/s;", { method });
      const { simulation } = whole;
      const before = counts(whole);
      await configure(whole, everyServer);
      await simulation.advance(5_000);
      const [a, b, c] = counts(whole) as [number, number, number];
      assert.equal(a + b + c, size);
      for (const [index, count] of [a, b].entries()) {
        const what = `${before.join()} became ${[a, b, c].join()}`;
        if (before[index]! > 33) assert.ok(count >= 30 && count <= 33, what);
        else assert.ok(count >= before[index]! && count <= 33, what);
      }
      const left = before.reduce((sum, count, index) => sum + Math.max(0, count - [a, b, c][index]!), 0);
      assert.equal(closed(whole.visitors), 0);
      assert.match(
        simulation.errorLines.findLast((line) => line.includes("rebalanced upstream")) ?? "",
        new RegExp(`\\[notice\\].*rebalanced upstream "all": ${left} WebSockets left`),
      );
      await simulation.finish();
    });
  }

  test("gets them at the rate, and none of them loses a message", async () => {
    const whole = await crowd("websocket_failover on; websocket_rebalance rate=10/s;");
    const { simulation, visitors, servers } = whole;
    await configure(whole, everyServer);
    await simulation.advance(1_000);
    for (let second = 1; second <= 4; second++) {
      for (const [number, visitor] of visitors.entries()) say(visitor, `${number} in ${second}`);
      const before = counts(whole)[2]!;
      await simulation.advance(1_000);
      const moved = counts(whole)[2]! - before;
      assert.ok(moved <= 11, `${moved} in a second`);
    }
    await simulation.advance(1_000);
    const heard = servers.flatMap(({ messages }) => messages);
    assert.equal(heard.length, size * 4);
    assert.equal(new Set(heard).size, size * 4);
    for (const [number, { messages }] of visitors.entries()) {
      assert.deepEqual(
        messages.map((text) => text.slice(3)),
        [1, 2, 3, 4].map((second) => `${number} in ${second}`),
      );
    }
    await simulation.finish();
  });

  test("gets exactly those whose key belongs to it, with a consistent hash", async () => {
    const method = "hash $arg_k consistent;";
    const whole = await crowd("websocket_failover on; websocket_rebalance rate=100/s;", { method });
    const { simulation, visitors } = whole;
    const namesOf = (): string[] => visitors.map(({ messages }) => messages.at(-1)!.slice(0, 1));
    for (const visitor of visitors) say(visitor, "before");
    await simulation.advance(1);
    const before = namesOf();
    await configure(whole, everyServer);
    const fresh: Visitor[] = [];
    for (let number = 0; number < size; number++) fresh.push(await visit(simulation, `/?k=${number}`));
    for (const visitor of fresh) say(visitor, "whose");
    await simulation.advance(10_000);
    for (const visitor of visitors) say(visitor, "after");
    await simulation.advance(1);
    const wanted = fresh.map(({ messages }) => messages[0]!.slice(0, 1));
    assert.deepEqual(namesOf(), wanted);
    const moved = before.filter((name, index) => name !== wanted[index]).length;
    assert.equal(moved, wanted.filter((name) => name === "c").length);
    assert.ok(moved > 10 && moved < 60, `${moved} moved`);
    await simulation.finish();
  });

  test("waits for those that are in the midst of a message", async () => {
    const whole = await crowd("websocket_failover on; websocket_rebalance rate=1000/s;");
    const { simulation, servers, visitors } = whole;
    for (const server of servers)
      for (const { wire } of openOn(server)) wire.send(writeFrame(1, Buffer.from("half"), { fin: false }));
    await simulation.advance(1);
    await configure(whole, everyServer);
    await simulation.advance(2_000);
    assert.equal(counts(whole)[2], 0);
    for (const server of servers)
      for (const { wire } of openOn(server)) wire.send(writeFrame(0, Buffer.from(" and half")));
    await simulation.advance(1_000);
    const [a, b, c] = counts(whole) as [number, number, number];
    assert.ok(a >= 30 && b >= 30 && c >= 24, `${a}, ${b}, ${c}`);
    assert.ok(visitors.every(({ messages }) => messages.join() === "half and half"));
    await simulation.finish();
  });

  test("gets them by clients that come again where that is how they move", async () => {
    for (const directives of [
      "websocket_rebalance rate=100/s;",
      "websocket_failover on; websocket_rebalance rate=100/s by=close;",
    ]) {
      const whole = await crowd(directives);
      const { simulation, visitors } = whole;
      await configure(whole, everyServer);
      for (let round = 0; round < 50; round++) {
        await simulation.advance(100);
        const gone = visitors.filter(({ closeCode, wire }) => closeCode !== null && !wire.over);
        for (const { wire } of gone) wire.leave();
      }
      const [a, b, c] = counts(whole) as [number, number, number];
      assert.equal(closed(visitors), size - a - b);
      // Nobody came again here, so the others' fair share is a third of those that are left.
      assert.equal(c, 0);
      assert.ok(a + b < size);
      await simulation.finish();
    }
  });

  test("gets none without the directive", async () => {
    const whole = await crowd("websocket_failover on;");
    await configure(whole, everyServer);
    await whole.simulation.advance(10_000);
    assert.deepEqual(counts(whole), [45, 45, 0]);
    await whole.simulation.finish();
  });
});

describe("a server that", () => {
  test("does not answer gets nobody, and nobody is lost for that", async () => {
    const whole = await crowd("websocket_failover timeout=1s; websocket_rebalance rate=10/s;");
    const { simulation, servers, visitors } = whole;
    servers[2]!.answers = false;
    await configure(whole, everyServer);
    await simulation.advance(10_000);
    assert.equal(counts(whole)[2], 0);
    assert.ok(visitors.every(({ closeCode }) => closeCode === null));
    await simulation.finish();
  });

  test("gets a larger weight gets its part", async () => {
    const whole = await crowd("websocket_failover on; websocket_rebalance rate=100/s;");
    const { simulation, options } = whole;
    const http = httpFor(options).replace(":9001;", ":9001 weight=2;");
    await simulation.configure(http);
    await simulation.advance(5_000);
    const [a, b] = counts(whole) as [number, number];
    assert.ok(a >= 30 && a <= 33 && a + b === size, `${a}, ${b}`);
    await simulation.finish();
  });
});
