import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Connection } from "./connection.ts";
import { recordType, responseCode } from "./dns-message.ts";
import { encodeAnswer, encodeName, encodeService, readQuestion } from "./memory/name-answer.ts";
import type { AnswerRecord } from "./memory/name-answer.ts";
import { MemoryNetwork } from "./memory/network.ts";
import { NameResolver, NameWait } from "./name-resolver.ts";
import type { NameFailure, NameServers, Resolution } from "./name-resolver.ts";
import type { TcpEndpoint } from "./network.ts";

const first: TcpEndpoint = { kind: "tcp", address: "10.0.0.53", port: 53 };
const second: TcpEndpoint = { kind: "tcp", address: "10.0.0.54", port: 53 };

/** A question that has arrived at a name server. */
interface Asked {
  readonly server: string;
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
  answer(records: readonly AnswerRecord[], code?: number): void;
  say(bytes: Buffer): void;
}

interface Scene {
  readonly network: MemoryNetwork;
  readonly resolver: NameResolver;
  readonly questions: Asked[];
  readonly complaints: string[];
}

/** Name servers that answer when told to. */
function setUp(options: Partial<NameServers> = {}): Scene {
  const network = new MemoryNetwork({ seed: 1 });
  const questions: Asked[] = [];
  const servers = options.servers ?? [first];
  for (const endpoint of servers) {
    network.serveDatagrams(endpoint, (bytes, say) => {
      questions.push({
        server: endpoint.address,
        ...readQuestion(bytes),
        bytes,
        say,
        answer: (records, code = 0) => say(encodeAnswer(bytes, records, { code })),
      });
    });
  }
  const complaints: string[] = [];
  const nameServers = { ipv4: true, ipv6: false, validSeconds: null, ...options, servers };
  const resolver = new NameResolver(network, nameServers, (text) => complaints.push(text));
  return { network, resolver, questions, complaints };
}

function address(last: number, ttlSeconds = 10): AnswerRecord {
  return { type: recordType.a, ttlSeconds, data: Buffer.from([10, 0, 1, last]) };
}

function alias(name: string, ttlSeconds = 10): AnswerRecord {
  return { type: recordType.cname, ttlSeconds, data: encodeName(name) };
}

function addressesOf(resolution: Resolution): readonly string[] {
  assert.ok("addresses" in resolution, JSON.stringify(resolution));
  return resolution.addresses;
}

function failureOf(resolution: Resolution | object): string {
  const { failure, reason } = resolution as NameFailure;
  return `${failure}: ${reason}`;
}

/** Datagrams that are under way arrive. */
async function settle(scene: Scene): Promise<void> {
  await scene.network.advance(0);
}

test("an answer is used until its last second is over, then asked for again", async () => {
  const scene = setUp();
  const { resolver, questions, network } = scene;
  const asked = resolver.resolve("a.test", 1000);
  await settle(scene);
  questions[0]!.answer([address(1)]);
  assert.deepEqual(await asked, { addresses: ["10.0.1.1"], untilMs: 10_000 });
  await network.advance(10_999);
  assert.deepEqual(resolver.resolve("A.Test.", 1000), { addresses: ["10.0.1.1"], untilMs: 10_000 });
  await network.advance(1);
  assert.ok(resolver.resolve("a.test", 1000) instanceof Promise);
});

test("what is valid for no time is used in the same second", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolve("a.test", 1000);
  await settle(scene);
  scene.questions[0]!.answer([address(1, 0)]);
  await asked;
  assert.ok(!(scene.resolver.resolve("a.test", 1000) instanceof Promise));
  await scene.network.advance(1000);
  assert.ok(scene.resolver.resolve("a.test", 1000) instanceof Promise);
});

test("`valid` takes the place of the time to live", async () => {
  const scene = setUp({ validSeconds: 100 });
  const asked = scene.resolver.resolve("a.test", 1000);
  await settle(scene);
  scene.questions[0]!.answer([address(1, 1)]);
  await asked;
  await scene.network.advance(50_000);
  assert.deepEqual(scene.resolver.resolve("a.test", 1000), { addresses: ["10.0.1.1"], untilMs: 100_000 });
});

