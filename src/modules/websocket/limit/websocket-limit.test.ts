import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../../../config/errors.ts";
import { say, stage, visit } from "../../../gateway/tunnel/websocket-stage.fixture.ts";
import type { Stage } from "../../../gateway/tunnel/websocket-stage.fixture.ts";

/** A gateway with the zone and the limit, before one server. */
function limited(zone: string, limit: string): Promise<Stage> {
  return stage({
    names: ["a"],
    before: `websocket_limit_zone ${zone};`,
    directives: `websocket_limit ${limit};`,
  });
}

/** How many messages the server has got by now. */
const got = ({ servers }: Stage): number => servers[0]!.messages.length;

describe("websocket_limit", () => {
  test("holds back what all with one key send beyond the rate together", async () => {
    const whole = await limited("$arg_k zone=z:64k messages=10/s", "zone=z burst=1");
    const { simulation } = whole;
    const [one, other, apart] = [
      await visit(simulation, "/?k=a"),
      await visit(simulation, "/?k=a"),
      await visit(simulation, "/?k=b"),
    ];
    for (let count = 0; count < 10; count++) {
      say(one, `one ${count}`);
      say(other, `other ${count}`);
    }
    await simulation.advance(0);
    assert.equal(got(whole), 2);
    say(apart, "apart");
    await simulation.advance(0);
    assert.equal(got(whole), 3);
    await simulation.advance(1_000);
    assert.equal(got(whole), 3 + 10);
    await simulation.advance(1_000);
    assert.equal(got(whole), 21);
    const texts = whole.servers[0]!.messages.filter((text) => text.startsWith("one"));
    assert.deepEqual(
      texts,
      [...Array(10).keys()].map((count) => `one ${count}`),
    );
    assert.deepEqual([one.closeCode, other.closeCode, apart.closeCode], [null, null, null]);
    await simulation.finish();
  });

  test("lets a second's worth come at once, where nothing is said of a burst", async () => {
    const whole = await limited("$arg_k zone=z:64k messages=10/s", "zone=z");
    const { simulation } = whole;
    const one = await visit(simulation, "/?k=a");
    for (let count = 0; count < 30; count++) say(one, "text");
    await simulation.advance(0);
    assert.equal(got(whole), 10);
    await simulation.advance(1_000);
    assert.equal(got(whole), 20);
    await simulation.finish();
  });

  test("ends with 1008 who sends too fast where the limit says so, and leaves the others", async () => {
    const whole = await limited("$arg_k zone=z:64k messages=10/s", "zone=z burst=4 action=close");
    const { simulation } = whole;
    const [one, other] = [await visit(simulation, "/?k=a"), await visit(simulation, "/?k=a")];
    for (let count = 0; count < 5; count++) say(one, "text");
    await simulation.advance(0);
    say(other, "one too many");
    await simulation.advance(0);
    assert.equal(got(whole), 5);
    assert.deepEqual([one.closeCode, other.closeCode], [null, 1008]);
    assert.match(simulation.errorLines.join("\n"), /websocket_limit zone=z burst=4 action=close at /);
    await simulation.finish();
  });

  test("counts bytes, and those of servers where they are meant", async () => {
    const whole = await limited("$arg_k zone=z:64k bytes=1k/s", "zone=z from=upstream");
    const { simulation, servers } = whole;
    const one = await visit(simulation, "/?k=a");
    for (let count = 0; count < 8; count++) say(one, "x".repeat(509));
    await simulation.advance(0);
    assert.equal(servers[0]!.messages.length, 8);
    // One second's worth at once, and each frame that finds less than that owed.
    assert.equal(one.messages.length, 3);
    await simulation.advance(3_000);
    assert.equal(one.messages.length, 8);
    await simulation.finish();
  });

  test("leaves those alone whose key is empty", async () => {
    const whole = await limited("$arg_k zone=z:64k messages=1/s", "zone=z");
    const one = await visit(whole.simulation);
    for (let count = 0; count < 20; count++) say(one, "text");
    await whole.simulation.advance(0);
    assert.equal(got(whole), 20);
    await whole.simulation.finish();
  });

  const wrong: readonly (readonly [zone: string, limit: string, message: RegExp])[] = [
    ["$arg_k messages=1/s", "zone=z", /must have "zone" parameter/],
    ["$arg_k zone=z:64k", "zone=z", /needs "messages=" or "bytes="/],
    ["$arg_k zone=z:64k messages=1", "zone=z", /invalid parameter "messages=1"/],
    ["$arg_k zone=z:1k messages=1/s", "zone=z", /too small/],
    ["$arg_k zone=z:64k messages=1/s", "zone=y", /zero size shared memory zone "y"/],
    ["$arg_k zone=z:64k messages=1/s", "burst=1", /must have "zone" parameter/],
    ["$arg_k zone=z:64k messages=1/s", "zone=z action=drop", /invalid parameter "action=drop"/],
    ["$arg_k zone=z:64k messages=1/s", "zone=z; websocket_limit zone=z", /is duplicate/],
  ];
  for (const [zone, limit, message] of wrong) {
    test(`refuses "${zone}" with "${limit}"`, async () => {
      await assert.rejects(limited(zone, limit), (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
