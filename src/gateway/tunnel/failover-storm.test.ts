import assert from "node:assert/strict";
import { test } from "node:test";
import { seededNumbers } from "../balance/peer.fixture.ts";
import { livelyWeather } from "../simulation.fixture.ts";
import { say, stage, visit } from "./websocket-stage.fixture.ts";

const seeds = Number(process.env["FAILOVER_SEEDS"] ?? 15);

test("servers that are lost at any moment, in any weather, leave no message half, doubled or out of order", async () => {
  let moved = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const number = seededNumbers(seed);
    const { simulation, servers } = await stage({ seed, weather: livelyWeather });
    const visitors = [await visit(simulation), await visit(simulation), await visit(simulation)];
    for (let round = 1; round <= 40; round++) {
      for (const [index, visitor] of visitors.entries()) {
        if (visitor.closeCode === null) say(visitor, `${index} ${round} ${"x".repeat(number(3000))}`);
      }
      await simulation.advance(number(60));
      if (number(3) > 0) continue;
      const open = servers
        .flatMap(({ sessions }) => sessions)
        .filter(({ wire }) => !wire.finished && !wire.over);
      const lost = open[number(Math.max(1, open.length))];
      if (number(2) === 0) lost?.wire.connection!.reset();
      else lost?.wire.leave();
    }
    await simulation.advance(20_000);
    for (const [index, visitor] of visitors.entries()) {
      // A server that died inside a message ends its WebSocket; so does what could not be told.
      assert.ok([null, 1014].includes(visitor.closeCode) || visitor.wire.finished, `seed ${seed}`);
      const rounds = visitor.messages.map((text) => Number(text.split(" ")[2]));
      assert.deepEqual(
        rounds,
        [...new Set(rounds)].toSorted((one, other) => one - other),
        `seed ${seed}`,
      );
      const got = servers.flatMap(({ messages }) => messages).filter((text) => text.startsWith(`${index} `));
      assert.equal(new Set(got).size, got.length, `seed ${seed}: doubled`);
    }
    moved += simulation.errorLines.filter((line) => line.includes("WebSocket moved")).length;
    await simulation.finish();
  }
  assert.ok(moved > seeds, `${moved} moves`);
});