test("the shortest time to live of an answer and its alias counts", async () => {
  const scene = setUp({ ipv6: true });
  const asked = scene.resolver.resolve("a.test", 1000);
  await settle(scene);
  scene.questions[0]!.answer([alias("b.test", 7), { ...address(1, 30), owner: "b.test" }]);
  scene.questions[1]!.answer([alias("b.test", 30)]);
  assert.deepEqual(await asked, { addresses: ["10.0.1.1"], untilMs: 7000 });
});

test("those who ask the same at once wait for one question, and failures are not remembered", async () => {
  const scene = setUp();
  const both = [scene.resolver.resolve("a.test", 1000), scene.resolver.resolve("a.test", 1000)];
  await settle(scene);
  assert.equal(scene.questions.length, 1);
  scene.questions[0]!.answer([], responseCode.serverFailure);
  for (const each of both) assert.equal(failureOf(await each), "2: Server failure");
  const third = scene.resolver.resolve("a.test", 1000);
  await settle(scene);
  assert.equal(scene.questions.length, 2);
  scene.questions[1]!.answer([address(1)]);
  assert.deepEqual(addressesOf(await third), ["10.0.1.1"]);
});

test("a silent server is asked again after five seconds, in turn with the others", async () => {
  const scene = setUp({ servers: [first, second] });
  const asked = scene.resolver.resolve("a.test", 30_000);
  await scene.network.advance(4999);
  assert.deepEqual(
    scene.questions.map(({ server }) => server),
    ["10.0.0.53"],
  );
  await scene.network.advance(5001);
  assert.deepEqual(
    scene.questions.map(({ server }) => server),
    ["10.0.0.53", "10.0.0.54", "10.0.0.53"],
  );
  // What was asked first may still be answered.
  scene.questions[0]!.answer([address(1)]);
  assert.deepEqual(addressesOf(await asked), ["10.0.1.1"]);
});

test("each question begins with the next server", async () => {
  const scene = setUp({ servers: [first, second] });
  for (const name of ["a.test", "b.test", "c.test"]) void scene.resolver.resolve(name, 1000);
  await settle(scene);
  assert.deepEqual(
    scene.questions.map(({ server }) => server),
    ["10.0.0.53", "10.0.0.54", "10.0.0.53"],
  );
});

test("a server that refuses datagrams is not waited for when there is another", async () => {
  const nobody: TcpEndpoint = { kind: "tcp", address: "10.0.0.9", port: 5353 };
  const network = new MemoryNetwork({ seed: 1 });
  network.names.set("a.test", ["10.0.1.1"]);
  const nameServers = { ipv4: true, ipv6: true, validSeconds: null };
  const resolver = new NameResolver(network, { ...nameServers, servers: [nobody, first] }, assert.fail);
  assert.deepEqual(addressesOf(await resolver.resolve("a.test", 1000)), ["10.0.1.1"]);
  const alone = new NameResolver(network, { ...nameServers, servers: [nobody] }, assert.fail);
  const asked = alone.resolve("a.test", 1000);
  await network.advance(1000);
  assert.equal(failureOf(await asked), "110: Operation timed out");
});

test("a server that closed its connection while another one was asked is asked by a new one", async () => {
  const scene = setUp({ servers: [first, second] });
  const { network, resolver, questions } = scene;
  const connections: Connection[] = [];
  for (const endpoint of [first, second]) {
    await network.listen(
      { endpoint, tls: null },
      {
        onHandshakeError: () => undefined,
        onConnection(connection) {
          if (endpoint === first) connections.push(connection);
          return {
            onData(bytes) {
              if (connections.length < 2) return;
              const answer = encodeAnswer(bytes.subarray(2), [address(1)]);
              connection.send(Buffer.concat([Buffer.from([0, answer.length]), answer]));
            },
            onEnd: () => connection.close(),
            onDrain: () => undefined,
            onClose: () => undefined,
          };
        },
      },
    );
  }
  const asked = resolver.resolve("a.test", 30_000);
  await settle(scene);
  questions[0]!.say(encodeAnswer(questions[0]!.bytes, [], { truncated: true }));
  // The second one is asked after 5 s, and the first one again after 10 s.
  await network.advance(6000);
  assert.equal(connections.length, 1);
  connections[0]!.close();
  await network.advance(5000);
  assert.equal(connections.length, 2);
  assert.deepEqual(addressesOf(await asked), ["10.0.1.1"]);
});

