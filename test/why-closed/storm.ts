/**
 * WebSockets through a simulated gateway in any weather, with heartbeats, limits, drains, kicks, closes and losses at
 * random moments: what each end gets is a well-framed beginning of what the other has sent, and the record is true.
 *
 *     node test/why-closed/storm.ts [first seed] [number of seeds]
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Simulation } from "../../src/gateway/simulation.fixture.ts";
import { answering, incomplete } from "../../src/gateway/wire.fixture.ts";
import type { Wire } from "../../src/gateway/wire.fixture.ts";
import { SeededRandom } from "../../src/net/memory/random.ts";
import { httpOf } from "./scene.ts";
import { Talker } from "./traffic.ts";

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
const handshake =
  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** Each is there or not, by chance. */
const directives = [
  "websocket_ping 60ms to=both timeout=20s jitter=40ms;",
  "websocket_limit_rate messages=400/s bytes=200k/s from=both;",
  "websocket_max_message_size 5k;",
  "websocket_max_age 6s;",
  "websocket_idle_timeout 5s;",
  "websocket_check on;",
];

/** What happens once to each WebSocket, at a random moment. */
const endings: readonly ((stage: Stage) => void)[] = [
  ({ simulation }) => void simulation.gateway.stopGracefully(60_000),
  ({ simulation }) => {
    for (const tunnel of simulation.gateway.tunnels) tunnel.kick(4321, "kicked", "kick by test");
  },
  ({ simulation }) => simulation.gateway.stopNow(),
  ({ client }) => client.close(1000),
  ({ server }) => server.close(1012),
  ({ client }) => client.vanish(),
  ({ server }) => server.vanish(),
  ({ client }) => client.wire.end(),
  ({ server }) => server.wire.end(),
  ({ client, server }) => {
    client.close(1000);
    server.close(1001);
  },
];

interface Stage {
  readonly simulation: Simulation;
  readonly client: Talker;
  readonly server: Talker;
}

/** Plays one WebSocket. @returns how many messages were sent */
export async function weather(seed: number): Promise<number> {
  const random = new SeededRandom(seed);
  const chosen = directives.filter(() => random.chance(0.4)).join(" ");
  const simulation = await Simulation.start({
    http: httpOf(`proxy_read_timeout 1h; websocket_drain 1s grace=30s; ${chosen}`),
    seed,
    weather: {
      delayMsMin: 0,
      delayMsMax: 20,
      segmentBytesMax: random.chance(0.5) ? 9 : 3_000,
      kernelBytesMax: 20_000,
      partialWriteChance: 0.3,
      stallChance: 0.02,
      stallMsMax: 300,
    },
  });
  const servers: Wire[] = [];
  await simulation.origin(9000, (wire) => {
    wire.endsAlong = false;
    answering(wire, () => {
      servers.push(wire);
      wire.onBytes = null;
      return switching;
    });
  });
  const wire = simulation.client();
  wire.endsAlong = false;
  wire.send(handshake);
  await simulation.until(() => wire.take() !== incomplete);
  simulation.accessLines.length = 0;
  const client = new Talker(wire, "client", random);
  const server = new Talker(servers[0]!, "server", random);
  const stage = { simulation, client, server };
  await talk(stage, random);
  await simulation.until(() => simulation.gateway.tunnels.size === 0);
  await simulation.advance(90_000);
  check(stage, chosen, seed);
  await simulation.finish();
  return client.sentMessages.length + server.sentMessages.length;
}

async function talk(stage: Stage, random: SeededRandom): Promise<void> {
  const rounds = random.integer(5, 60);
  const last = random.integer(1, rounds);
  // Who only listens is pinged while the other one's frames are under way.
  const talkers = [[stage.client], [stage.server], [stage.client, stage.server]][random.integer(0, 2)]!;
  for (let round = 1; round <= rounds; round++) {
    for (const talker of talkers) for (let count = random.integer(0, 4); count > 0; count--) talker.speak();
    if (round === last) endings[random.integer(0, endings.length - 1)]!(stage);
    await stage.simulation.advance(random.chance(0.05) ? 2_000 : random.integer(0, 40));
  }
}

function check({ simulation, client, server }: Stage, chosen: string, seed: number): void {
  const where = `seed ${seed}: ${chosen}`;
  for (const [talker, other] of [
    [client, server],
    [server, client],
  ] as const) {
    assert.equal(talker.scanner.error, "", where);
    assert.equal(talker.behindClose, 0, where);
    const { gotMessages } = talker;
    assert.deepEqual(gotMessages, other.sentMessages.slice(0, gotMessages.length), where);
    for (const pong of talker.gotPongs)
      assert.ok(talker.sentPings.has(pong), `${where}: a pong that is not its own`);
    const strange = talker.gotPings.filter((ping) => !other.sentPings.has(ping));
    if (!chosen.includes("websocket_ping")) assert.deepEqual(strange, [], where);
    for (const ping of strange) assert.equal(ping.length, 16, where);
    // Its close frame is the last of what it has sent: who got that has got all.
    const { closeCode, closeReason } = talker.scanner;
    if (closeReason === "own")
      assert.equal(gotMessages.length, other.sentMessages.length, `${where} ${closeCode}`);
  }
  const line = simulation.accessLines.find((text) => text.split("|").length === 6)!;
  const [by, code, , cause, , counts = ""] = line.split("|");
  const [received = 0, sent = 0, bytesReceived = 0] = counts.split(" ").map(Number);
  assert.ok(
    received >= server.gotMessages.length && received <= client.sentMessages.length,
    `${where}: ${line}`,
  );
  assert.ok(sent >= client.gotMessages.length && sent <= server.sentMessages.length, `${where}: ${line}`);
  if (received === client.sentMessages.length)
    assert.ok(bytesReceived >= client.sentBytes, `${where}: ${line}`);
  if (by === "gateway") assert.notEqual(cause, "", `${where}: ${line}`);
  const codes = [client.scanner.closeCode, server.scanner.closeCode, 1006].map(String);
  // A reset takes with it what was under way.
  const lost = [client, server].some(({ wire, vanished }) => vanished || wire.closeCode !== null);
  assert.ok(lost || codes.includes(code!), `${where}: ${line}, they saw ${codes.join()}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first = 1, count = 1000] = process.argv.slice(2).map(Number);
  let messages = 0;
  for (let seed = first; seed < first + count; seed++) {
    messages += await weather(seed);
    if (seed % 500 === 0) console.log(`${seed}: ${messages} messages`);
  }
  console.log(`${count} seeds, ${messages} messages`);
}
