import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, ConnectionOwner } from "../connection.ts";
import { ContractPeer, connect, patternBytes } from "../contract-peer.ts";
import type { Endpoint } from "../network.ts";
import { createMemoryNetwork, type MemoryNetwork } from "./network.ts";
import type { Weather } from "./weather.ts";

const endpoint: Endpoint = { kind: "tcp", address: "10.0.0.1", port: 80 };

const stormy: Partial<Weather> = {
  delayMsMax: 30,
  segmentBytesMax: 4_000,
  partialWriteChance: 0.5,
  stallChance: 0.1,
  stallMsMax: 500,
  resetChance: 0.001,
  refuseChance: 0.1,
};

/** Echoes, with the log of all that it was told. */
class Echo implements ConnectionOwner {
  private readonly connection: Connection;
  private readonly log: string[];
  private readonly now: () => number;

  constructor(connection: Connection, log: string[], now: () => number) {
    this.connection = connection;
    this.log = log;
    this.now = now;
  }

  onData(bytes: Buffer): void {
    this.log.push(`${this.now()} data ${bytes.length}`);
    if (!this.connection.send(bytes)) this.connection.pause();
  }

  onEnd(): void {
    this.log.push(`${this.now()} end`);
    this.connection.shutdown();
  }

  onDrain(): void {
    this.log.push(`${this.now()} drain`);
    this.connection.resume();
  }

  onClose(code: string | null): void {
    this.log.push(`${this.now()} close ${code}`);
  }
}

/** What an echo server and ten clients live through in a stormy network. */
async function story(seed: number): Promise<string[]> {
  const network = createMemoryNetwork({ seed, weather: stormy });
  const log: string[] = [];
  const now = (): number => network.clock.now();
  await network.listen(
    { endpoint, tls: null },
    { onConnection: (connection) => new Echo(connection, log, now), onHandshakeError() {} },
  );
  for (let i = 0; i < 10; i++) {
    network.dial(
      { endpoint, tls: null },
      {
        onConnected(connection) {
          log.push(`${now()} connected ${connection.local.port}`);
          connection.send(patternBytes(100_000, i));
          connection.shutdown();
          return {
            onData() {},
            onEnd() {},
            onDrain() {},
            onClose: (code) => log.push(`${now()} client ${code}`),
          };
        },
        onFailed: (code) => log.push(`${now()} failed ${code}`),
      },
    );
  }
  await network.runUntilIdle();
  return log;
}

describe("the simulated network", () => {
  test("tells the same story for the same seed and another for another", async () => {
    const first = await story(42);
    assert.deepEqual(await story(42), first);
    assert.notDeepEqual(await story(43), first);
    assert.ok(first.some((line) => line.includes("close ECONNRESET")));
    assert.ok(first.some((line) => line.endsWith("client null")));
  });

  test("time passes only when it is told to", async () => {
    const network = createMemoryNetwork({ seed: 1, wallMs: 1_000_000 });
    const fired: number[] = [];
    network.clock.timer(1_000, () => fired.push(network.clock.now()));
    network.clock.timer(3_000, () => fired.push(network.clock.now()));
    await network.advance(999);
    assert.deepEqual(fired, []);
    await network.advance(1_001);
    assert.deepEqual(fired, [1_000]);
    assert.equal(network.clock.wall(), 1_002_000);
    await network.runUntilIdle();
    assert.deepEqual(fired, [1_000, 3_000]);
  });

  test("a dial into a black hole fails when the system gives up", async () => {
    const network = createMemoryNetwork({ seed: 1 });
    network.blackHoles.add("10.0.0.1");
    const told: string[] = [];
    network.dial(
      { endpoint, tls: null },
      {
        onConnected() {
          throw new Error("connected to a black hole");
        },
        onFailed: (code) => told.push(code),
      },
    );
    await network.advance(126_000);
    assert.deepEqual(told, []);
    await network.advance(2_000);
    assert.deepEqual(told, ["ETIMEDOUT"]);
  });

  test("a connection can be stalled and broken on purpose", async () => {
    const network = createMemoryNetwork({ seed: 5 });
    const { client, server } = await pair(network);
    network.dialed[0]?.stall(10_000);
    client.connection.send(Buffer.from("late"));
    await network.advance(9_000);
    assert.equal(server.text, "");
    await network.advance(2_000);
    assert.equal(server.text, "late");
    network.dialed[0]?.breakOff();
    await network.advance(10);
    assert.deepEqual([...client.closes, ...server.closes], ["ECONNRESET", "ECONNRESET"]);
  });

  test("an owner that keeps the bytes it was lent sees them overwritten", async () => {
    const network = createMemoryNetwork({ seed: 5 });
    const { client, server } = await pair(network);
    const kept: Buffer[] = [];
    server.connection.owner = { onData: (bytes) => kept.push(bytes), onEnd() {}, onDrain() {}, onClose() {} };
    client.connection.send(Buffer.from("abc"));
    await network.advance(100);
    assert.ok(Buffer.concat(kept).every((byte) => byte === 0xdd));
  });
});

async function pair(network: MemoryNetwork): Promise<{ client: ContractPeer; server: ContractPeer }> {
  const servers: ContractPeer[] = [];
  await network.listen(
    { endpoint, tls: null },
    {
      onConnection(connection) {
        const server = new ContractPeer(connection);
        servers.push(server);
        return server;
      },
      onHandshakeError() {},
    },
  );
  const dialed = connect(network, { endpoint, tls: null });
  await network.advance(100);
  const server = servers[0];
  assert.ok(server !== undefined);
  return { client: await dialed, server };
}