test("who waits too long is told so, and the answer serves those who come later", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolve("a.test", 1000);
  await scene.network.advance(1000);
  assert.equal(failureOf(await asked), "110: Operation timed out");
  scene.questions[0]!.answer([address(1)]);
  await settle(scene);
  assert.deepEqual(scene.resolver.resolve("a.test", 1000), { addresses: ["10.0.1.1"], untilMs: 11_000 });
});

test("who leaves is not waited for", async () => {
  const scene = setUp();
  const wait = new NameWait();
  let settled = false;
  void scene.resolver.ask("a.test", 60_000, wait).then(() => (settled = true));
  const other = scene.resolver.resolve("b.test", 60_000);
  const service = new NameWait();
  void scene.resolver.resolveService("_a._tcp.a.test", 60_000, service);
  await settle(scene);
  assert.equal(scene.network.openSockets, 3);
  wait.cancel();
  service.cancel();
  assert.equal(scene.network.openSockets, 1);
  scene.questions[1]!.answer([address(1)]);
  assert.deepEqual(addressesOf(await other), ["10.0.1.1"]);
  await scene.network.advance(0);
  assert.equal(scene.network.clock.nextAt, Infinity);
  assert.equal(settled, false);
});

test("a question that nobody waits for is asked of the next server by who comes, or given up", async () => {
  const scene = setUp({ servers: [first, second] });
  void scene.resolver.resolve("a.test", 1000);
  await scene.network.advance(1500);
  const later = scene.resolver.resolve("a.test", 1000);
  await settle(scene);
  assert.deepEqual(
    scene.questions.map(({ server }) => server),
    ["10.0.0.53", "10.0.0.54"],
  );
  scene.questions[1]!.answer([address(1)]);
  await later;
  void scene.resolver.resolve("b.test", 1000);
  await scene.network.advance(10_000);
  assert.equal(scene.network.clock.nextAt, Infinity, "timers are left");
  assert.equal(scene.network.openSockets, 0);
});

test("from memory, each kind begins anywhere and the ring does, too", async () => {
  const scene = setUp({ ipv6: true });
  const asked = scene.resolver.resolve("a.test", 1000);
  await settle(scene);
  const six = {
    type: recordType.aaaa,
    ttlSeconds: 10,
    data: Buffer.from("00000000000000000000000000000001", "hex"),
  };
  scene.questions[1]!.answer([six]);
  scene.questions[0]!.answer([address(8), address(9)]);
  assert.deepEqual(addressesOf(await asked), ["10.0.1.8", "10.0.1.9", "::1"]);
  const orders = new Set<string>();
  for (let at = 0; at < 200; at++)
    orders.add(addressesOf(scene.resolver.resolve("a.test", 1000) as Resolution).join(" "));
  assert.equal(orders.size, 6, [...orders].join("; "));
});

test("aliases are asked on, remembered, and followed fifty times", async () => {
  const scene = setUp();
  const chain = scene.resolver.resolve("c50.test", 1000);
  for (let place = 50; place > 0; place--) {
    await settle(scene);
    scene.questions.at(-1)!.answer([alias(`c${place - 1}.test`)]);
  }
  await settle(scene);
  scene.questions.at(-1)!.answer([address(1)]);
  assert.deepEqual(addressesOf(await chain), ["10.0.1.1"]);
  assert.equal(scene.questions.length, 51);
  assert.deepEqual(addressesOf(await scene.resolver.resolve("c50.test", 1000)), ["10.0.1.1"]);
  assert.equal(scene.questions.length, 51);
  const longer = scene.resolver.resolve("c51.test", 1000);
  await settle(scene);
  scene.questions.at(-1)!.answer([alias("c50.test")]);
  assert.equal(failureOf(await longer), "3: Host not found");
});

