import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryNetwork } from "../../net/memory/network.ts";
import type { OpenTunnel } from "./gateway.ts";
import { TunnelSet } from "./tunnel-set.ts";

function begin(): { network: MemoryNetwork; tunnels: TunnelSet; open: (count: number) => OpenTunnel[] } {
  const network = new MemoryNetwork({ seed: 1 });
  const tunnels = new TunnelSet(network);
  const open = (count: number): OpenTunnel[] => {
    const opened = Array.from({ length: count }, () => ({}) as OpenTunnel);
    for (const tunnel of opened) tunnels.add(tunnel);
    return opened;
  };
  return { network, tunnels, open };
}

describe("memory is asked back", () => {
  test("once after a rush of tunnels, when no more are opened", async () => {
    const { network, open } = begin();
    for (let round = 0; round < 10; round++) {
      open(100);
      await network.advance(40);
    }
    assert.equal(network.memoryGivenBack, 0);
    await network.advance(10_000);
    assert.equal(network.memoryGivenBack, 1);
  });

  test("within a rush that does not end", async () => {
    const { network, open } = begin();
    for (let round = 0; round < 100; round++) {
      open(100);
      await network.advance(40);
    }
    assert.equal(network.memoryGivenBack, 1);
  });

  test("not for few, nor for as many as there were already, nor with very many", async () => {
    const { network, tunnels, open } = begin();
    const first = open(255);
    await network.advance(10_000);
    for (let round = 0; round < 10; round++) {
      for (const tunnel of first) tunnels.delete(tunnel);
      first.push(...open(255));
      await network.advance(10_000);
    }
    assert.equal(network.memoryGivenBack, 0);
    open(2_000);
    await network.advance(10_000);
    open(500);
    await network.advance(10_000);
    assert.equal(network.memoryGivenBack, 1);
    open(10_000);
    await network.advance(10_000);
    assert.equal(network.memoryGivenBack, 1);
    assert.equal(network.clock.nextAt, Infinity);
  });

  test("thoroughly after a rush, but not of so many that the pause is long, nor after a reload", async () => {
    const { network, tunnels, open } = begin();
    tunnels.configurationReplaced();
    await network.advance(10_000);
    assert.deepEqual([network.memoryGivenBack, network.memoryGivenBackThoroughly], [1, 0]);
    open(3_000);
    await network.advance(10_000);
    assert.deepEqual([network.memoryGivenBack, network.memoryGivenBackThoroughly], [2, 1]);
    open(3_000);
    await network.advance(10_000);
    assert.deepEqual([network.memoryGivenBack, network.memoryGivenBackThoroughly], [3, 1]);
  });
});