test("answers with another id, from another kind of question or unasked for are passed over", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolve("a.test", 5000);
  await settle(scene);
  const [question] = scene.questions;
  const { bytes } = question!;
  const wrongId = encodeAnswer(bytes, [address(66)]);
  wrongId.writeUInt16BE(bytes.readUInt16BE(0) ^ 1, 0);
  const otherName = Buffer.from(encodeAnswer(bytes, [address(66)]));
  otherName.write("b", 13);
  question!.say(wrongId);
  await scene.network.advance(1000);
  question!.say(otherName);
  await scene.network.advance(1000);
  question!.say(encodeAnswer(bytes, [{ ...address(66), data: Buffer.alloc(5) }]));
  await scene.network.advance(1000);
  question!.say(encodeAnswer(bytes, [{ ...address(66), type: recordType.aaaa, data: Buffer.alloc(16) }]));
  await settle(scene);
  question!.answer([address(1)]);
  assert.deepEqual(addressesOf(await asked), ["10.0.1.1"]);
  assert.match(scene.complaints[0]!, /^wrong ident \d+ in DNS response for a\.test, expect \d+$/);
  assert.deepEqual(scene.complaints.slice(1), [
    "unexpected DNS response for b.test",
    "invalid A record in DNS response",
    "unexpected AAAA record in DNS response",
  ]);
});

test("an answer without anything of use is waited past", async () => {
  const scene = setUp({ servers: [first, second] });
  const asked = scene.resolver.resolve("a.test", 30_000);
  await settle(scene);
  scene.questions[0]!.answer([{ type: recordType.dname, ttlSeconds: 1, data: encodeName("x") }]);
  await scene.network.advance(5000);
  assert.deepEqual(scene.complaints, ["no A or CNAME types in DNS response"]);
  scene.questions[1]!.answer([address(1)]);
  assert.deepEqual(addressesOf(await asked), ["10.0.1.1"]);
});

test("a flood of answers is told of once a second, and guesses at the id end the use of datagrams", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolve("a.test", 4000);
  await settle(scene);
  const [question] = scene.questions;
  const guess = encodeAnswer(question!.bytes, [address(66)]);
  const id = guess.readUInt16BE(0);
  for (let tries = 1; tries <= 30_000; tries++) {
    guess.writeUInt16BE((id + tries) & 0xffff, 0);
    question!.say(Buffer.from(guess));
  }
  await settle(scene);
  // Right at last, but nobody believes it any more.
  question!.answer([address(66)]);
  await scene.network.advance(4000);
  assert.equal(failureOf(await asked), "110: Operation timed out");
  assert.equal(scene.complaints.length, 1);
});

test("answers spoilt in any way make no exception, and every request ends", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      async (places) => {
        const internalErrors: unknown[] = [];
        const network = new MemoryNetwork({
          seed: 1,
          onInternalError: (error) => internalErrors.push(error),
        });
        network.serveDatagrams(first, (bytes, say) => {
          const data = encodeService(1, 1, 80, "b.test");
          const service = { type: recordType.srv, ttlSeconds: 5, data };
          const { type } = readQuestion(bytes);
          const answer = encodeAnswer(
            bytes,
            type === recordType.srv ? [service] : [address(1), alias("b.test")],
          );
          for (const [at, value] of places) if (at < answer.length) answer[at] = value;
          say(answer);
        });
        const nameServers = { servers: [first], ipv4: true, ipv6: true, validSeconds: null };
        const resolver = new NameResolver(network, nameServers, () => undefined);
        const results = [resolver.resolve("a.test", 1000), resolver.resolveService("_a._tcp.a.test", 1000)];
        await network.advance(20_000);
        for (const result of results) assert.ok((await result) !== null);
        assert.deepEqual(internalErrors, []);
        assert.equal(network.openSockets, 0);
      },
    ),
    { numRuns: 300 },
  );
});

test("names that clients make up share sockets, and leave none behind", async () => {
  const scene = setUp();
  const asked = Array.from({ length: 1000 }, async (_, at) => scene.resolver.resolve(`n${at}.test`, 1000));
  await settle(scene);
  assert.equal(scene.questions.length, 1000);
  assert.equal(scene.network.openSockets, 64);
  for (const question of scene.questions) question.answer([address(1)]);
  await Promise.all(asked);
  await settle(scene);
  assert.equal(scene.network.openSockets, 0);
  assert.equal(scene.network.clock.nextAt, Infinity);
});

test("more names at once than there is room for fail", async () => {
  const scene = setUp();
  const asked = Array.from({ length: 10_001 }, async (_, at) => scene.resolver.resolve(`n${at}.test`, 1000));
  assert.equal(failureOf(await asked.at(-1)!), "2: Server failure");
  await scene.network.advance(10_000);
  assert.equal(scene.network.openSockets, 0);
});

test("a service: the least priority first, targets that are not found, and the shortest validity", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolveService("_http._tcp.app.test", 1000);
  await settle(scene);
  const record = (priority: number, target: string): AnswerRecord => ({
    type: recordType.srv,
    ttlSeconds: 5,
    data: encodeService(priority, 3, 8000 + priority, target),
  });
  scene.questions[0]!.answer([record(20, "two.test"), record(10, "one.test"), record(30, "none.test")]);
  await settle(scene);
  for (const question of scene.questions.slice(1)) {
    if (question.name === "none.test") question.answer([], responseCode.notFound);
    else question.answer([address(question.name === "one.test" ? 1 : 2)]);
  }
  const found = await asked;
  assert.ok("servers" in found);
  assert.deepEqual(found.servers, [
    { address: "10.0.1.1", port: 8010, priority: 10, weight: 3 },
    { address: "10.0.1.2", port: 8020, priority: 20, weight: 3 },
  ]);
  assert.deepEqual(
    found.lost.map(({ target, failure }) => `${target} ${failure}`),
    ["none.test 3"],
  );
  assert.equal(found.untilMs, 5000);
});

test("a service has no more servers than there is use for", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolveService("_http._tcp.app.test", 1000);
  await settle(scene);
  const services = Array.from({ length: 7 }, (_, priority) => ({
    type: recordType.srv,
    ttlSeconds: 5,
    data: encodeService(priority, 1, 80, `target-${priority}.test`),
  }));
  scene.questions[0]!.answer(services);
  await settle(scene);
  const many = Array.from({ length: 200 }, (_, last) => address(last));
  for (const question of scene.questions.slice(1)) question.answer(many);
  const found = await asked;
  assert.ok("servers" in found);
  assert.equal(found.servers.length, 1024);
  assert.equal(found.servers.at(-1)!.priority, 5);
});

test("a service whose name or target is an alias", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolveService("_http._tcp.app.test", 1000);
  await settle(scene);
  scene.questions[0]!.answer([alias("_http._tcp.b.test")]);
  await settle(scene);
  assert.equal(scene.questions[1]!.name, "_http._tcp.b.test");
  assert.equal(scene.questions[1]!.type, recordType.srv);
  const data = encodeService(1, 1, 80, "c.test");
  scene.questions[1]!.answer([{ type: recordType.srv, ttlSeconds: 5, data }]);
  await settle(scene);
  scene.questions[2]!.answer([alias("d.test")]);
  await settle(scene);
  scene.questions[3]!.answer([address(1)]);
  const found = await asked;
  assert.ok("servers" in found);
  assert.deepEqual(
    found.servers.map(({ address: text }) => text),
    ["10.0.1.1"],
  );
});

test("a service that is not there", async () => {
  const scene = setUp();
  const asked = scene.resolver.resolveService("_http._tcp.app.test", 1000);
  await settle(scene);
  scene.questions[0]!.answer([]);
  assert.equal(failureOf(await asked), "3: Host not found");
});
